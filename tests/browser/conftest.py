"""The browser, a shop to open in it, and how long a page may take to come to what is expected.

A module whose pages need other switches of the browser has a fixture of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from cart.db import make_engine
from cart.kernel.clock import SystemClock
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET, fill
from tests.real.browser import running_browser

# Five seconds, Playwright's own, are no time on two cores that other tests have, too.
SEEN_WITHIN_MS = 20_000

expect.set_options(timeout=SEEN_WITHIN_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_browser() as made:
        yield made


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """A shop's database."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> FastAPI:
    """The application without mails: codes are read where they are made."""
    fill(engine, SystemClock())
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    return create_app(settings, engine=engine, listen=False, mail=False)


@pytest.fixture
def url(shop: FastAPI) -> Iterator[str]:
    """The address of the running application."""
    with serving(shop) as address:
        yield address
