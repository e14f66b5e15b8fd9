"""Journeys on both databases: who begins, what happens when, and that each step is done once."""

from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.carts import service as carts
from cart.carts.service import Shopping
from cart.db import unit_of_work
from cart.journeys import enrolling, loading, people, rounds
from cart.journeys.model import held_out, read
from cart.journeys.moving import Move
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow, JourneyVersionRow
from cart.kernel.errors import InvalidInput, NotFound
from cart.profile.timeline.model import Kind
from cart.profile.timeline.tables import TimelineMarkRow
from inventory_api.catalogue.queries import sellables
from tests.cart.buying import LAMP, MUG, at_once, fill
from tests.cart.journeying import (
    DAY_S,
    LISTED,
    REMINDER,
    SECRET,
    TRIED,
    Street,
    Walker,
    hours,
)
from tests.fakes.clock import FakeClock

# What does not differ between the databases is asked of the faster one.
ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """A shop with one journey that is on."""
    fill(engine, clock)
    return Street(engine, clock, REMINDER)


def walker(street: Street, address: str = "ada@example.org", **more: bool) -> Walker:
    """Somebody who allows reminders."""
    return Walker(street.engine, street.clock).known(address, **more)


def test_a_day_later_one_reminder_and_another_after_three(street: Street) -> None:
    """Scanned at nine: both at nine in the morning, three days apart; then it is over."""
    ada, began = walker(street), street.clock.now()
    ada.scan()
    gone = street.days(9)
    assert [home for home, _ in gone] == [ada.session_id] * 2
    after = [at - began for _, at in gone]
    assert hours(24) <= after[0] < hours(26)
    assert hours(96) <= after[1] <= hours(108)
    [run] = street.runs()
    assert (run.state, run.reason, run.held_out) == ("done", "done", False)


@ON_SQLITE
def test_each_scan_lets_the_time_begin_anew(street: Street) -> None:
    """Idle means idle; the run is one."""
    ada = walker(street)
    for _ in range(3):
        ada.scan()
        assert street.days(0.9) == []
    [run] = street.runs()
    assert run.state == "pending"
    assert len(street.days(1)) == 1


def test_the_same_is_never_begun_twice(street: Street) -> None:
    """Neither by another scan on the way, nor soon after the end, nor by reading again."""
    ada = walker(street)
    ada.scan()
    street.days(6)
    ada.scan(MUG)
    street.days(6)
    assert len(street.runs()) == 1
    with unit_of_work(street.engine) as db:
        mark = db.get_one(TimelineMarkRow, enrolling.READER)
        mark.position = 0  # as if a copy of the database had been put back
        db.add(mark)
    street.clock.jump(-11 * DAY_S)
    assert street.read_on() == 2
    assert len(street.runs()) == 1


@ON_SQLITE
def test_a_month_later_she_may_begin_again(street: Street) -> None:
    """``again_after_days`` counts from when she entered."""
    ada = walker(street)
    ada.scan()
    street.days(6)
    street.clock.advance(26 * DAY_S)
    ada.scan(MUG)
    street.days(2)
    assert len(street.runs()) == 2


@ON_SQLITE
def test_what_is_told_too_late_starts_nothing(street: Street) -> None:
    """A journey that is switched on does not remind of last month."""
    walker(street).scan()
    street.clock.advance(4 * DAY_S)
    street.round()
    assert street.runs() == []


@ON_SQLITE
def test_who_buys_before_she_entered_never_did(street: Street) -> None:
    """No message is even asked for; and she may begin with her next cart."""
    ada = walker(street)
    ada.scan()
    street.read_on()
    ada.buy(MUG)
    street.days(2)
    [run] = street.runs()
    assert (run.state, run.reason, run.entered_at) == ("left", "bought", None)
    assert street.messages() == []
    ada.scan()
    street.round()
    assert [one.state for one in street.runs()] == ["left", "pending"]


def test_who_buys_between_two_messages_gets_no_second(street: Street) -> None:
    """The reminder that stops."""
    ada = walker(street)
    ada.scan()
    assert len(street.days(2)) == 1
    ada.open()
    ada.pay()
    assert street.days(7) == []
    [run] = street.runs()
    assert (run.state, run.reason) == ("left", "bought")


