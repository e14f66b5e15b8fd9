"""What a journey brings: intervals against published figures, counts against real orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import SQLModel, select

from cart.db import reading, unit_of_work
from cart.db.migrate import load_tables
from cart.journeys import ending
from cart.journeys import numbers as counting
from cart.journeys.lift import Group, purchase_lift, revenue_lift, wilson
from cart.journeys.model import held_out, read
from cart.orders.tables import OrderRow
from cart.personal.erasing import erase
from cart.personal.finding import ids_of
from cart.personal.model import Holding
from mobile_api.rights.registry import REGISTRY
from tests.cart.buying import LAMP, MUG, PRICES, fill
from tests.cart.journeying import DAY_S, REMINDER, SECRET, Street, Walker
from tests.fakes.clock import FakeClock

HALF = REMINDER.replace("holdout_percent = 0", "holdout_percent = 50")


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, (a), method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),  # (b)
        ((5, 56), (0, 29), -0.0381, 0.1926),  # (d)
        ((10, 10), (0, 10), 0.6075, 1.0),  # (h)
    ],
)
def test_the_interval_is_the_published_one(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """To the four places that the paper gives."""
    found = purchase_lift(Group(first[1], first[0]), Group(second[1], second[0]))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_within_its_interval_and_that_within_0_and_1(shares: tuple[int, int]) -> None:
    """Also for nobody and for everybody."""
    buyers, people = shares
    low, high = wilson(buyers, people)
    assert 0 <= low <= buyers / people + 1e-12
    assert buyers / people - 1e-12 <= high <= 1


def test_the_same_groups_differ_in_nothing() -> None:
    """And without people there is nothing to say."""
    spent = Group(400, 40, 400_000, 400 * 9_000_000)
    same = revenue_lift(spent, spent)
    assert same is not None
    assert (same.value, same.is_clear) == (0.0, False)
    assert -same.low == same.high > 0
    assert purchase_lift(spent, Group()) is None
    assert revenue_lift(spent, Group(1, 1, 100, 10_000)) is None


def test_welch_by_hand() -> None:
    """Means 30 and 10, variances 200 and 50, ten people each: 20 plus or minus 1.96 * 5."""
    treated = Group(10, 8, 300, 9 * 200 + 9_000)
    out = Group(10, 3, 100, 9 * 50 + 1_000)
    found = revenue_lift(treated, out)
    assert found is not None
    assert (found.value, round(found.low, 2), round(found.high, 2)) == (20.0, 10.2, 29.8)
    assert found.is_clear


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """A shop in which half of everybody is held out."""
    fill(engine, clock, pieces=50)
    return Street(engine, clock, HALF)


def test_purchases_are_counted_by_group(street: Street) -> None:
    """Within fourteen days of entering, not cancelled; everybody who entered is counted."""
    everybody: list[Walker] = []
    out: set[str] = set()
    while not out or len(everybody) - len(out) < 2:  # their ids are random, and so is the draw
        one = Walker(street.engine, street.clock).known(f"p{len(everybody)}@example.org")
        one.scan(MUG)
        everybody.append(one)
        if held_out(SECRET, read(HALF), one.session_id):
            out.add(one.session_id)
    street.read_on()
    street.days(1.25)
    buyer = next(one for one in everybody if one.session_id not in out)
    buyer.open()
    buyer.pay()
    cancelled = next(one for one in everybody if one.session_id in out)
    cancelled.open()
    order_id = cancelled.pay().order_id
    with unit_of_work(street.engine) as db:
        order = db.get_one(OrderRow, order_id)
        order.state = "cancelled"
        db.add(order)
    street.clock.advance(15 * DAY_S)
    late = next(one for one in everybody if one.session_id not in out and one is not buyer)
    late.open()
    late.pay()
    with reading(street.engine) as db:
        [found] = counting.all_numbers(db)
    assert found.treated == Group(len(everybody) - len(out), 1, PRICES[MUG], PRICES[MUG] ** 2)
    assert found.held_out == Group(len(out), 0, 0, 0)
    assert (found.entered, found.sent) == (len(everybody), len(everybody) - len(out))
    assert found.held_out_messages == len(out)


def test_people_are_counted_not_runs_and_by_all_that_they_are(street: Street) -> None:
    """Who enters twice is one, and what she bought between counts once; also as a guest."""
    street.load(
        REMINDER.replace("again_after_days = 30", "")
        .replace("holdout_percent = 0", "again_after_days = 7\ngoal_days = 7\nholdout_percent = 0")
        .replace("version = 1", "version = 2")
    )
    ada = Walker(street.engine, street.clock).known()
    guest, phone = (Walker(street.engine, street.clock) for _ in "12")
    ada.scan(MUG)
    street.days(1.25)
    ada.joined_by(phone)
    street.days(7.5)
    phone.scan(MUG)  # a phone on which she has not signed in again
    street.days(1.25)
    for one, address in ((guest, "Ada@example.org"), (ada, "")):
        one.put(MUG)
        one.open()
        one.choose(email=address)
        one.pay()
    assert len([run for run in street.runs() if run.entered_at]) == 2
    with reading(street.engine) as db:
        [found] = counting.all_numbers(db)
        spent = sum(order.total_minor for order in db.exec(select(OrderRow)))
    assert found.treated == Group(1, 1, spent, spent**2)
    assert found.entered == 1


def _everything() -> list[Holding]:
    """Return the registry, and a word on each table that somebody else is about to register."""
    load_tables()
    known = {one.table for one in REGISTRY}
    missing = [name for name in SQLModel.metadata.tables if name not in known]
    return [*REGISTRY, *(Holding(name, why="not this test's") for name in missing)]


def test_an_erasure_takes_her_runs_and_messages_and_leaves_the_others(street: Street) -> None:
    """Also those of a session that joined hers."""
    ada = Walker(street.engine, street.clock).known()
    ben = Walker(street.engine, street.clock).known("ben@example.org")
    stranger = Walker(street.engine, street.clock)
    for one in (ada, ben, stranger):
        one.scan(LAMP)
    street.days(1.25)
    ada.joined_by(stranger)
    assert len(street.runs()) == len(street.messages()) == 3
    with unit_of_work(street.engine) as db:
        registry = _everything()
        counts = erase(db, registry, ids_of(db, registry, ada.customer_id))
    assert (counts["journey_run"], counts["journey_message"]) == (2, 2)
    assert [run.session_id for run in street.runs()] == [ben.session_id]


def test_what_ended_thirteen_months_ago_is_forgotten(street: Street) -> None:
    """With its messages; what goes on stays."""
    ada, ben = (Walker(street.engine, street.clock).known(f"{one}@example.org") for one in "ab")
    ada.scan()
    street.days(5.5)
    street.clock.advance(401 * DAY_S)
    ben.scan()
    street.read_on()
    with unit_of_work(street.engine) as db:
        assert ending.forget(db, street.clock, 10) == 1
        assert ending.forget(db, street.clock, 10) == 0
    assert [run.session_id for run in street.runs()] == [ben.session_id]
    assert street.messages() == []
