"""From the promise to the order: everything once, or nothing at all."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from cart.db import reading
from cart.kernel.errors import CheckoutChanged, CheckoutClosed, Unavailable
from cart.orders import paying
from cart.orders.model import AttemptState, CheckoutState, OrderState
from cart.orders.tables import AttemptRow
from cart.orders.terms import Terms, put
from tests.cart.buying import HERE, LAMP, MUG, SHOP, THERE, Buyer, fill, stock_of
from tests.fakes.clock import FakeClock


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody whose checkout of one lamp is open, in a shop that has five."""
    fill(engine, clock)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    buyer.open()
    return buyer


def state_of(buyer: Buyer, attempt_id: str) -> str:
    """Return where an attempt stands."""
    with reading(buyer.engine) as db:
        return db.get_one(AttemptRow, attempt_id).state


def end(buyer: Buyer, attempt_id: str, state: AttemptState) -> bool:
    """End an attempt without success."""
    return buyer.do(
        lambda db: paying.end_attempt(db, buyer.clock, SHOP, attempt_id=attempt_id, state=state)
    )


def letters(buyer: Buyer) -> list[str]:
    """Return the kinds of letter that were asked for."""
    with reading(buyer.engine) as db:
        return list(db.connection().execute(text("SELECT kind FROM order_letter")).scalars())


def test_pieces_are_promised_while_she_pays(buyer: Buyer) -> None:
    """For as long as she is told, at the location that she chose."""
    buyer.choose(location_id=THERE)
    begun = buyer.begin()
    assert (begun.state, begun.wish_minor) == (AttemptState.RESERVED, 18_900)
    buyer.created(begun.attempt_id)
    seen = buyer.view()
    assert seen.state == CheckoutState.PAYING
    assert seen.reserved_until == buyer.clock.now() + timedelta(minutes=15)
    assert seen.redirect_url == f"https://pay.example/{begun.attempt_id}"
    assert stock_of(buyer.engine, location_id=THERE) == (5, 1, 0)
    assert stock_of(buyer.engine) == (5, 0, 0)


def test_money_makes_an_order(buyer: Buyer) -> None:
    """Allocated pieces, a ticket, a history, a receipt; and the cart is empty."""
    buyer.choose(email="ada@example.com")
    settled = buyer.pay()
    assert settled.order_id is not None
    assert settled.placed
    assert [one.cart_id for one in settled.changed] == [buyer.cart_id]
    order = buyer.order(settled.order_id)
    assert (order.state, order.total_minor, order.tax_minor) == (OrderState.PLACED, 18_900, 3_280)
    assert [(line.gtin, line.quantity, line.price_minor) for line in order.lines] == [
        (LAMP, 1, 18_900)
    ]
    assert order.lines[0].name_i18n == {"pl": "lamp po polsku"}
    assert [entry.what for entry in order.history] == ["placed"]
    assert stock_of(buyer.engine) == (5, 0, 1)
    assert buyer.cart() == {}
    assert (buyer.view().state, buyer.view().order_id) == (CheckoutState.PAID, order.id)
    assert letters(buyer) == ["receipt"]


def test_stock_reserved_at_one_shop_is_not_shipped_from_another(buyer: Buyer) -> None:
    """The order is of the location that the pieces were promised at, whatever is chosen later."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    end(buyer, begun.attempt_id, AttemptState.EXPIRED)
    buyer.choose(location_id=THERE)
    settled = buyer.news(begun.attempt_id)
    assert settled.order_id is not None
    assert buyer.order(settled.order_id).location_id == HERE
    assert stock_of(buyer.engine) == (5, 0, 1)
    assert stock_of(buyer.engine, location_id=THERE) == (5, 0, 0)


def test_the_same_key_again_is_the_same_try(buyer: Buyer) -> None:
    """Nothing is reserved twice; after the end it says what became of it."""
    assert buyer.begin("key") == buyer.begin("key")
    assert stock_of(buyer.engine) == (5, 1, 0)
    attempt_id = paying.attempt_id_of("key")
    buyer.created(attempt_id)
    buyer.news(attempt_id)
    again = buyer.begin("key")
    assert (again.state, again.wish_minor) == (AttemptState.SUCCEEDED, 0)


def test_a_second_tab_cannot_pay_at_the_same_time(buyer: Buyer) -> None:
    """One try at a time; a try whose time is over does not stand in the way."""
    buyer.begin("one")
    with pytest.raises(CheckoutClosed):
        buyer.begin("two")
    assert stock_of(buyer.engine) == (5, 1, 0)
    buyer.clock.advance(15 * 60)
    assert buyer.begin("two").wish_minor == 18_900
    assert stock_of(buyer.engine) == (5, 1, 0)
    assert state_of(buyer, paying.attempt_id_of("one")) == AttemptState.EXPIRED


def test_another_total_than_she_saw_is_not_charged(buyer: Buyer) -> None:
    """Nothing is reserved, and the checkout is open."""
    with pytest.raises(CheckoutChanged):
        buyer.begin(total_minor=18_899)
    assert stock_of(buyer.engine) == (5, 0, 0)
    assert buyer.view().state == CheckoutState.OPEN


def test_what_she_adds_while_paying_stays_on_the_list(buyer: Buyer) -> None:
    """Only what was bought leaves: adding a line while money moves loses nothing."""
    begun = buyer.begin()
    buyer.put(LAMP, 2)
    buyer.put(MUG)
    assert [(line.gtin, line.quantity) for line in buyer.view().lines] == [(LAMP, 1)]
    buyer.created(begun.attempt_id)
    settled = buyer.news(begun.attempt_id)
    assert settled.order_id is not None
    assert [line.quantity for line in buyer.order(settled.order_id).lines] == [1]
    assert buyer.cart() == {LAMP: 2, MUG: 1}


@pytest.mark.parametrize(
    "state", [AttemptState.FAILED, AttemptState.CANCELLED, AttemptState.EXPIRED]
)
def test_a_hold_is_always_freed(buyer: Buyer, state: AttemptState) -> None:
    """Refused, cancelled or expired: the pieces are everybody's, once; she may try again."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    assert end(buyer, begun.attempt_id, state)
    assert not end(buyer, begun.attempt_id, AttemptState.EXPIRED)
    assert stock_of(buyer.engine) == (5, 0, 0)
    assert (buyer.view().state, buyer.view().attempt_id) == (CheckoutState.OPEN, None)
    assert state_of(buyer, begun.attempt_id) == state
    assert buyer.cart() == {LAMP: 1}
    assert buyer.pay().order_id is not None
    assert stock_of(buyer.engine) == (5, 0, 1)


