"""An API process that takes looks in, to be killed in the middle of it."""

import os
from pathlib import Path

import uvicorn
from sqlalchemy import Engine

from cart.db import make_engine
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import SECRET
from tests.real.nursery import Born, bear
from tests.real.ports import free_port, wait_for_port

WAIT_S = 40.0  # the first of them waits for the imports, on a busy machine


def start(engine: Engine, folder: Path) -> tuple[Born, int]:
    """Start one over a database and a DATA_DIR; return it and its port once it listens."""
    port = free_port()
    environment = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET,
    }
    said = folder / "looks-process.txt"
    process = bear(_run, port, env=os.environ | environment, said=said)
    wait_for_port(port, WAIT_S)
    return process, port


def _run(port: int) -> None:
    settings = ApiSettings()
    used = make_engine(settings.effective_database_url)
    app = create_app(settings, engine=used, listen=False, mail=False)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
