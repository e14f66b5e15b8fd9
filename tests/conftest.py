"""Real parts for every test: both databases with their schema, a broker, free ports.

``engine`` runs a test twice, once on each database. A test that needs only one
asks for ``sqlite_url`` or ``postgresql_url``.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.ids import SeededIds
from cart.process import collect_seldom
from tests.contracts.requirements import by_test
from tests.fakes.clock import FakeClock
from tests.real.broker import Mosquitto
from tests.real.ports import free_port as any_free_port
from tests.real.postgres import PostgresServer, running_postgres
from tests.real.scratch import use_memory

# No test is a race with the clock: on a busy machine the first example alone loads translations.
settings.register_profile("carryover", deadline=None)
settings.load_profile("carryover")


def pytest_configure() -> None:
    """Put the files of tests where a commit costs nothing."""
    use_memory()


def pytest_collection_finish() -> None:
    """Let the cycle collector pass over what was imported and collected, for good."""
    collect_seldom()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a requirement call the tests that docs/security.md names for it."""
    named = by_test()
    for item in items:
        item.extra_keyword_matches.update(named.get(item.nodeid.partition("[")[0], ()))


def _make_schema(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()  # the last connection to go folds SQLite's WAL into the file


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema in it, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _make_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def bare_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, without our schema."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres(bare_postgres: PostgresServer) -> PostgresServer:
    """The same server, with a template database that has the schema."""
    bare_postgres.make_template(_make_schema)
    return bare_postgres


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh SQLite file with the schema."""
    path = tmp_path / "carryover.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres: PostgresServer) -> Iterator[str]:
    """URL of an empty PostgreSQL database with the schema, for this test alone."""
    with postgres.lent() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table: the test runs on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: PostgresServer = request.getfixturevalue("bare_postgres")
    with server.database("template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database with the schema: the test runs on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database with the schema: the test runs on each kind."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto of this test alone; anyone may connect and use every topic."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[[str], Mosquitto]]:
    """A function that starts a broker with the given access configuration (``mosquitto.conf``)."""
    brokers: list[Mosquitto] = []

    def start(access: str) -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(brokers)}", access)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that nothing listens on."""
    return any_free_port()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test moves."""
    return FakeClock()


@pytest.fixture
def ids() -> SeededIds:
    """Ids that repeat from run to run."""
    return SeededIds(7)