def test_a_page_that_the_provider_closes_in_time_is_her_doing_and_late_it_is_time(
    buyer: Buyer,
) -> None:
    """She is told that her time ran out also where the provider says so before our own sweep."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    buyer.news(begun.attempt_id, "cancelled")
    assert state_of(buyer, begun.attempt_id) == AttemptState.CANCELLED
    again = buyer.begin()
    buyer.created(again.attempt_id)
    buyer.clock.advance(15 * 60)
    buyer.news(again.attempt_id, "cancelled")
    assert state_of(buyer, again.attempt_id) == AttemptState.EXPIRED
    assert stock_of(buyer.engine) == (5, 0, 0)


def test_the_sweep_finds_what_is_over(buyer: Buyer) -> None:
    """Expired attempts, payments without news, payments to close at the provider."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    now = buyer.clock.now()
    with reading(buyer.engine) as db:
        assert paying.expired_attempts(db, now, 10) == []
        assert paying.stale_attempts(db, now, 10) == []
        (stale,) = paying.stale_attempts(db, now + timedelta(seconds=1), 10)
        assert stale.provider_ref == f"ref-{begun.attempt_id}"
        later = now + timedelta(minutes=15)
        assert paying.expired_attempts(db, later, 10) == [begun.attempt_id]
        assert paying.payments_to_cancel(db, 10) == []
    end(buyer, begun.attempt_id, AttemptState.EXPIRED)
    with reading(buyer.engine) as db:
        (held,) = paying.payments_to_cancel(db, 10)
    assert buyer.do(lambda db: paying.tender_closed(db, tender_id=held.tender_id))
    assert not buyer.do(lambda db: paying.tender_closed(db, tender_id=held.tender_id))
    with reading(buyer.engine) as db:
        assert paying.payments_to_cancel(db, 10) == []


def test_a_payment_made_after_the_end_is_closed_too(buyer: Buyer) -> None:
    """The provider answered when the shopper had given up."""
    begun = buyer.begin()
    end(buyer, begun.attempt_id, AttemptState.CANCELLED)
    with reading(buyer.engine) as db:
        assert paying.wish_of(db, begun.attempt_id) is None
    buyer.created(begun.attempt_id)
    assert buyer.view().state == CheckoutState.OPEN
    with reading(buyer.engine) as db:
        assert len(paying.payments_to_cancel(db, 10)) == 1


