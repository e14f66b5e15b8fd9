"""An API process that runs until nothing waits any more, and may be killed at a boundary.

At the boundary called ``mark`` the process kills itself, as a power cut does. Its clock goes on
from the test's, or what the test has kept would be months old and be deleted beside it.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.fakes.clock import RunningClock
from tests.real.nursery import bear

WAIT_S = 40
SAID_MAX = 6_000  # characters of what it said, where it ended as nobody wanted


def run_mortal(
    waiting: Callable[[Engine], bool],
    environment: dict[str, str],
    mark: str,
    said: Path,
    now: datetime,
) -> int:
    """Run such a process while ``waiting``, a function of a module; return how it ended."""
    process = bear(_run, waiting, mark, now, env=os.environ | environment, said=said)
    code = process.ended()
    assert code in {0, -signal.SIGKILL}, process.said[-SAID_MAX:]
    return code


def _run(waiting: Callable[[Engine], bool], mark: str, now: datetime) -> None:
    asyncio.run(_main(waiting, mark, now))


async def _main(waiting: Callable[[Engine], bool], mark: str, now: datetime) -> None:
    def die_at(passed: str) -> None:
        if passed == mark:
            os.kill(os.getpid(), signal.SIGKILL)

    app = create_app(ApiSettings(), clock=RunningClock(now), listen=False)
    app.state.parts.marked = die_at
    async with asyncio.timeout(WAIT_S), app.router.lifespan_context(app):
        # The rows are settled by DBOS's threads: there is no event to wait for.
        while await asyncio.to_thread(waiting, app.state.parts.engine):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
