"""A short run of each target; ``make fuzz`` is the long one."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from cart.db import make_engine
from gateway.wire.topics import UP, Channel
from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import BATCH, TAKEN, TARGETS

INPUTS = {"events": 3_000, "to-devices": 5_000, "packets": 5_000, "codes": 3_000}
FEW = 300  # a file into a database, a photograph: tens of milliseconds each


@pytest.mark.skipif(sys.platform != "linux", reason="the engine is built for Linux only")
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_crashes_it_and_every_refusal_has_a_reason(name: str, tmp_path: Path) -> None:
    """Some inputs are taken, so mutation goes past the first check; the others are refused."""
    run = fuzz(name, INPUTS.get(name, FEW), 1, tmp_path)
    assert not run.found, run.found
    assert run.inputs >= INPUTS.get(name, FEW)
    assert run.counts[TAKEN] > 0
    assert len(run.counts) > 1


def test_a_message_of_every_channel_is_among_the_seeds(tmp_path: Path) -> None:
    """Each upward channel has one that is taken; a batch of them goes through every way in."""
    target = TARGETS["events"]
    act = target.make(tmp_path)
    judged: dict[str, set[str]] = {}
    for _ in range(BATCH):
        for seed in target.seeds():
            channel, _, payload = seed.partition(b"\n")
            judged.setdefault(channel.decode(), set()).add(act(seed))
            assert payload
    wanted = {str(one) for one in UP if one is not Channel.EVENTS} | {""}
    assert {channel for channel, came_to in judged.items() if TAKEN in came_to} >= wanted
    engine = make_engine(f"sqlite:///{next(tmp_path.glob('*.db'))}")
    with engine.connect() as connection:
        heard = connection.execute(text("SELECT COUNT(*) FROM device_seen WHERE online")).scalar()
    engine.dispose()
    assert heard == 1, "a state went through to the registry"
