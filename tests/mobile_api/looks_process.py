"""An API process that takes looks in, to be killed in the middle of it."""

import os
import subprocess
import sys
from pathlib import Path

import uvicorn
from sqlalchemy import Engine

from cart.db import make_engine
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import SECRET
from tests.real.ports import free_port, wait_for_port

WAIT_S = 40.0  # it imports the application, on a busy machine


def start(engine: Engine, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start one over a database and a DATA_DIR; return it and its port once it listens."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.mobile_api.looks_process", str(port)],
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "SECRET_KEY": SECRET,
        },
        stdout=subprocess.DEVNULL,
    )
    wait_for_port(port, WAIT_S)
    return process, port


if __name__ == "__main__":
    settings = ApiSettings()
    used = make_engine(settings.effective_database_url)
    app = create_app(settings, engine=used, listen=False, mail=False)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
