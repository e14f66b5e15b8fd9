"""An API process that runs mails and rings until none waits, and may be killed at a boundary.

``python -m tests.mobile_api.mail_process DATA_DIR [MARK]``: at the boundary
called MARK the process kills itself, as a power cut does.
"""

import asyncio
import os
import signal
import sys

from sqlmodel import Session, select

from cart.carts.tables import ListRequestRow
from cart.journeys.tables import JourneyMessageRow
from cart.kernel.clock import SystemClock
from cart.orders.tables import OrderLetterRow
from cart.profile.push.tables import PushRingRow
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings

WAIT_S = 40


def die_at(mark: str) -> None:
    """Kill this process, without any last word."""
    if mark == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    """Serve until every wish is settled."""
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


if __name__ == "__main__":
    asyncio.run(main())
