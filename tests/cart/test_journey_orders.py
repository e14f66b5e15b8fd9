"""Journeys about orders: one that waits at the desk, and what was ordered; on both databases."""

from typing import Final

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from cart.db import unit_of_work
from cart.orders.tables import OrderLineRow, OrderRow
from cart.profile.timeline.model import Kind
from tests.cart.buying import LAMP, MUG, fill
from tests.cart.journeying import REMINDER, Street, Walker
from tests.fakes.clock import FakeClock

READY: Final = REMINDER.replace("cart-reminder", "waits").replace("cart_idle", "ready_to_collect")
ORDERED: Final = REMINDER.replace("cart-reminder", "care").replace("cart_idle", "ordered")
THANKS: Final = ORDERED.replace('kind = "message"', 'kind = "message"\ntemplate = "care"')


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """A shop."""
    fill(engine, clock)
    return Street(engine, clock)


def ordered(street: Street, name: str = "ada") -> tuple[Walker, str]:
    """Return somebody who allows reminders, and an order of hers."""
    ada = Walker(street.engine, street.clock).known(f"{name}@example.org")
    ada.put(LAMP)
    ada.open()
    return ada, ada.pay().order_id or ""


def becomes(street: Street, order_id: str, state: str) -> None:
    """Let an order come to a state."""
    with unit_of_work(street.engine) as db:
        order = db.get_one(OrderRow, order_id)
        order.state = state
        db.add(order)


def test_an_order_that_waits_is_told_until_it_is_collected(street: Street) -> None:
    """Another purchase ends nothing, an empty shelf neither; being handed over does."""
    street.load(READY)
    ada, order_id = ordered(street)
    becomes(street, order_id, "ready")
    ada.touch(Kind.READY, gtin=LAMP, ref=order_id)
    ben, other = ordered(street, "ben")
    becomes(street, other, "ready")
    ben.touch(Kind.READY, gtin=LAMP, ref=other)
    ada.buy(MUG)
    street.shelve(-3)
    becomes(street, other, "handed_over")
    assert [home for home, _ in street.days(2)] == [ada.session_id]
    becomes(street, order_id, "handed_over")
    assert street.days(5) == []
    assert {(run.session_id, run.reason) for run in street.runs()} == {
        (ada.session_id, "over"),
        (ben.session_id, "over"),
    }


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("handed_over", ("sent", "")),
        ("cancelled", ("refused", "order_over")),
        ("uncollected", ("refused", "order_over")),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_ordered_is_spoken_of_unless_it_is_over(
    street: Street, state: str, said: tuple[str, str]
) -> None:
    """At the moment of sending, also where the message was asked for before."""
    street.load(ORDERED)
    ada, order_id = ordered(street)
    ada.touch(Kind.ORDERED, gtin=LAMP, ref=order_id)
    street.read_on()
    street.clock.advance(86_400 + 60)
    street.round()
    becomes(street, order_id, state)
    street.post()
    assert street.messages() == [said]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_bought_is_thanked_also_if_she_buys_again(street: Street) -> None:
    """That she has bought does not stand against it, nor an empty shelf; what came back does."""
    street.load(THANKS)
    ada, order_id = ordered(street)
    becomes(street, order_id, "handed_over")
    ada.touch(Kind.ORDERED, gtin=LAMP, ref=order_id)
    ada.buy(MUG)
    street.shelve(-3)
    assert [home for home, _ in street.days(2)] == [ada.session_id]
    with unit_of_work(street.engine) as db:
        for line in db.exec(select(OrderLineRow).where(OrderLineRow.order_id == order_id)):
            line.handed_over = line.returned = line.quantity
            db.add(line)
    assert street.days(3) == []
    assert street.messages() == [("sent", ""), ("refused", "nothing_left")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_needs_the_consent_of_every_reminder(street: Street) -> None:
    """An order is none to write about it but for what she needs to know."""
    street.load(ORDERED)
    ada, order_id = ordered(street)
    ada.withdraw()
    ada.touch(Kind.ORDERED, gtin=LAMP, ref=order_id)
    assert street.days(1.5) == []
    assert street.messages() == [("refused", "no_consent")]
