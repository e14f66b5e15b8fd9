"""An API process that runs until erasures and sweeps are over, and may be killed at a boundary."""

from datetime import datetime
from pathlib import Path

from dbos import DBOS
from sqlalchemy import Engine

from cart.db import reading
from mobile_api.rights.erasing import waiting
from tests.mobile_api.mortal_process import run_mortal
from tests.mobile_api.shop import SECRET

RIGHTS = ["erase_customer", "retention"]


def run_office(engine: Engine, folder: Path, now: datetime, mark: str = "") -> int:
    """Run such a process over a database and a DATA_DIR, from ``now`` on; return how it ended."""
    environment = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": "http://testserver",
    }
    return run_mortal(_waiting, environment, mark, folder / "office-process.txt", now)


def _waiting(engine: Engine) -> bool:
    with reading(engine) as db:
        if waiting(db):
            return True
    states = [one.status for one in DBOS.list_workflows(name=RIGHTS)]
    return not states or not {"PENDING", "ENQUEUED"}.isdisjoint(states)
