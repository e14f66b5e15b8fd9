"""Money that comes after the time that was promised gets the next time that is real."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.db import reading
from cart.orders import buying, goods, slots, terms
from cart.orders.model import AttemptState
from cart.orders.paying import end_attempt
from cart.orders.terms import Terms
from cart.ports import PaymentNews
from tests.cart.buying import HERE, LAMP, MUG, PROVIDER, SHOP, Buyer, fill
from tests.fakes.clock import FakeClock

EVENING = datetime(2026, 3, 2, 18, 50, tzinfo=UTC)  # Monday 19:50 in Amsterdam; it closes at 20:00
TOLD = datetime(2026, 3, 2, 18, 55, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)  # 9:00 there
QUARTER_LATER = datetime(2026, 3, 3, 8, 15, tzinfo=UTC)


@pytest.fixture
def buyer(engine: Engine) -> Buyer:
    """Somebody who is about to pay for a lamp, ten minutes before the shop closes."""
    clock = FakeClock(EVENING - timedelta(milliseconds=1))  # which putting something in takes
    fill(engine, clock)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    buyer.open()
    return buyer


def one_per_quarter(buyer: Buyer) -> None:
    """Let the shop take one order in a quarter hour."""
    buyer.do(lambda db: terms.put(db, Terms(HERE, orders_per_quarter=1)))


def taken(buyer: Buyer) -> dict[datetime, int]:
    """Return the quarter hours that have orders."""
    with reading(buyer.engine) as db:
        found = slots.taken(db, HERE, EVENING)
    return {at: count for at, count in found.items() if count}


def paid_at_ten_past(buyer: Buyer, *, swept: bool) -> str:
    """Reserve at 19:50, pay at 20:10; return the order."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    assert buyer.view().promise is not None
    buyer.clock.advance(20 * 60)

    def sweep(db: Session) -> bool:
        return end_attempt(
            db,
            buyer.clock,
            SHOP,
            attempt_id=begun.attempt_id,
            state=AttemptState.EXPIRED,
        )

    if swept:
        assert buyer.do(sweep)
    order_id = buyer.news(begun.attempt_id).order_id
    assert order_id is not None
    return order_id


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("counted", [True, False])
def test_after_closing_it_is_for_the_next_morning(
    buyer: Buyer, *, swept: bool, counted: bool
) -> None:
    """The first quarter hour of the next day, whether the sweep was faster or the money."""
    if counted:
        one_per_quarter(buyer)
    order = buyer.order(paid_at_ten_past(buyer, swept=swept))
    assert (order.promise_at, order.shown_at) == (TUESDAY, TOLD)
    assert taken(buyer) == ({TUESDAY: 1} if counted else {})
    assert buyer.view().promise == slots.Promise(TUESDAY, TUESDAY)


def test_a_quarter_hour_that_is_full_is_no_real_one(buyer: Buyer) -> None:
    """The next one is taken, and given back with the order."""
    one_per_quarter(buyer)
    rival = Buyer(buyer.engine, buyer.clock, buyer.ids)
    rival.put(MUG)
    rival.open()
    rival.choose(slot_at=TUESDAY)
    rival.begin()
    order_id = paid_at_ten_past(buyer, swept=False)
    assert buyer.order(order_id).promise_at == QUARTER_LATER
    assert taken(buyer) == {TUESDAY: 1, QUARTER_LATER: 1}
    buyer.do(
        lambda db: goods.cancel_order(
            db, buyer.clock, buyer.ids, SHOP, order_id=order_id, actor="shopper"
        )
    )
    assert taken(buyer) == {TUESDAY: 1}


def test_a_shop_that_opens_no_more_has_it_waiting(buyer: Buyer) -> None:
    """Nothing can be promised: the order is there, as soon as it can be picked."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    closed = text("UPDATE location SET opening_hours = '{\"sun\": []}' WHERE id = :id")
    buyer.do(lambda db: db.connection().execute(closed, {"id": HERE}))
    buyer.clock.advance(20 * 60)
    order_id = buyer.news(begun.attempt_id).order_id
    assert order_id is not None
    assert buyer.order(order_id).promise_at == datetime(2026, 3, 2, 19, 15, tzinfo=UTC)


def test_what_can_be_kept_stays_promised(buyer: Buyer) -> None:
    """Paid within the quarter hour: nothing is another. After it, the way for many leaves it."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    news = PaymentNews("event-1", f"ref-{begun.attempt_id}", "captured", 18_900, "EUR")

    def together(db: Session) -> list[object]:
        many = buying.settle_many(
            db, buyer.clock, buyer.ids, SHOP, provider=PROVIDER, messages=[news]
        )
        return list(many)

    buyer.clock.advance(10 * 60)
    assert buyer.do(together) == [None]
    buyer.clock.jump(-5 * 60)
    assert buyer.do(together) != [None]
    order_id = buyer.view().order_id
    assert order_id is not None
    order = buyer.order(order_id)
    assert (order.promise_at, order.shown_at) == (TOLD, None)
