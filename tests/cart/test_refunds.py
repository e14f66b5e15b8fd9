"""After an order was placed, pieces and money go the same way: each command is both."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.db import reading
from cart.kernel.errors import (
    AlreadyHandedOver,
    InsufficientStock,
    InvalidInput,
    NotReady,
    TooManyPieces,
    UnknownOrder,
    UnknownTask,
)
from cart.kernel.gtin import Gtin
from cart.orders import checkout, goods, queries, refunding, terms, vouchers
from cart.orders.goods import Moved, Replacement, ReturnedPieces
from cart.orders.model import Method, OrderState, RefundState, TenderKind
from cart.orders.sums import differences
from cart.orders.terms import Terms
from tests.cart.buying import HERE, LAMP, MUG, SHOP, Buyer, fill, stock_of
from tests.fakes.clock import FakeClock

Act = Callable[[Session], Moved]


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody in a shop with five of everything."""
    fill(engine, clock)
    return Buyer(engine, clock)


def stage(buyer: Buyer, order_id: str) -> None:
    """Let staff have put the order at the desk."""
    ready = text("UPDATE placed_order SET state = 'ready' WHERE id = :id")
    buyer.do(lambda db: db.connection().execute(ready, {"id": order_id}))


def line_id(buyer: Buyer, order_id: str, place: int = 0) -> str:
    """Return the id of an order's line."""
    return buyer.order(order_id).lines[place].id


def short(buyer: Buyer, order_id: str, quantity: int = 1, fact: str = "short-1") -> Moved:
    """Cancel pieces of the first line."""
    line = line_id(buyer, order_id)
    return buyer.do(
        lambda db: goods.line_cancelled(
            db,
            buyer.clock,
            buyer.ids,
            SHOP,
            order_line_id=line,
            quantity=quantity,
            reason="not found",
            fact=fact,
            actor="staff_1",
        )
    )


def swap(buyer: Buyer, order_id: str, gtin: Gtin, price_minor: int, quantity: int = 1) -> Moved:
    """Replace pieces of the first line."""
    line = line_id(buyer, order_id)
    return buyer.do(
        lambda db: goods.substitute(
            db,
            buyer.clock,
            buyer.ids,
            SHOP,
            order_line_id=line,
            replacement=Replacement(gtin, quantity, price_minor),
            reference="substitution_1",
            actor="shopper",
        )
    )


def hand_over(buyer: Buyer, order_id: str) -> Moved:
    """Hand a staged order over."""
    return buyer.do(
        lambda db: goods.hand_over_order(
            db,
            buyer.clock,
            buyer.ids,
            SHOP,
            order_id=order_id,
            actor="staff_1",
            told={"proof": "code"},
        )
    )


def bring_back(
    buyer: Buyer, order_id: str, quantity: int = 1, *, sellable: bool = True, fact: str = "return-1"
) -> Moved:
    """Return pieces of the first line."""
    returned = ReturnedPieces(line_id(buyer, order_id), quantity, "too bright", sellable)
    return buyer.do(
        lambda db: goods.return_pieces(
            db, buyer.clock, buyer.ids, SHOP, returned=returned, fact=fact, actor="staff_1"
        )
    )


def cancel(buyer: Buyer, order_id: str) -> Moved:
    """Cancel the whole order."""
    return buyer.do(
        lambda db: goods.cancel_order(
            db, buyer.clock, buyer.ids, SHOP, order_id=order_id, actor="shopper"
        )
    )


def steps(buyer: Buyer, order_id: str) -> list[str]:
    """Return what the order's history says."""
    return [entry.what for entry in buyer.order(order_id).history]


def well(buyer: Buyer) -> bool:
    """Say whether every sum holds."""
    with reading(buyer.engine) as db:
        return queries.differences(db) == []