def test_the_wish_is_what_she_agreed_to(buyer: Buyer) -> None:
    """It is the provider's part, until the pieces are free again."""
    buyer.choose(email="ada@example.com")
    begun = buyer.begin()
    with reading(buyer.engine) as db:
        wish = paying.wish_of(db, begun.attempt_id)
    assert wish is not None
    assert (wish.amount_minor, wish.currency, wish.email) == (18_900, "EUR", "ada@example.com")
    assert wish.expires_at == buyer.clock.now() + timedelta(minutes=15)


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_refusal_frees_everything(buyer: Buyer, outcome: str) -> None:
    """And leaves nothing to close at the provider."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    buyer.news(begun.attempt_id, "pending")
    assert buyer.view().state == CheckoutState.PAYING
    buyer.news(begun.attempt_id, outcome)
    assert state_of(buyer, begun.attempt_id) == outcome
    assert stock_of(buyer.engine) == (5, 0, 0)
    with reading(buyer.engine) as db:
        assert paying.payments_to_cancel(db, 10) == []


def test_a_message_that_comes_twice_counts_once(buyer: Buyer) -> None:
    """By its id, and where it has none, by what was settled."""
    first = buyer.pay()
    assert first.placed
    for event_id in (None, "another", ""):
        again = buyer.news(first.attempt_id, event_id=event_id)
        assert (again.order_id, again.placed, again.refunds) == (first.order_id, False, ())
    buyer.news(first.attempt_id, "failed")
    assert buyer.view().state == CheckoutState.PAID
    assert stock_of(buyer.engine) == (5, 0, 1)


def test_news_of_a_payment_nobody_knows_may_come_again(buyer: Buyer) -> None:
    """The webhook was faster than our own note of it."""
    begun = buyer.begin()
    with pytest.raises(Unavailable):
        buyer.news(begun.attempt_id)
    buyer.created(begun.attempt_id)
    assert buyer.news(begun.attempt_id).placed


@pytest.mark.parametrize(("amount_minor", "currency"), [(18_899, "EUR"), (18_900, "PLN")])
def test_another_amount_than_asked_for_never_buys(
    buyer: Buyer, amount_minor: int, currency: str
) -> None:
    """It is owed back as it came, and the reason is kept."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    settled = buyer.news(begun.attempt_id, amount_minor=amount_minor, currency=currency)
    assert (settled.order_id, len(settled.refunds)) == (None, 1)
    with reading(buyer.engine) as db:
        facts = paying_back(db_refund=settled.refunds[0], buyer=buyer)
        attempt = db.get_one(AttemptRow, begun.attempt_id)
    assert facts == (amount_minor, currency)
    assert (attempt.state, "was captured, not" in attempt.failure) == (AttemptState.FAILED, True)
    assert stock_of(buyer.engine) == (5, 0, 0)
    assert buyer.view().state == CheckoutState.OPEN


def paying_back(*, db_refund: str, buyer: Buyer) -> tuple[int, str]:
    """Return amount and currency of a refund."""
    asked = text("SELECT amount_minor, currency FROM refund WHERE id = :id")
    with reading(buyer.engine) as db:
        row = db.connection().execute(asked, {"id": db_refund}).one()
        return row[0], row[1]


def test_late_money_buys_what_is_still_there(buyer: Buyer) -> None:
    """The pieces are promised anew, and the time too."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    end(buyer, begun.attempt_id, AttemptState.EXPIRED)
    buyer.clock.advance(1_800)
    settled = buyer.news(begun.attempt_id)
    assert settled.order_id is not None
    assert buyer.order(settled.order_id).promise_at == buyer.clock.now() + timedelta(minutes=5)
    assert stock_of(buyer.engine) == (5, 0, 1)
    assert buyer.view().state == CheckoutState.PAID


def test_late_money_for_what_is_gone_is_owed_back(buyer: Buyer) -> None:
    """No order, no piece of anybody else, and one refund however often it is said."""
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    end(buyer, begun.attempt_id, AttemptState.EXPIRED)
    rival = Buyer(buyer.engine, buyer.clock, buyer.ids)
    rival.buy(LAMP, 5)
    settled = buyer.news(begun.attempt_id)
    assert (settled.order_id, len(settled.refunds)) == (None, 1)
    assert buyer.news(begun.attempt_id, event_id="again").refunds == ()
    assert stock_of(buyer.engine) == (5, 0, 5)


def test_money_of_two_tries_buys_once(buyer: Buyer) -> None:
    """The second capture of one checkout is owed back, whichever try it is of."""
    first = buyer.begin("one")
    buyer.created(first.attempt_id)
    end(buyer, first.attempt_id, AttemptState.CANCELLED)
    second = buyer.begin("two")
    buyer.created(second.attempt_id)
    assert len(buyer.news(first.attempt_id).refunds) == 1
    assert buyer.news(second.attempt_id).placed
    assert stock_of(buyer.engine) == (5, 0, 1)


def test_a_full_quarter_hour_takes_no_more(buyer: Buyer, clock: FakeClock) -> None:
    """The promise moves to the next; a failed try gives its place back."""
    buyer.do(lambda db: put(db, Terms(HERE, orders_per_quarter=1)))
    slot = buyer.view().slots[0].starts_at
    buyer.choose(slot_at=slot)
    begun = buyer.begin()
    rival = Buyer(buyer.engine, clock, buyer.ids)
    rival.put(MUG)
    rival.open()
    assert [one.left for one in rival.view().slots if one.starts_at == slot] == [0]
    end(buyer, begun.attempt_id, AttemptState.CANCELLED)
    assert [one.left for one in rival.view().slots if one.starts_at == slot] == [1]