@ON_SQLITE
def test_a_cart_that_she_emptied_herself_is_let_be(street: Street) -> None:
    """Nothing is left to remind of."""
    ada = walker(street)
    ada.scan()
    street.read_on()
    shopping = Shopping(ada.cart_id, street.clock, sellables)
    ada.do(lambda db: carts.remove_line(db, shopping, operation_id="op-off", gtin=LAMP))
    assert street.days(3) == []
    [run] = street.runs()
    assert (run.state, run.reason) == ("left", "nothing_left")


@ON_SQLITE
def test_a_list_and_what_was_tried_have_their_own_journeys(
    engine: Engine, clock: FakeClock
) -> None:
    """What was bought of something else does not stop them; what they are about does."""
    fill(engine, clock)
    street = Street(engine, clock, LISTED, TRIED)
    ada, at_a_till = walker(street), Walker(engine, clock)
    ada.put(LAMP)
    ada.joined_by(at_a_till)
    ada.do(
        lambda db: carts.save_list(
            db, clock, list_id="list-1", cart_id=ada.cart_id, session_id=ada.session_id
        )
    )
    ada.touch(Kind.LIST_MAILED, ref="list-1")
    ada.touch(Kind.TRIED, gtin=MUG)
    street.read_on()
    at_a_till.buy(MUG)
    gone = street.days(2)
    assert len(gone) == 1
    by_name = {one.journey: one for one in street.runs()}
    assert by_name["tried-reminder"].reason == "bought"
    assert by_name["list-reminder"].state == "running"


@ON_SQLITE
def test_whoever_is_held_out_walks_the_same_way_and_gets_nothing(street: Street) -> None:
    """Decided by a keyed hash when she enters, and kept."""
    street.load(REMINDER.replace("version = 1", "version = 2").replace("= 0", "= 50"))
    everybody = [walker(street, f"p{number}@example.org") for number in range(8)]
    for one in everybody:
        one.scan()
    gone = {home for home, _ in street.days(3)}
    definition = read(REMINDER.replace("= 0", "= 50"))
    out = {one.session_id for one in everybody if held_out(SECRET, definition, one.session_id)}
    assert gone == {one.session_id for one in everybody} - out
    assert {one.session_id for one in street.runs() if one.held_out} == out
    assert street.messages().count(("held_out", "held_out")) == len(out)


@ON_SQLITE
def test_a_running_run_goes_on_with_its_version(street: Street) -> None:
    """The new version, without a second message, is for those who begin now."""
    ada, ben = walker(street), walker(street, "ben@example.org")
    ada.scan()
    street.days(2)
    short = REMINDER[: REMINDER.index('[[steps]]\nkind = "wait"')]
    street.load(short.replace("version = 1", "version = 2"))
    ben.scan()
    homes = [home for home, _ in street.days(7)]
    assert sorted(homes) == sorted([ada.session_id, ben.session_id])
    assert {one.session_id: one.version for one in street.runs()} == {
        ada.session_id: 1,
        ben.session_id: 2,
    }


@ON_SQLITE
def test_switched_off_everybody_leaves_and_nobody_begins(street: Street) -> None:
    """At once, with the reason."""
    ada, ben = walker(street), walker(street, "ben@example.org")
    ada.scan()
    street.read_on()
    with unit_of_work(street.engine) as db:
        assert loading.switch(db, street.clock, "cart-reminder", active=False)
        assert not loading.switch(db, street.clock, "cart-reminder", active=False)
    ben.scan()
    assert street.days(2) == []
    assert [(one.session_id, one.reason) for one in street.runs()] == [
        (ada.session_id, "switched_off")
    ]


def test_whoever_signs_in_on_the_way_goes_on_as_her_account(street: Street) -> None:
    """A stranger's run becomes hers; where she is on the same way already, one of them ends."""
    ada, stranger, second = walker(street), *(Walker(street.engine, street.clock) for _ in "12")
    stranger.scan()
    street.read_on()
    ada.joined_by(stranger)
    ada.put(LAMP)
    assert [home for home, _ in street.days(2)] == [ada.session_id]
    second.scan()
    street.read_on()
    ada.joined_by(second)
    street.days(2)
    assert sorted((one.session_id, one.reason) for one in street.runs()) == sorted(
        [(stranger.session_id, ""), (second.session_id, "joined")]
    )