def test_a_short_piece_is_free_and_its_price_goes_back(buyer: Buyer) -> None:
    """Once per fact; the rest of the line stays promised."""
    order_id = buyer.buy(LAMP, 3)
    moved = short(buyer, order_id)
    assert (moved.refund_minor, len(moved.refunds), moved.state) == (18_900, 1, OrderState.PLACED)
    assert short(buyer, order_id).refunds == ()
    order = buyer.order(order_id)
    assert (order.lines[0].cancelled, order.refunded_minor) == (1, 18_900)
    assert stock_of(buyer.engine) == (5, 0, 2)
    assert steps(buyer, order_id) == ["placed", "short"]
    with pytest.raises(TooManyPieces):
        short(buyer, order_id, 3, "short-2")
    assert stock_of(buyer.engine) == (5, 0, 2)
    assert well(buyer)


def test_with_the_last_piece_the_order_is_cancelled(buyer: Buyer) -> None:
    """Shipping goes back too, since nothing is shipped."""
    buyer.do(lambda db: terms.put(db, Terms(HERE, ships=True, shipping_minor=495)))
    buyer.put(LAMP)
    buyer.open()
    parts = ("name", "street", "postcode", "city", "country")
    buyer.choose(method=Method.SHIP, address=dict.fromkeys(parts, "x"))
    order_id = buyer.pay().order_id
    assert order_id is not None
    moved = short(buyer, order_id)
    assert (moved.state, moved.refund_minor) == (OrderState.CANCELLED, 18_900 + 495)
    with pytest.raises(NotReady):
        cancel(buyer, order_id)
    assert well(buyer)


def test_a_replacement_is_never_dearer(buyer: Buyer) -> None:
    """A cheaper one gives the difference back; a dearer one costs what the first did."""
    order_id = buyer.buy(LAMP, 2)
    moved = swap(buyer, order_id, MUG, 1_250)
    assert moved.refund_minor == 18_900 - 1_250
    assert moved.line_id is not None
    assert swap(buyer, order_id, MUG, 1_250).line_id is None
    order = buyer.order(order_id)
    assert [(line.gtin, line.kept, line.price_minor) for line in order.lines] == [
        (LAMP, 1, 18_900),
        (MUG, 1, 1_250),
    ]
    assert order.lines[1].replaces == order.lines[0].id
    assert (stock_of(buyer.engine), stock_of(buyer.engine, MUG)) == ((5, 0, 1), (5, 0, 1))
    other = buyer.buy(MUG)
    assert swap_named(buyer, other, LAMP, 18_900).refund_minor == 0
    assert buyer.order(other).lines[1].price_minor == 1_250
    assert well(buyer)


def swap_named(buyer: Buyer, order_id: str, gtin: Gtin, price_minor: int) -> Moved:
    """Replace the first line's piece under a reference of the order's own."""
    line = line_id(buyer, order_id)
    return buyer.do(
        lambda db: goods.substitute(
            db,
            buyer.clock,
            buyer.ids,
            SHOP,
            order_line_id=line,
            replacement=Replacement(gtin, 1, price_minor),
            reference=f"sub-{order_id}",
            actor="shopper",
        )
    )


def test_a_replacement_that_is_gone_changes_nothing(buyer: Buyer) -> None:
    """Somebody bought it while the shopper thought."""
    order_id = buyer.buy(LAMP)
    Buyer(buyer.engine, buyer.clock, buyer.ids).buy(MUG, 5)
    with pytest.raises(InsufficientStock):
        swap(buyer, order_id, MUG, 1_250)
    assert stock_of(buyer.engine) == (5, 0, 1)
    assert steps(buyer, order_id) == ["placed"]
    assert well(buyer)


def test_what_is_handed_over_leaves_the_shop_once(buyer: Buyer) -> None:
    """A second time is refused, and nothing moves."""
    order_id = buyer.buy(LAMP, 2)
    with pytest.raises(NotReady):
        hand_over(buyer, order_id)
    assert stock_of(buyer.engine) == (5, 0, 2)
    swap(buyer, order_id, MUG, 1_250)
    stage(buyer, order_id)
    assert hand_over(buyer, order_id).state == OrderState.HANDED_OVER
    assert (stock_of(buyer.engine), stock_of(buyer.engine, MUG)) == ((4, 0, 0), (4, 0, 0))
    with pytest.raises(AlreadyHandedOver):
        hand_over(buyer, order_id)
    assert stock_of(buyer.engine) == (4, 0, 0)
    assert steps(buyer, order_id) == ["placed", "substituted", "handed_over"]
    assert well(buyer)


