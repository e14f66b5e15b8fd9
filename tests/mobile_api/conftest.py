"""The real application on a real database, with a small shop in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox
from tests.mobile_api.shop import SECRET, fill


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    """Settings of a demo: the mails stay here."""
    return ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")


@pytest.fixture
def shop_engine(engine: Engine, clock: FakeClock) -> Engine:
    """A database with two shops, a lamp in three colours and a mug."""
    fill(engine, clock)
    return engine


@pytest.fixture
def app(shop_engine: Engine, settings: ApiSettings, clock: FakeClock) -> FastAPI:
    """The application, without broker and mails."""
    return create_app(
        settings, engine=shop_engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def phone(app: FastAPI) -> Iterator[TestClient]:
    """A phone that has never been here."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def another_phone(app: FastAPI, phone: TestClient) -> Callable[[], TestClient]:
    """Make further phones of the same shop; each has its own cookies."""
    assert phone  # the application runs while the first phone does
    return lambda: TestClient(app)


@pytest.fixture
def system_app(shop_engine: Engine, settings: ApiSettings) -> FastAPI:
    """The application on the system's clock, for what waits in real time."""
    return create_app(
        settings, engine=shop_engine, clock=SystemClock(), ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def inbox(free_port: int) -> Iterator[tuple[Inbox, str]]:
    """A mail server on loopback, and its address."""
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port)
    controller.start()
    yield handler, f"smtp://127.0.0.1:{free_port}"
    controller.stop()
