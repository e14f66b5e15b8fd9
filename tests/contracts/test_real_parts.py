"""The parts that other tests stand on are real, fresh and fast."""

import subprocess
from collections.abc import Callable

from sqlalchemy import Engine, inspect, text

from cart.db import is_sqlite, unit_of_work
from tests.real.broker import Mosquitto


def test_an_engine_has_the_schema_and_is_writable(engine: Engine) -> None:
    """Both databases come with every table, and a transaction goes through."""
    assert inspect(engine).get_table_names()
    with unit_of_work(engine) as db:
        assert db.execute(text("SELECT 1")).scalar_one() == 1


def test_both_databases_are_what_they_say(sqlite_url: str, postgresql_url: str) -> None:
    """The URLs name the backends that the server knows."""
    assert sqlite_url.startswith("sqlite:///")
    assert postgresql_url.startswith("postgresql://")


def test_a_database_is_of_one_test_alone(engine: Engine) -> None:
    """What a test writes is in its own file or database."""
    with unit_of_work(engine) as db:
        db.execute(text("CREATE TABLE left_behind (id INTEGER)"))
    assert ("left_behind" in inspect(engine).get_table_names()) is True


def test_nothing_is_left_behind(engine: Engine) -> None:
    """The table of the test before is not here."""
    assert "left_behind" not in inspect(engine).get_table_names()
    assert is_sqlite(engine) == (engine.dialect.name == "sqlite")


def test_mosquitto_keeps_a_retained_message_over_a_restart(mosquitto: Mosquitto) -> None:
    """The broker runs with persistence, and can be stopped and started again."""
    publish = ["mosquitto_pub", "-p", str(mosquitto.port), "-q", "1", "-r", "-t", "t", "-m", "kept"]
    subprocess.run(publish, check=True, timeout=20)
    mosquitto.stop()
    mosquitto.start()
    listen = ["mosquitto_sub", "-p", str(mosquitto.port), "-t", "t", "-C", "1", "-W", "10"]
    heard = subprocess.run(listen, check=True, timeout=20, capture_output=True)
    assert heard.stdout == b"kept\n"


def test_mosquitto_can_be_told_whom_to_let_in(
    start_mosquitto: Callable[[str], Mosquitto],
) -> None:
    """With access configuration of its own, a stranger is refused."""
    broker = start_mosquitto("allow_anonymous false\n")
    publish = ["mosquitto_pub", "-p", str(broker.port), "-t", "t", "-m", "x"]
    refused = subprocess.run(publish, check=False, timeout=20, capture_output=True)
    assert refused.returncode != 0
    assert b"not authorised" in refused.stderr.lower()
