"""The application, made once and thrown away: the nursery imports this before it forks.

FastAPI reads the forms of all routes when the first application is made, a second's work.
"""

import gc
from pathlib import Path
from tempfile import TemporaryDirectory

from cart.kernel.clock import SystemClock
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings

with TemporaryDirectory() as folder:
    settings = ApiSettings(data_dir=Path(folder), secret_key="w" * 40)
    app = create_app(settings, clock=SystemClock(), listen=False, mail=False)
    app.state.parts.engine.dispose()
    del app
gc.collect()
gc.freeze()  # no collection of a child goes through all that again
