"""The command line ``gateway bands …``."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from cart.audit import service as audit
from cart.carts.service import open_session
from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.ids import SeededIds
from cart.settings import KeySettings
from gateway import cli_bands
from gateway.bands import queries, service
from gateway.bands.sealing import Sealing
from gateway.wire.band import BandKey, BandState
from inventory_api.catalogue.tables import LocationRow
from tests.fakes.clock import FakeClock

Run = Callable[..., Result]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The registry that the commands work on."""
    made = make_engine(f"sqlite:///{tmp_path}/var/carryover.db")
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Run:
    """Runs a command against a fresh registry."""
    del engine  # its tables are there
    environment = {"DATABASE_URL": "", "DATA_DIR": str(tmp_path / "var"), "SECRET_KEY": ""}

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli_bands.app, words, env=environment)

    return run


def hand_out(engine: Engine, clock: FakeClock, number: int) -> None:
    """Somebody gets a band."""
    ids = SeededIds(3)
    with unit_of_work(engine) as db:
        service.hand_out(
            db,
            clock,
            ids,
            number=number,
            session_id=open_session(db, clock, ids).id,
            greeting="Ruth",
            locale="en",
            follow=True,
            staff_id=None,
        )


def test_secrets_are_printed_once_and_open_for_whoever_has_the_servers_key(
    run: Run, engine: Engine, clock: FakeClock, tmp_path: Path
) -> None:
    """What the programming station gets is what the API and the gateway open later."""
    made = run("make", "--location", "mill-lane", "--count", "2", "--firmware", "1.4", "--json")
    told = [json.loads(line) for line in made.stdout.splitlines()]
    assert [one["number"] for one in told] == [1, 2]
    assert len({one["secret"] for one in told}) == 2
    hand_out(engine, clock, 2)
    sealing = Sealing(KeySettings(data_dir=tmp_path / "var", secret_key="").key())
    with reading(engine) as db:
        [band] = queries.bands_out(db, sealing)
    frame = BandKey(bytes.fromhex(told[1]["secret"])).frame(7, 0, BandState(50))
    assert band.key.opened(frame, 7) == BandState(50)
    listed = run("list").stdout
    assert told[0]["secret"] not in listed
    assert "Ruth" not in listed + run("list", "--json").stdout
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600
    plain = run("make", "--location", "mill-lane").stdout.split()
    assert (plain[0], len(plain[1])) == ("3", 32)


def test_the_list_says_where_each_band_is(run: Run, engine: Engine, clock: FakeClock) -> None:
    """By location and state; for a script as JSON."""
    run("make", "--location", "mill-lane", "--count", "2")
    run("make", "--location", "harbour-street")
    hand_out(engine, clock, 1)
    found = json.loads(run("list", "--location", "mill-lane", "--json").stdout)
    assert [(one["number"], one["state"]) for one in found] == [(1, "out"), (2, "drawer")]
    assert found[0]["handed_out_at"] == clock.now().isoformat()
    lines = run("list", "--state", "drawer").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["2", "drawer", "mill-lane"],
        ["3", "drawer", "harbour-street"],
    ]


def test_a_band_is_lost_found_to_be_out_and_retired(
    run: Run, engine: Engine, clock: FakeClock
) -> None:
    """Each refusal is a sentence and changes nothing; each act is noted."""
    run("make", "--location", "mill-lane", "--count", "2")
    hand_out(engine, clock, 1)
    refused = run("retire", "1")
    assert (refused.exit_code, refused.stderr) == (1, "band 1 is out: somebody has it\n")
    assert run("trust", "1").exit_code == 1
    with unit_of_work(engine) as db:
        assert service.doubt(db, 1)
    assert run("trust", "1").stdout == "band 1 is trusted again\n"
    assert run("lost", "1").stdout == "band 1 is lost\n"
    assert run("lost", "1").exit_code == 1
    assert run("retire", "1").stdout == "band 1 is retired\n"
    assert run("lost", "9").stderr == "there is no band 9\n"
    with reading(engine) as db:
        assert queries.holder_of(db, 1) is None
        noted = [(one.action, one.on_id) for one in reversed(audit.newest(db))]
    assert noted == [
        ("band.make", "1"),
        ("band.make", "2"),
        ("band.trust", "1"),
        ("band.lost", "1"),
        ("band.retire", "1"),
    ]


def test_a_location_that_nobody_knows_has_no_drawer(run: Run, engine: Engine) -> None:
    """A typing mistake makes no band."""
    with unit_of_work(engine) as db:
        db.add(
            LocationRow(
                id="mill-lane",
                gln="9506000000015",
                name="Mill Lane",
                country="GB",
                timezone="Europe/London",
            )
        )
    assert run("make", "--location", "mil-lane").exit_code == 1
    with reading(engine) as db:
        assert queries.listed(db) == []
