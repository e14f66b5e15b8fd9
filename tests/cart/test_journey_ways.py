"""A journey of two arms, places and zones, and processes that die: on both databases."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Final

import pytest
from sqlalchemy import Engine, text

from cart.db import is_sqlite, reading, unit_of_work
from cart.journeys import rounds
from cart.journeys.model import arm_of, read
from cart.journeys.tables import JourneyRunRow
from cart.profile.timeline.model import Kind
from inventory_api.catalogue.tables import LocationRow, VariantRow
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from tests.cart.buying import HERE, LAMP, MUG, THERE, fill
from tests.cart.journeying import DAY_S, HOUR_S, REMINDER, SECRET, TRIED, Street, Walker
from tests.fakes.clock import FakeClock

ARMS: Final = """
name = "two-arms"
version = 1
title = "Two arms"
holdout_percent = 0
[trigger]
kind = "cart_idle"
after_hours = 24
[[steps]]
kind = "condition"
holds = "customer"
[[steps]]
kind = "condition"
holds = "consents"
[[steps]]
kind = "condition"
holds = "has_things"
[[steps]]
kind = "condition"
holds = "in_stock"
otherwise = "later"
[[steps]]
id = "half"
kind = "split"
shares = { now = 50, later = 50 }
[[steps]]
id = "now"
kind = "message"
[[steps]]
kind = "exit"
[[steps]]
id = "later"
kind = "wait"
hours = 48
[[steps]]
id = "then"
kind = "message"
"""


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """A shop."""
    fill(engine, clock)
    return Street(engine, clock)


def test_conditions_and_a_split_send_everybody_her_way(street: Street) -> None:
    """A stranger and who allows nothing leave, one arm is told now, the other two days later."""
    street.load(ARMS)
    one = read(ARMS)
    [split] = [step for step in one.steps if step.kind == "split"]
    arms: dict[str, list[Walker]] = {"now": [], "later": []}
    for number in range(40):  # their ids are random, and so is the draw
        ada = Walker(street.engine, street.clock).known(f"p{number}@example.org")
        arms[arm_of(SECRET, one, split, ada.session_id)].append(ada)
        if all(arms.values()):
            break
    now, later = arms["now"][0], arms["later"][0]
    stranger, silent = (Walker(street.engine, street.clock) for _ in "12")
    silent.known("silent@example.org", consents=False)
    without = Walker(street.engine, street.clock).known("mug@example.org")
    for each in (now, later, stranger, silent):
        each.scan(LAMP)
    without.scan(MUG)
    street.shelve(-5, "mug")
    start = street.clock.now()
    gone = [(home, (at - start).days) for home, at in street.days(1.5) + _restocked(street)]
    assert sorted(gone) == sorted(
        [(now.session_id, 1), (later.session_id, 3), (without.session_id, 3)]
    )
    ends = {run.session_id: run.reason for run in street.runs()}
    assert ends == {
        now.session_id: "exit",
        later.session_id: "done",
        without.session_id: "done",
        stranger.session_id: "condition",
        silent.session_id: "condition",
    }


def _restocked(street: Street) -> list[tuple[str, datetime]]:
    street.shelve(3, "mug")
    return street.days(3)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_night_is_that_of_the_shop_she_was_in(street: Street, engine: Engine) -> None:
    """Two people at the same moment: in Amsterdam it is day, in Tokyo night until 00:00 UTC."""
    with unit_of_work(engine) as db:
        place = db.get_one(LocationRow, THERE)
        place.timezone = "Asia/Tokyo"
        db.add(place)
    street.load(TRIED)
    here, there = (Walker(engine, street.clock).known(f"{one}@example.org") for one in "ab")
    here.touch(Kind.TRIED, LAMP, location_id=HERE)
    there.touch(Kind.TRIED, LAMP, location_id=THERE)
    street.clock.advance(5 * HOUR_S)  # 15:00 UTC: 16:00 there, midnight in Tokyo
    here.touch(Kind.TRIED, LAMP, location_id=HERE)
    gone = dict(street.days(1.9, every_s=HOUR_S))
    assert gone[here.session_id].astimezone(UTC).hour < 15
    morning = gone[there.session_id].astimezone(UTC)
    assert 0 <= morning.hour < 12
    assert 9 <= morning.hour + 9 < 21
    assert ("postponed", "quiet_hours") in street.messages() or morning.hour >= 9


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_size_that_she_had_is_the_one_that_fits(street: Street, engine: Engine) -> None:
    """A sibling in another size on the shelf is no piece for her."""
    with unit_of_work(engine) as db:
        db.add(VariantRow(sku="jacket-l", gtin="4012345678901", product_id="jacket", size="L"))
        db.flush()
        stock.move(
            db, street.clock, location_id=HERE, sku="jacket-l", delta=9, reason=Reason.RECEIVED
        )
    street.load(TRIED)
    ada = Walker(engine, street.clock).known()
    ada.touch(Kind.TRIED, "00036000291452")
    street.shelve(-5, "jacket")
    street.days(1.25)
    assert street.messages() == [("refused", "out_of_stock")]


def test_who_waits_is_found_by_an_index(street: Street) -> None:
    """Millions wait: what is due is read from an index over those that go on."""
    with reading(street.engine) as db:
        lite = is_sqlite(db.connection())
        if not lite:
            db.connection().execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if lite else "EXPLAIN"
        dialect = db.connection().dialect
        said = rounds.asked_due(street.clock.now()).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}
        )
        plan = str(db.connection().execute(text(f"{explain} {said}")).all())
    assert "ix_journey_run_due" in plan, plan
    assert "Seq Scan" not in plan
    assert "SCAN journey_run\n" not in plan


KILLED: Final = """
import os, signal, sys
from datetime import timedelta
from cart.db import make_engine, unit_of_work
from cart.journeys import rounds
from cart.journeys.ports import World
from tests.cart.buying import SHOP
from tests.cart.journeying import SECRET
from tests.fakes.clock import FakeClock
engine = make_engine(sys.argv[1])
clock = FakeClock()
clock.advance(float(sys.argv[2]))
with unit_of_work(engine) as db:
    [run_id] = rounds.due(db, clock.now())
    assert rounds.move(db, World(clock, SECRET, SHOP), run_id)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_while_moving_has_moved_nobody(street: Street, database_url: str) -> None:
    """Between the message's row and the commit: the next one asks for one message."""
    street.load(REMINDER)
    ada = Walker(street.engine, street.clock).known()
    began = FakeClock().now()
    ada.scan()
    street.read_on()
    street.clock.advance(DAY_S + 60)
    ahead_s = (street.clock.now() - began).total_seconds()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, database_url, str(ahead_s)],
        check=False,
        env={**os.environ, "PYTHONPATH": "."},
        timeout=60,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert street.messages() == []
    assert rounds.move_all(street.engine, street.world) == 1
    assert street.post() == [ada.session_id]
    with reading(street.engine) as db:
        [run] = street.runs()
        assert db.get_one(JourneyRunRow, run.id).messages == 1
