"""A floor is drawn as an operator means it, or refused in words that say where it is wrong."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.clock import to_us
from cart.kernel.errors import InvalidInput, UnknownDevice
from cart.kernel.ids import SeededIds
from gateway.cli import app
from gateway.floor import queries
from gateway.floor.model import FILE_MAX_BYTES, read_plan
from gateway.floor.service import HOUR_US, TRAFFIC_KEPT, draw, forget_traffic
from gateway.floor.tables import ZoneTrafficRow
from gateway.presence.plan import Area
from gateway.registry import service as registry
from tests.fakes.clock import FakeClock

HERE = "mill-lane"
ZONE = '[[zone]]\nid = "lamps"\nareas = [[0, 0, 6, 6], [6, 0, 8, 2]]\n'


def device(engine: Engine, kind: str, location_id: str = HERE, seed: int = 3) -> str:
    """Return the id of a fresh device."""
    clock, ids = FakeClock(), SeededIds(seed)
    with unit_of_work(engine) as db:
        token = registry.enrol(db, clock, ids, kind=kind, location_id=location_id, name=kind)
        return registry.redeem(db, clock, ids, token=token).device_id


def receiver(name: str, more: str = "") -> str:
    """Return the lines of a receiver."""
    return f'[[receiver]]\ndevice = "{name}"\nat = [1.5, 2]\n{more}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = 1", "zone: Input should be a valid"),
        ("[[zone]", "not TOML"),
        ("", "zone: Field required"),
        ('[[zone]]\nid = ""\nareas = [[0,0,1,1]]', "zone.0.id"),
        ('[[zone]]\nid = "lamps"\nareas = []', "zone.0.areas"),
        ('[[zone]]\nid = "lamps"\nareas = [[0,0,1]]', "zone.0.areas.0"),
        ('[[zone]]\nid = "lamps"\nareas = [[5,0,1,1]]', "is no area"),
        ('[[zone]]\nid = "lamps"\nareas = [[0,0,nan,1]]', "zone.0.areas.0.2"),
        ('[[zone]]\nid = "lamps"\nareas = [[0,0,1,1]]\ncolour = "red"', "zone.0.colour"),
        (ZONE + 'serves = "coffee"', "zone.0.serves"),
        (ZONE + 'serves = "desk"\nplaces = 0', "zone.0.places"),
        (ZONE + 'serves = "desk"\nservice_minutes = 121', "zone.0.service_minutes"),
        (ZONE + "places = 4", "of a zone that serves"),
        (ZONE + ZONE, "lamps stands in the plan 2 times"),
        (ZONE + receiver("rcv-1") + receiver("rcv-1"), "rcv-1 stands in the plan 2 times"),
        (
            ZONE
            + receiver("rcv-1", 'stands_at = "tab-1"\n')
            + receiver("rcv-2", 'stands_at = "tab-1"\n'),
            "stands_at tab-1 stands in the plan 2 times",
        ),
        (ZONE + receiver("rcv-1", 'desk = "a"\ngate = "b"\n'), "not at two of them"),
        ("#" * (FILE_MAX_BYTES + 1), "limit"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_floor_is_refused_where_it_is_wrong(text: str, words: str) -> None:
    """The first fault is named, with its place."""
    with pytest.raises(InvalidInput, match=words.replace(".", r"\.")):
        read_plan(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    """A picture of the floor is not its plan."""
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_plan(b"\xff\xd8\xff\xe0")


def test_a_plan_replaces_the_one_before(engine: Engine) -> None:
    """Drawn, read, drawn anew: nothing of the first is left."""
    name, tablet = device(engine, "receiver"), device(engine, "tablet", seed=4)
    first = read_plan((ZONE + receiver(name, f'stands_at = "{tablet}"')).encode())
    with unit_of_work(engine) as db:
        draw(db, HERE, first)
    with reading(engine) as db:
        plan = queries.plans(db)[HERE]
        assert queries.stands_at(db, name) == tablet
        assert queries.stands_at(db, tablet) is None
    assert plan.zones == {"lamps": (Area(0, 0, 6, 6), Area(6, 0, 8, 2))}
    assert plan.receivers == {name: (1.5, 2.0)}
    with unit_of_work(engine) as db:
        draw(db, HERE, read_plan(b'[[zone]]\nid = "rugs"\nareas = [[0, 0, 1, 1]]\n'))
    with reading(engine) as db:
        assert queries.plans(db) == {}  # nobody is heard on it
        assert set(queries.plan_of(db, HERE).zones) == {"rugs"}


def test_what_hangs_on_a_floor_is_a_receiver_of_that_shop(engine: Engine) -> None:
    """Neither a stranger, nor a tablet, nor one from another shop; nor one receiver at another."""
    own, other = device(engine, "receiver"), device(engine, "receiver", seed=5)
    tablet, far = device(engine, "tablet", seed=6), device(engine, "receiver", "elsewhere", seed=7)
    for lines, words in (
        (receiver("rcv-none"), "there is no device"),
        (receiver(tablet), "is a tablet, not a receiver"),
        (receiver(far), "is enrolled at elsewhere"),
        (receiver(own, f'stands_at = "{other}"'), "is a receiver itself"),
    ):
        with (
            pytest.raises((InvalidInput, UnknownDevice), match=words),
            unit_of_work(engine) as db,
        ):
            draw(db, HERE, read_plan((ZONE + lines).encode()))
    with reading(engine) as db:
        assert queries.plan_of(db, HERE).zones == {}


def test_numbers_of_hours_go_after_their_time(engine: Engine) -> None:
    """What is older than a year and a month is deleted; what is younger stays."""
    clock = FakeClock()
    now_us = to_us(clock.now()) // HOUR_US * HOUR_US
    old_us = now_us - int((TRAFFIC_KEPT + timedelta(hours=1)) / timedelta(microseconds=1))
    with unit_of_work(engine) as db:
        for hour_us in (old_us, now_us):
            db.add(ZoneTrafficRow(location_id=HERE, zone_id="lamps", hour_us=hour_us, entered=3))
        db.flush()
        forget_traffic(db, clock)
    with reading(engine) as db:
        assert queries.counts(db, HERE, old_us) == {}
        assert queries.counts(db, HERE, now_us)["lamps"].entered == 3


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The environment of the command line, with a database."""
    url = f"sqlite:///{tmp_path}/carryover.db"
    upgrade(made := make_engine(url))
    made.dispose()
    return {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "MQTT_URL": ""}


def test_the_command_loads_shows_and_refuses(files: dict[str, str], tmp_path: Path) -> None:
    """A file in, the same out; what is wrong is one sentence and exit code 1."""
    plan = tmp_path / "plan.toml"
    plan.write_text(ZONE)
    run = CliRunner().invoke
    loaded = run(app, ["floor", "load", str(plan), "--location", HERE], env=files)
    assert (loaded.exit_code, loaded.output) == (0, f"{HERE}: 1 zones, 0 receivers\n")
    shown = run(app, ["floor", "show", "--location", HERE, "--json"], env=files)
    assert json.loads(shown.output)["zones"] == {"lamps": [[0, 0, 6, 6], [6, 0, 8, 2]]}
    nothing = run(app, ["floor", "show", "--location", "elsewhere"], env=files)
    assert nothing.output == "nothing is drawn of elsewhere\n"
    missing = run(app, ["floor", "load", str(tmp_path / "none"), "--location", HERE], env=files)
    assert missing.exit_code == 1
    assert "none" in missing.output
    plan.write_text("zone = 1")
    wrong = run(app, ["floor", "load", str(plan), "--location", HERE], env=files)
    assert wrong.exit_code == 1
    assert wrong.output.startswith("zone: ")
