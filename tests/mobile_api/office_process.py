"""An API process that runs until erasures and sweeps are over, and may be killed at a boundary.

At the boundary called ``mark`` the process kills itself, as a power cut does.
"""

import asyncio
import os
import signal
from pathlib import Path

from dbos import DBOS
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.clock import SystemClock
from mobile_api.app import create_app
from mobile_api.rights.erasing import waiting
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import SECRET
from tests.real.nursery import bear

WAIT_S = 40
RIGHTS = ["erase_customer", "retention"]


def run_office(engine: Engine, folder: Path, mark: str = "") -> int:
    """Run such a process over a database and a DATA_DIR; return how it ended."""
    environment = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": "http://testserver",
    }
    said = folder / "office-process.txt"
    process = bear(_run, mark, env=os.environ | environment, said=said)
    code = process.ended()
    assert code in {0, -signal.SIGKILL}, process.said[-6_000:]
    return code


def _run(mark: str) -> None:
    asyncio.run(_main(mark))


async def _main(mark: str) -> None:
    def die_at(passed: str) -> None:
        if passed == mark:
            os.kill(os.getpid(), signal.SIGKILL)

    app = create_app(ApiSettings(), clock=SystemClock(), listen=False)
    app.state.parts.marked = die_at
    async with asyncio.timeout(WAIT_S), app.router.lifespan_context(app):
        # They are done by DBOS's threads: there is no event to wait for.
        while await asyncio.to_thread(_waiting, app.state.parts.engine):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _waiting(engine: Engine) -> bool:
    with reading(engine) as db:
        if waiting(db):
            return True
    states = [one.status for one in DBOS.list_workflows(name=RIGHTS)]
    return not states or not {"PENDING", "ENQUEUED"}.isdisjoint(states)
