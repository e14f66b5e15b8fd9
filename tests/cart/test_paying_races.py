"""Rivals inside the window: exactly one wins, and every sum is equal afterwards."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from cart.db import reading
from cart.kernel.errors import CheckoutChanged, CheckoutClosed, NotReady
from cart.orders import goods, paying, queries
from cart.orders.model import AttemptState, CheckoutState, OrderState
from tests.cart.buying import HERE, LAMP, MUG, SHOP, Buyer, at_once, fill, stock_of
from tests.fakes.clock import FakeClock

ROUNDS = 5


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody with one lamp on her list, in a shop that has twenty."""
    fill(engine, clock, pieces=20)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    return buyer


def well(engine: Engine) -> None:
    """Every sum holds, and stock is what reservations say."""
    promised = text("SELECT SUM(reserved), SUM(allocated) FROM reservation WHERE location_id = :id")
    held = text("SELECT SUM(reserved), SUM(allocated) FROM stock WHERE location_id = :id")
    with reading(engine) as db:
        assert queries.differences(db) == []
        found = db.connection().execute(promised, {"id": HERE}).one()
        assert tuple(found) in {
            tuple(db.connection().execute(held, {"id": HERE}).one()),
            (None, None),
        }


def ending(buyer: Buyer, attempt_id: str, state: AttemptState) -> Callable[[], str]:
    """Return what ends an attempt, and says whether it did."""

    def act() -> str:
        ended = buyer.do(
            lambda db: paying.end_attempt(db, buyer.clock, SHOP, attempt_id=attempt_id, state=state)
        )
        return state.value if ended else ""

    return act


def test_pay_cancel_expiry_and_webhook_at_once(buyer: Buyer) -> None:
    """A capture is never lost: it buys, in time or late; the ends are one or none."""
    for number in range(ROUNDS):
        buyer.put(LAMP)
        buyer.open()
        begun = buyer.begin()
        buyer.created(begun.attempt_id)

        def captured(event_id: str, attempt_id: str = begun.attempt_id) -> Callable[[], str]:
            return lambda: str(buyer.news(attempt_id, event_id=event_id).placed)

        outcomes = at_once(
            captured(f"one-{number}"),
            ending(buyer, begun.attempt_id, AttemptState.CANCELLED),
            captured(f"one-{number}"),
            ending(buyer, begun.attempt_id, AttemptState.EXPIRED),
            captured(""),
        )
        assert outcomes.count("True") == 1, "one message placed the order"
        assert sum(one in {"cancelled", "expired"} for one in outcomes) <= 1
        assert buyer.view().state == CheckoutState.PAID
        well(buyer.engine)
    on_hand, reserved, allocated = stock_of(buyer.engine)
    assert (on_hand, reserved, allocated) == (20, 0, ROUNDS + 1)


def test_refusal_and_cancel_and_expiry_at_once(buyer: Buyer) -> None:
    """The pieces come back once."""
    for number in range(ROUNDS):
        buyer.open()
        begun = buyer.begin()
        buyer.created(begun.attempt_id)
        attempt_id, event_id = begun.attempt_id, f"no-{number}"
        at_once(
            ending(buyer, attempt_id, AttemptState.CANCELLED),
            ending(buyer, attempt_id, AttemptState.EXPIRED),
            lambda id_=attempt_id, event=event_id: str(  # type: ignore[misc]
                buyer.news(id_, "failed", event_id=event)
            ),
        )
        assert stock_of(buyer.engine) == (20, 0, 0)
        assert buyer.view().state == CheckoutState.OPEN
        well(buyer.engine)


def test_two_tabs_that_pay_at_once(buyer: Buyer) -> None:
    """One try is promised its pieces; the other is told that somebody pays already."""
    buyer.open()

    def pay(key: str) -> Callable[[], str]:
        def act() -> str:
            try:
                return buyer.begin(key, 18_900).attempt_id
            except CheckoutClosed:
                return "closed"

        return act

    outcomes = at_once(pay("one"), pay("two"), pay("one"), pay("two"))
    assert outcomes.count("closed") == 2
    assert len(set(outcomes)) == 2
    assert stock_of(buyer.engine) == (20, 1, 0)
    well(buyer.engine)


def test_the_last_unit_is_not_sold_twice(engine: Engine, clock: FakeClock) -> None:
    """Eight shoppers, three pieces: three pay, five are told, nobody sees another error."""
    fill(engine, clock, pieces=3)
    shoppers = [Buyer(engine, clock) for _ in range(8)]
    for one in shoppers:
        one.put(LAMP)
        one.put(MUG)
        one.open()

    def pay(who: Buyer) -> Callable[[], str]:
        def act() -> str:
            try:
                begun = who.begin("k" + who.cart_id, 20_150)
            except CheckoutChanged:
                return "sold out"
            who.created(begun.attempt_id)
            return "paid" if who.news(begun.attempt_id).placed else "late"

        return act

    outcomes = at_once(*[pay(one) for one in shoppers])
    assert sorted(outcomes) == ["paid"] * 3 + ["sold out"] * 5
    assert (stock_of(engine), stock_of(engine, MUG)) == ((3, 0, 3), (3, 0, 3))
    well(engine)


def test_cancel_and_a_short_piece_at_once(buyer: Buyer) -> None:
    """The order's row decides who is first; every piece goes back once."""
    order_id = buyer.buy(LAMP, 2)
    line_id = buyer.order(order_id).lines[0].id

    def cancel() -> str:
        try:
            moved = buyer.do(
                lambda db: goods.cancel_order(
                    db, buyer.clock, buyer.ids, SHOP, order_id=order_id, actor="shopper"
                )
            )
        except NotReady:
            return "refused"
        return moved.state.value

    def short() -> str:
        try:
            moved = buyer.do(
                lambda db: goods.line_cancelled(
                    db,
                    buyer.clock,
                    buyer.ids,
                    SHOP,
                    order_line_id=line_id,
                    quantity=1,
                    reason="not found",
                    fact="short-1",
                    actor="staff_1",
                )
            )
        except NotReady:
            return "refused"
        return moved.state.value

    outcomes = at_once(cancel, short, cancel, short)
    assert sorted([outcomes[0], outcomes[2]]) == ["cancelled", "refused"]
    order = buyer.order(order_id)
    assert (order.state, order.refunded_minor) == (OrderState.CANCELLED, order.total_minor)
    assert stock_of(buyer.engine) == (20, 0, 0)
    well(buyer.engine)
