"""A voucher pays what it has, is never spent twice, and gets back what was not bought."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.errors import (
    CheckoutChanged,
    CheckoutClosed,
    InvalidInput,
    UnknownVoucher,
    VoucherRefused,
)
from cart.orders import checkout, paying, queries, vouchers
from cart.orders.model import AttemptState, OrderState, ProblemKind, TenderKind
from tests.cart.buying import LAMP, MUG, SHOP, Buyer, at_once, fill, stock_of
from tests.fakes.clock import FakeClock


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody with an open checkout of one lamp, 189.00."""
    fill(engine, clock)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    buyer.open()
    return buyer


def issue(buyer: Buyer, amount_minor: int = 5_000, currency: str = "EUR", days: int = 0) -> str:
    """Issue a voucher, good for some days or for ever."""
    until = buyer.clock.now() + timedelta(days=days) if days else None
    return buyer.do(
        lambda db: vouchers.issue(
            db,
            buyer.clock,
            buyer.ids,
            amount_minor=amount_minor,
            currency=currency,
            expires_at=until,
        )
    )


def use(buyer: Buyer, code: str) -> None:
    """Lay a voucher on the checkout."""
    buyer.do(
        lambda db: checkout.use_voucher(db, buyer.clock, checkout_id=buyer.checkout_id, code=code)
    )


def balance(buyer: Buyer, code: str) -> int:
    """Return what is left of a voucher, after looking that every sum holds."""
    with reading(buyer.engine) as db:
        assert queries.differences(db) == []
        return vouchers.find(db, code).balance_minor


def test_a_voucher_pays_its_part_and_the_provider_the_rest(buyer: Buyer) -> None:
    """Its balance is touched when she pays, not when she types."""
    code = issue(buyer)
    use(buyer, code)
    seen = buyer.view()
    assert seen.voucher is not None
    assert (seen.voucher.part_minor, seen.totals.rest_minor) == (5_000, 13_900)
    assert balance(buyer, code) == 5_000
    begun = buyer.begin()
    assert begun.wish_minor == 13_900
    assert balance(buyer, code) == 0
    assert buyer.view().totals.rest_minor == 13_900
    buyer.created(begun.attempt_id)
    order_id = buyer.news(begun.attempt_id).order_id
    assert order_id is not None
    paid = [(tender.kind, tender.amount_minor) for tender in buyer.order(order_id).paid]
    assert paid == [(TenderKind.PROVIDER, 13_900), (TenderKind.VOUCHER, 5_000)]
    assert balance(buyer, code) == 0


def test_a_voucher_that_covers_all_needs_no_provider(buyer: Buyer) -> None:
    """Paid at once, and the change stays on it."""
    code = issue(buyer, 20_000)
    use(buyer, code)
    begun = buyer.begin()
    assert (begun.state, begun.wish_minor) == (AttemptState.SUCCEEDED, 0)
    assert begun.settled is not None
    assert begun.settled.order_id is not None
    assert buyer.order(begun.settled.order_id).state == OrderState.PLACED
    assert balance(buyer, code) == 1_100
    assert stock_of(buyer.engine) == (5, 0, 1)
    assert buyer.cart() == {}


def test_a_voucher_comes_back_with_the_pieces(buyer: Buyer) -> None:
    """Once, whoever ends the try."""
    code = issue(buyer)
    use(buyer, code)
    begun = buyer.begin()
    for _ in range(2):
        buyer.do(
            lambda db: paying.end_attempt(
                db,
                buyer.clock,
                SHOP,
                attempt_id=begun.attempt_id,
                state=AttemptState.CANCELLED,
            )
        )
    assert balance(buyer, code) == 5_000
    assert buyer.view().voucher is not None, "it stays on the checkout"


@pytest.mark.parametrize("spent", [False, True])
def test_late_money_takes_the_voucher_once_more(buyer: Buyer, *, spent: bool) -> None:
    """If it is still there; else nothing is bought and the money goes back."""
    code = issue(buyer)
    use(buyer, code)
    begun = buyer.begin()
    buyer.created(begun.attempt_id)
    buyer.do(
        lambda db: paying.end_attempt(
            db, buyer.clock, SHOP, attempt_id=begun.attempt_id, state=AttemptState.EXPIRED
        )
    )
    if spent:
        rival = Buyer(buyer.engine, buyer.clock, buyer.ids)
        rival.put(MUG, 2)
        rival.open()
        use(rival, code)
        rival.pay()
    settled = buyer.news(begun.attempt_id)
    assert (settled.order_id is None, len(settled.refunds)) == (spent, int(spent))
    assert balance(buyer, code) == (2_500 if spent else 0)
    assert stock_of(buyer.engine) == (5, 0, int(not spent))


def test_one_voucher_is_not_spent_twice_at_once(buyer: Buyer) -> None:
    """Two checkouts saw the same balance; one of them has it, the other decides anew."""
    code = issue(buyer, 20_000)
    rival = Buyer(buyer.engine, buyer.clock, buyer.ids)
    rival.put(LAMP)
    rival.open()
    for one in (buyer, rival):
        use(one, code)

    def pay(who: Buyer) -> str:
        attempt_id = paying.attempt_id_of(who.cart_id)
        try:
            who.do(
                lambda db: paying.begin(
                    db,
                    who.clock,
                    who.ids,
                    SHOP,
                    checkout_id=who.checkout_id,
                    attempt_id=attempt_id,
                    total_minor=18_900,
                    rest_minor=0,
                )
            )
        except CheckoutChanged:
            return "changed"
        return "paid"

    assert sorted(at_once(lambda: pay(buyer), lambda: pay(rival))) == ["changed", "paid"]
    assert balance(buyer, code) == 1_100
    assert stock_of(buyer.engine) == (5, 0, 1)


def test_a_code_is_read_as_people_type_it(buyer: Buyer) -> None:
    """With or without its dashes, small or large, O for 0."""
    code = issue(buyer)
    with reading(buyer.engine) as db:
        found = vouchers.find(db, code)
        for typed in (code.lower(), code.replace("-", " "), code.replace("0", "O")):
            assert vouchers.find(db, f" {typed} ").id == found.id
    assert found.ending == code[-4:]


def test_what_cannot_be_used_is_refused(buyer: Buyer) -> None:
    """Unknown, in another currency, too old, used up; and nothing is laid on the checkout."""
    with pytest.raises(UnknownVoucher):
        use(buyer, "AAAA-BBBB-CCCC-DDDD")
    with pytest.raises(VoucherRefused):
        use(buyer, issue(buyer, currency="PLN"))
    old = issue(buyer, days=1)
    buyer.clock.advance(86_400)
    with pytest.raises(VoucherRefused):
        use(buyer, old)
    assert buyer.view().voucher is None
    with pytest.raises(InvalidInput):
        issue(buyer, 0)


def test_a_voucher_that_runs_out_on_the_way_is_a_problem(buyer: Buyer) -> None:
    """She takes it off, or lays another on it."""
    use(buyer, issue(buyer, days=1))
    buyer.clock.advance(86_400)
    assert [problem.kind for problem in buyer.view().problems] == [ProblemKind.VOUCHER]
    with pytest.raises(CheckoutChanged):
        buyer.begin()
    buyer.do(lambda db: checkout.drop_voucher(db, buyer.clock, checkout_id=buyer.checkout_id))
    assert buyer.view().problems == ()
    buyer.pay()
    with pytest.raises(CheckoutClosed):
        use(buyer, issue(buyer))
