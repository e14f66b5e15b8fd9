"""An API process that runs mails and rings until none waits, and may be killed at a boundary.

At the boundary called ``mark`` the process kills itself, as a power cut does.
"""

import asyncio
import os
import signal
from pathlib import Path

from sqlmodel import Session, select

from cart.carts.tables import ListRequestRow
from cart.journeys.tables import JourneyMessageRow
from cart.kernel.clock import SystemClock
from cart.orders.tables import OrderLetterRow
from cart.profile.push.tables import PushRingRow
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.real.nursery import bear

WAIT_S = 40


def run_process(environment: dict[str, str], mark: str = "-") -> int:
    """Run such a process; return how it ended."""
    said = Path(environment["DATA_DIR"]) / "mail-process.txt"
    process = bear(_run, mark, env=os.environ | environment, said=said)
    code = process.ended()
    assert code in {0, -signal.SIGKILL}, process.said[-2_000:]
    return code


def _run(mark: str) -> None:
    asyncio.run(_main(mark))


async def _main(mark: str) -> None:
    def die_at(passed: str) -> None:
        if passed == mark:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = ApiSettings(anonymous_keep_days=3650)  # the rows are of the fake clock's day
    app = create_app(settings, clock=SystemClock(), listen=False)
    app.state.parts.marked = die_at
    async with asyncio.timeout(WAIT_S), app.router.lifespan_context(app):
        # The rows are settled by DBOS's threads: there is no event to wait for.
        while await asyncio.to_thread(_waiting, app.state.parts.engine):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _waiting(engine: object) -> bool:
    with Session(engine) as db:  # type: ignore[arg-type]
        lists = select(ListRequestRow).where(ListRequestRow.state == "requested")
        letters = select(OrderLetterRow).where(OrderLetterRow.state == "requested")
        rings = select(PushRingRow).where(PushRingRow.state == "requested")
        messages = select(JourneyMessageRow).where(JourneyMessageRow.state == "requested")
        return any(db.exec(one).first() for one in (lists, letters, rings, messages))