@pytest.mark.parametrize(("sellable", "on_hand"), [(True, 4), (False, 3)])
def test_what_comes_back_is_refunded(buyer: Buyer, *, sellable: bool, on_hand: int) -> None:
    """On the shelf again, or written off."""
    order_id = buyer.buy(LAMP, 2)
    with pytest.raises(TooManyPieces):
        bring_back(buyer, order_id)
    stage(buyer, order_id)
    hand_over(buyer, order_id)
    moved = bring_back(buyer, order_id, sellable=sellable)
    assert (moved.refund_minor, moved.state) == (18_900, OrderState.HANDED_OVER)
    assert bring_back(buyer, order_id, sellable=sellable).refund_minor == 0
    assert stock_of(buyer.engine) == (on_hand, 0, 0)
    with pytest.raises(TooManyPieces):
        bring_back(buyer, order_id, 2, fact="return-2")
    assert buyer.order(order_id).refunded_minor == 18_900
    assert well(buyer)


def test_an_order_that_nobody_picks_can_be_cancelled(buyer: Buyer) -> None:
    """All pieces are free, all money goes back, once."""
    order_id = buyer.buy(LAMP, 2)
    moved = cancel(buyer, order_id)
    assert (moved.state, moved.refund_minor) == (OrderState.CANCELLED, 37_800)
    with pytest.raises(NotReady):
        cancel(buyer, order_id)
    assert stock_of(buyer.engine) == (5, 0, 0)
    assert buyer.order(order_id).refunded_minor == 37_800
    assert well(buyer)


def test_nobody_came(buyer: Buyer) -> None:
    """Back on the shelf and refunded; an order that is not staged is not closed."""
    order_id = buyer.buy(LAMP, 2)

    def close() -> Moved:
        return buyer.do(
            lambda db: goods.close_uncollected(db, buyer.clock, buyer.ids, SHOP, order_id=order_id)
        )

    with pytest.raises(NotReady):
        close()
    stage(buyer, order_id)
    assert close().state == OrderState.UNCOLLECTED
    assert stock_of(buyer.engine) == (5, 0, 0)
    assert buyer.order(order_id).refunded_minor == 37_800
    assert well(buyer)


def test_a_cancelled_orders_place_is_somebody_elses(buyer: Buyer) -> None:
    """The quarter hour that it took can be promised again."""
    buyer.do(lambda db: terms.put(db, Terms(HERE, orders_per_quarter=1)))
    order_id = buyer.buy()
    buyer.put(MUG)
    buyer.open()
    moved_on = buyer.view().soonest
    cancel(buyer, order_id)
    soonest = buyer.view().soonest
    assert soonest is not None
    assert moved_on is not None
    assert soonest < moved_on


def test_money_goes_back_to_the_provider_first_then_to_the_voucher(buyer: Buyer) -> None:
    """Never more than came from either; the voucher has its part at once."""
    code = buyer.do(
        lambda db: vouchers.issue(db, buyer.clock, buyer.ids, amount_minor=5_000, currency="EUR")
    )
    buyer.put(LAMP, 2)
    buyer.open()
    buyer.do(
        lambda db: checkout.use_voucher(db, buyer.clock, checkout_id=buyer.checkout_id, code=code)
    )
    order_id = buyer.pay().order_id
    assert order_id is not None
    assert len(short(buyer, order_id, 1, "s1").refunds) == 1
    moved = short(buyer, order_id, 1, "s2")
    assert len(moved.refunds) == 2
    with reading(buyer.engine) as db:
        facts = [refunding.refund_facts(db, one) for one in moved.refunds]
        assert vouchers.find(db, code).balance_minor == 5_000
    assert [(one.kind, one.amount_minor, one.state) for one in facts] == [
        (TenderKind.PROVIDER, 13_900, RefundState.DUE),
        (TenderKind.VOUCHER, 5_000, RefundState.DONE),
    ]
    assert well(buyer)


