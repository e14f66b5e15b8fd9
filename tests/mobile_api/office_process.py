"""An API process that runs until erasures and sweeps are over, and may be killed at a boundary.

``python -m tests.mobile_api.office_process [MARK]``: at the boundary called MARK the process
kills itself, as a power cut does.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from dbos import DBOS
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.clock import SystemClock
from mobile_api.app import create_app
from mobile_api.rights.erasing import waiting
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import SECRET

WAIT_S = 40
RUN_S_MAX = 90
RIGHTS = ["erase_customer", "retention"]


def run_office(engine: Engine, folder: Path, mark: str = "") -> int:
    """Run such a process over a database and a DATA_DIR; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.mobile_api.office_process", mark],
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "SECRET_KEY": SECRET,
            "PUBLIC_URL": "http://testserver",
        },
        capture_output=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()[-6_000:]
    return done.returncode


def die_at(mark: str) -> None:
    """Kill this process, without any last word."""
    if mark in sys.argv[1:]:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    """Serve until every erasure is done, and the sweep of the hour."""
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


if __name__ == "__main__":
    asyncio.run(main())
