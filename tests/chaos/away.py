"""Broker or database away for minutes, not seconds: what is said meanwhile is stored afterwards.

Too long for ``make test``: ``make chaos RUNS=0 AWAY=3``.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.chaos.plan import SHOPS, Plan, Scale, plan_of
from tests.chaos.run import Result, played, said
from tests.chaos.stage import Stage, wait_until

PARTS: Final = ("broker", "postgresql")
EVENTS: Final = 20_000
BEFORE: Final = 2_000  # said when it goes
SPOKEN_SHARE: Final = 0.9  # of the time away the devices speak; then they wait for its end
WAIT_S: Final = 300.0


def away(minutes: float) -> Iterator[Result]:
    """Play one run for each part; each is judged as every other run."""
    rate = (EVENTS - BEFORE) / (SPOKEN_SHARE * minutes * 60)
    for part in PARTS:
        of = _plan(rate, minutes * 60 + Scale().patience_s)
        yield played(of, strike=lambda on, part=part: _strike(on, part, minutes))  # type: ignore[misc]


def _plan(rate: float, patience_s: float) -> Plan:
    seed = [*SHOPS].index(("mosquitto", "postgresql"))
    return replace(plan_of(seed, Scale(events=EVENTS, rate=rate, patience_s=patience_s)), blows=())


def _strike(on: Stage, part: str, minutes: float) -> dict[str, int]:
    on.allow(BEFORE)
    if not wait_until(lambda: said(on) >= BEFORE, WAIT_S):
        msg = f"{said(on)} of {BEFORE} events were said"
        raise TimeoutError(msg)
    on.kill(part)
    on.allow(on.plan.scale.events)
    time.sleep(minutes * 60)
    on.start_again((part,))
    return {part: 1}