def test_undoing_a_joining_splits_the_runs_again(street: Street) -> None:
    """A stranger tried a mug on and is undone: Ada is not told of it, nor counted as on the way."""
    street.load(TRIED)
    ada, stranger = walker(street), Walker(street.engine, street.clock)
    stranger.touch(Kind.TRIED, gtin=MUG)
    street.read_on()
    joining = ada.joined_by(stranger)
    street.clock.advance(DAY_S + 60)
    street.round()  # due while joined: a message is asked for, and not sent yet
    assert street.messages() == [("requested", "")]
    ada.parted_from(joining)
    assert street.post() == []
    assert street.messages() == [("refused", "no_consent")]
    assert street.days(6) == []
    assert {one.session_id for one in street.runs()} == {stranger.session_id}
    ada.touch(Kind.TRIED, gtin=LAMP)
    assert [home for home, _ in street.days(2)] == [ada.session_id]


def test_of_rivals_one_moves_a_run(street: Street) -> None:
    """Four processes, twelve people: each message is asked for once."""
    everybody = [walker(street, f"p{number}@example.org") for number in range(12)]
    for one in everybody:
        one.scan()
    at_once(*[street.read_on] * 4)
    assert len(street.runs()) == 12
    street.clock.advance(DAY_S + 1)
    moved = at_once(*[lambda: rounds.move_all(street.engine, street.world)] * 4)
    assert sum(moved) >= 12
    assert len(street.messages()) == 12
    assert [one.messages for one in street.runs()] == [1] * 12


def test_a_rival_who_was_faster_leaves_nothing_to_do(street: Street) -> None:
    """The guarded UPDATE's row count is the answer: no message without the move."""
    walker(street).scan()
    street.read_on()
    street.clock.advance(DAY_S + 1)
    [run] = street.runs()
    with unit_of_work(street.engine) as db:
        row = db.get_one(JourneyRunRow, run.id)
        person = people.person_of(db, row.session_id)
        one = loading.version_of(db, row.journey, row.version)
        stale = rounds._Due(row.model_copy(update={"moves": 7}), one, person, street.clock.now())  # noqa: SLF001 - as if it had been read before
        todo = Move(0, street.clock.now(), message=one.steps[0])  # type: ignore[arg-type]
        assert not rounds._ask(db, stale, todo, one.steps[0], {"step": 0})  # type: ignore[arg-type]  # noqa: SLF001 - likewise
    assert street.messages() == []
    assert street.runs()[0].moves == run.moves


@ON_SQLITE
def test_a_run_that_cannot_be_moved_stands_in_nobodys_way(street: Street) -> None:
    """It is tried again in an hour; the others go on."""
    ada, ben = walker(street), walker(street, "ben@example.org")
    ada.scan()
    ben.scan()
    street.read_on()
    with unit_of_work(street.engine) as db:
        broken = db.exec(
            select(JourneyRunRow).where(JourneyRunRow.session_id == ada.session_id)
        ).one()
        broken.version = 99
        db.add(broken)
    assert [home for home, _ in street.days(1)] == [ben.session_id]
    with unit_of_work(street.engine) as db:
        row = db.get_one(JourneyRunRow, broken.id)
        assert timedelta() < row.due_at - street.clock.now() <= rounds.TROUBLE_WAITS


def test_versions_are_kept_as_they_were_loaded(street: Street) -> None:
    """The same again changes nothing; another text under the same number is refused."""
    with unit_of_work(street.engine) as db:
        loading.load(db, street.clock, REMINDER)
    with pytest.raises(InvalidInput, match="another version 1"), unit_of_work(street.engine) as db:
        loading.load(db, street.clock, REMINDER.replace("= 24", "= 48"))
    with unit_of_work(street.engine) as db:
        loading.load(db, street.clock, REMINDER.replace("version = 1", "version = 3"))
        loading.load(db, street.clock, REMINDER.replace("version = 1", "version = 2"))
        assert loading.find(db, "cart-reminder").version == 3
        assert len(db.exec(select(JourneyVersionRow)).all()) == 3
        with pytest.raises(NotFound):
            loading.switch(db, street.clock, "nothing", active=True)
        assert db.exec(select(JourneyMessageRow)).all() == []