def test_never_more_goes_back_than_came(buyer: Buyer) -> None:
    """A wrong claim is refused whole."""
    order_id = buyer.buy()

    def owe(amount_minor: int) -> None:
        buyer.do(
            lambda db: refunding.owe(
                db,
                buyer.clock,
                buyer.ids,
                order_id=order_id,
                amount_minor=amount_minor,
                reason="goodwill",
                reference="goodwill-1",
            )
        )

    for amount_minor in (18_901, -1):
        with pytest.raises(InvalidInput):
            owe(amount_minor)
    assert buyer.order(order_id).refunds == ()


def test_a_refund_is_carried_out_once(buyer: Buyer) -> None:
    """Due until the provider has done it, or refused it for good."""
    first, second = buyer.buy(), buyer.buy(MUG)
    (done,), (refused,) = cancel(buyer, first).refunds, cancel(buyer, second).refunds
    with reading(buyer.engine) as db:
        assert list(refunding.due_refunds(db, 10)) == [done, refused]
        assert refunding.due_keys(db, 10) == [(done, done), (refused, refused)]
        assert refunding.refund_facts(db, done).payment_ref is not None
        with pytest.raises(UnknownOrder):
            refunding.refund_facts(db, "refund_none")

    def settle(refund_id: str, failure: str = "") -> bool:
        return buyer.do(
            lambda db: (
                refunding.refund_failed(db, buyer.clock, refund_id=refund_id, failure=failure)
                if failure
                else refunding.refund_done(db, buyer.clock, refund_id=refund_id, provider_ref="r-1")
            )
        )

    assert settle(done)
    assert not settle(done)
    assert settle(refused, "card closed")
    assert not settle(refused)
    assert steps(buyer, first) == ["placed", "cancelled", "refunded"]
    assert steps(buyer, second) == ["placed", "cancelled", "refund_failed"]
    with reading(buyer.engine) as db:
        assert list(refunding.due_refunds(db, 10)) == []


def test_a_refund_that_does_not_arrive_is_owed_again(buyer: Buyer) -> None:
    """Failed, whichever news is first; tried anew under another key; old news change nothing."""
    order_id = buyer.buy()
    (refund_id,) = cancel(buyer, order_id).refunds

    def came_back(ref: str) -> bool:
        return buyer.do(
            lambda db: refunding.refund_came_back(
                db, buyer.clock, refund_id=refund_id, provider_ref=ref, failure="card closed"
            )
        )

    def done(ref: str) -> bool:
        return buyer.do(
            lambda db: refunding.refund_done(db, buyer.clock, refund_id=refund_id, provider_ref=ref)
        )

    def retry() -> str:
        return buyer.do(lambda db: refunding.retry(db, buyer.clock, refund_id=refund_id))

    with pytest.raises(InvalidInput):
        retry()
    assert done("re_0")
    assert not came_back("re_other")
    assert came_back("re_0")
    assert not came_back("re_0")
    refund = buyer.order(order_id).refunds[0]
    assert (refund.state, refund.failure) == (RefundState.FAILED, "card closed")
    assert retry() == f"{refund_id}:1"
    with reading(buyer.engine) as db:
        assert refunding.due_keys(db, 10) == [(refund_id, f"{refund_id}:1")]
        assert refunding.refund_facts(db, refund_id).key == f"{refund_id}:1"
    assert not came_back("re_0")
    assert came_back("re_1")  # faster than the answer to our call
    assert not done("re_1")
    assert retry() == f"{refund_id}:2"
    assert done("re_2")
    with reading(buyer.engine) as db:
        assert differences(db) == []
    assert steps(buyer, order_id)[2:] == [
        "refunded",
        "refund_failed",
        "refund_retried",
        "refund_failed",
        "refund_retried",
        "refunded",
    ]


def test_names_that_are_not_there(buyer: Buyer) -> None:
    """An unknown line and an unknown order."""
    with pytest.raises(UnknownTask):
        buyer.do(
            lambda db: goods.return_pieces(
                db,
                buyer.clock,
                buyer.ids,
                SHOP,
                returned=ReturnedPieces("line_none", 1, "", sellable=True),
                fact="f",
                actor="staff_1",
            )
        )
    with pytest.raises(UnknownOrder):
        buyer.order("order_none")
