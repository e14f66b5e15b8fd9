"""``gateway dead-letters``: list, show, replay, as an operator types it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.binding import queries as bindings
from gateway.cli import app
from inventory_api.catalogue.tables import VariantRow
from tests.fakes.shop import UNKNOWN, Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Engine, Tablet, dict[str, str]]]:
    """A database with two dead letters, its tablet, and the environment of its operator."""
    engine = make_engine(f"sqlite:///{tmp_path}/carryover.db")
    upgrade(engine)
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(
        engine,
        CLOCK,
        IDS,
        tablet.message(tablet.scanned("v1", UNKNOWN)),
        tablet.message(b"{\xff"),
    )
    yield engine, tablet, {"DATA_DIR": str(tmp_path), "MQTT_URL": "mqtt://127.0.0.1:1"}
    engine.dispose()


def run(environment: dict[str, str], *words: str) -> tuple[int, str]:
    """Run the command line; return its exit status and what it printed."""
    done = CliRunner().invoke(app, ["dead-letters", *words], env=environment)
    return done.exit_code, done.stdout


def letters(environment: dict[str, str], *words: str) -> dict[str, dict[str, object]]:
    """Return the listed letters by reason."""
    _, printed = run(environment, "list", "--json", *words)
    return {one["reason"]: one for one in map(json.loads, printed.splitlines())}


def test_list_and_show(shop: tuple[Engine, Tablet, dict[str, str]]) -> None:
    """Each has its reason, its device and its bytes; a filter by reason finds its own."""
    _, tablet, environment = shop
    found = letters(environment)
    assert set(found) == {"unknown_gtin", "invalid_payload"}
    assert set(letters(environment, "--reason", "unknown_gtin")) == {"unknown_gtin"}
    status, printed = run(environment, "show", str(found["invalid_payload"]["id"]))
    shown = json.loads(printed)
    assert status == 0
    assert shown["device_id"] == tablet.device.device_id
    assert shown["payload"] == "{\\xff"
    status, printed = run(environment, "list")
    assert "2 waiting" in printed


def test_show_says_when_there_is_none(shop: tuple[Engine, Tablet, dict[str, str]]) -> None:
    """An id that is none is refused with the status of a usage error."""
    assert run(shop[2], "show", "dead_nothing")[0] == 2


def test_replay(shop: tuple[Engine, Tablet, dict[str, str]]) -> None:
    """What is still wrong is said, with status 1; what is right now is done, once."""
    engine, tablet, environment = shop
    assert run(environment, "replay", "--all")[0] == 1
    assert set(letters(environment)) == {"unknown_gtin", "invalid_payload"}
    with unit_of_work(engine) as db:
        db.add(VariantRow(sku="NEW-1", gtin=UNKNOWN, product_id="mug"))
    status, printed = run(environment, "replay", "--all", "--reason", "unknown_gtin")
    assert (status, "done" in printed) == (0, True)
    assert set(letters(environment)) == {"invalid_payload"}
    assert set(letters(environment, "--all")) == {"unknown_gtin", "invalid_payload"}
    assert run(environment, "replay", "--all", "--reason", "unknown_gtin") == (
        0,
        "nothing to replay\n",
    )
    with reading(engine) as db:
        key = (tablet.device.device_id, "v1")
        assert bindings.visits(db, [key])[key].live
