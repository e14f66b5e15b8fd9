"""A checkout follows its cart, says what is wrong, and changes nothing for the shopper."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from cart.carts.service import Shopping, set_quantity
from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    CheckoutChanged,
    CheckoutClosed,
    InvalidInput,
    UnknownCheckout,
    UnknownLocation,
)
from cart.orders import checkout, terms
from cart.orders.model import CheckoutState, Method, Problem, ProblemKind
from cart.orders.terms import Terms
from inventory_api.catalogue.queries import sellables
from tests.cart.buying import HERE, JACKET, LAMP, MUG, SHOP, THERE, Buyer, at_once, fill
from tests.fakes.clock import FakeClock
from tests.real.ledgers import unlock


@pytest.fixture
def buyer(engine: Engine, clock: FakeClock) -> Buyer:
    """Somebody with a lamp and two mugs on her list."""
    fill(engine, clock)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    buyer.put(MUG, 2)
    return buyer


def kinds(buyer: Buyer) -> list[ProblemKind]:
    """Return the kinds of problem that she sees."""
    return [problem.kind for problem in buyer.view().problems]


def execute(engine: Engine, statement: str) -> None:
    """Change something behind everybody's back."""
    with unit_of_work(engine) as db:
        db.connection().execute(text(statement))


def test_a_checkout_shows_lines_totals_and_tax(buyer: Buyer) -> None:
    """Prices include the tax; it is rounded per line."""
    buyer.open()
    seen = buyer.view()
    assert [(line.gtin, line.quantity, line.price_minor) for line in seen.lines] == [
        (LAMP, 1, 18_900),
        (MUG, 2, 1_250),
    ]
    assert (seen.totals.total_minor, seen.totals.tax_minor) == (21_400, 3_280 + 434)
    assert (seen.state, seen.problems, seen.place.id) == (CheckoutState.OPEN, (), HERE)
    assert seen.lines[0].left == 5


def test_opening_twice_is_the_same_checkout(buyer: Buyer) -> None:
    """Two pages, one checkout."""
    assert buyer.open() == buyer.open(THERE)
    assert buyer.view().place.id == HERE


def test_two_tabs_that_open_at_once_open_one_checkout(buyer: Buyer) -> None:
    """Whoever is slower gets the other one's."""
    opened = at_once(*[buyer.open] * 4)
    assert len(set(opened)) == 1


def test_the_checkout_follows_the_cart_and_leaves_it_alone(buyer: Buyer) -> None:
    """Cart emptied or silently merged: what is added shows, and nothing leaves the list."""
    buyer.open()
    buyer.put(JACKET)
    assert [line.gtin for line in buyer.view().lines] == [LAMP, MUG, JACKET]
    buyer.do(lambda db: checkout.close(db, buyer.clock, checkout_id=buyer.checkout_id))
    assert buyer.cart() == {LAMP: 1, MUG: 2, JACKET: 1}
    first = buyer.checkout_id
    assert buyer.open() != first


def test_a_checkout_needs_a_location(engine: Engine, clock: FakeClock) -> None:
    """Given, or where the newest line was scanned."""
    fill(engine, clock)
    nobody = Buyer(engine, clock)
    with pytest.raises(InvalidInput):
        nobody.open()
    with pytest.raises(UnknownLocation):
        nobody.open("moon")
    nobody.open(THERE)
    assert kinds(nobody) == [ProblemKind.EMPTY]


def test_too_few_are_left_at_this_location(buyer: Buyer) -> None:
    """The line says how many; another location has them."""
    buyer.put(LAMP, 5)
    buyer.open()
    assert buyer.view().problems == (Problem(ProblemKind.INSUFFICIENT, LAMP, left=5),)
    with pytest.raises(CheckoutChanged):
        buyer.begin()
    assert buyer.view().state == CheckoutState.OPEN
    shopping = Shopping(buyer.cart_id, buyer.clock, sellables)
    buyer.do(lambda db: set_quantity(db, shopping, operation_id="less", gtin=LAMP, quantity=5))
    assert kinds(buyer) == []


def test_what_the_location_never_had_is_not_sold_there(buyer: Buyer) -> None:
    """And what is no longer sold, or has no price, is sold nowhere."""
    unlock(buyer.engine)
    execute(buyer.engine, "DELETE FROM movement WHERE location_id = 'mill-lane' AND sku = 'mug'")
    execute(buyer.engine, "DELETE FROM stock WHERE location_id = 'mill-lane' AND sku = 'mug'")
    buyer.open()
    buyer.choose(location_id=THERE)
    assert buyer.view().problems == (Problem(ProblemKind.NOT_SOLD_HERE, MUG),)
    execute(buyer.engine, "UPDATE variant SET active = false WHERE sku = 'lamp'")
    execute(buyer.engine, "DELETE FROM price WHERE sku = 'mug'")
    buyer.choose(location_id=HERE)
    assert kinds(buyer) == [ProblemKind.NOT_SOLD_HERE, ProblemKind.NOT_SOLD_HERE]


def test_a_price_that_has_changed_is_asked_about(buyer: Buyer) -> None:
    """She is shown both and pays nothing else than what she agreed to."""
    buyer.open()
    execute(buyer.engine, "UPDATE price SET price_minor = 1500 WHERE sku = 'mug'")
    changed = Problem(ProblemKind.PRICE_CHANGED, MUG, was_minor=1_250, now_minor=1_500)
    assert buyer.view().problems == (changed,)
    assert buyer.view().totals.total_minor == 21_400
    for total in (21_400, 21_900):
        with pytest.raises(CheckoutChanged):
            buyer.begin(total_minor=total)

    def accept(price_minor: int) -> None:
        buyer.do(
            lambda db: checkout.accept_price(
                db,
                buyer.clock,
                SHOP,
                checkout_id=buyer.checkout_id,
                gtin=MUG,
                price_minor=price_minor,
            )
        )

    with pytest.raises(CheckoutChanged):
        accept(1_400)
    assert buyer.view().problems == (changed,)
    accept(1_500)
    assert (kinds(buyer), buyer.view().totals.total_minor) == ([], 21_900)
    execute(buyer.engine, "UPDATE price SET price_minor = 1250 WHERE sku = 'mug'")
    assert kinds(buyer) == [], "she was shown this price when she scanned it"
    execute(buyer.engine, "UPDATE price SET price_minor = 1100 WHERE sku = 'mug'")
    (problem,) = buyer.view().problems
    assert (problem.was_minor, problem.now_minor) == (1_500, 1_100)


def test_shipping_has_its_price_and_needs_an_address(buyer: Buyer) -> None:
    """Where the location ships at all."""
    buyer.open()
    buyer.choose(method=Method.SHIP)
    assert kinds(buyer) == [ProblemKind.NO_SHIPPING, ProblemKind.ADDRESS_MISSING]
    offers = Terms(HERE, tax_rate_bp=2_100, ships=True, shipping_minor=495)
    buyer.do(lambda db: terms.put(db, offers))
    assert buyer.view().totals.total_minor == 21_400 + 495
    with pytest.raises(InvalidInput):
        buyer.choose(address={"planet": "Mars"})
    parts = {"name": "Ada", "street": "Quay 1", "postcode": "1012", "city": "Amsterdam"}
    buyer.choose(address={**parts, "country": "NL"})
    assert kinds(buyer) == []
    assert buyer.view().totals.tax_minor == 3_280 + 434 + 86


def test_a_location_that_takes_no_orders_says_so(buyer: Buyer) -> None:
    """And so does one that is closed for a week."""
    buyer.open()
    buyer.do(lambda db: terms.put(db, Terms(HERE, takes_orders=False)))
    assert kinds(buyer) == [ProblemKind.CLOSED]
    buyer.do(lambda db: terms.put(db, Terms(HERE)))
    execute(buyer.engine, """UPDATE location SET opening_hours = '{"mon": []}'""")
    assert kinds(buyer) == [ProblemKind.NO_SLOT]


def test_a_categorys_own_tax_is_shown_apart(buyer: Buyer) -> None:
    """One part of the tax per rate."""
    execute(buyer.engine, "UPDATE product SET category = 'Books' WHERE id = 'mug'")
    buyer.do(lambda db: terms.put_tax_rate(db, HERE, "Books", 900))
    buyer.open()
    parts = [(one.rate_bp, one.gross_minor, one.tax_minor) for one in buyer.view().totals.taxes]
    assert parts == [(900, 2_500, 206), (2_100, 18_900, 3_280)]


def test_a_chosen_time_is_kept_while_it_can_be(buyer: Buyer) -> None:
    """A full or past quarter hour is a problem; another location has other times."""
    buyer.open()
    slot = buyer.view().slots[2]
    buyer.choose(slot_at=slot.starts_at)
    seen = buyer.view()
    assert seen.promise is not None
    assert (seen.slot_at, seen.promise.at) == (slot.starts_at, slot.starts_at)
    buyer.clock.advance(3_600)
    assert kinds(buyer) == [ProblemKind.NO_SLOT]
    buyer.choose(soonest=True)
    assert kinds(buyer) == []
    buyer.choose(slot_at=buyer.view().slots[0].starts_at)
    buyer.choose(location_id=THERE)
    assert buyer.view().slot_at is None
    with pytest.raises(InvalidInput):
        buyer.choose(slot_at=datetime(2026, 3, 2, 12, 7, tzinfo=UTC))


def test_a_busy_desk_moves_the_promise(buyer: Buyer) -> None:
    """The shopper sees it before she pays."""
    buyer.open()
    usual = buyer.view().soonest
    assert usual == buyer.clock.now() + timedelta(minutes=5)
    later = buyer.view(ready_estimate=timedelta(minutes=50)).soonest
    assert later == buyer.clock.now() + timedelta(minutes=50)


def test_every_change_has_a_version_of_its_own(buyer: Buyer) -> None:
    """Whoever shows it knows which state is newer."""
    buyer.open()
    before = buyer.view().version
    buyer.choose(email="ada@example.com")
    assert (buyer.view().version, buyer.view().email) == (before + 1, "ada@example.com")


def test_a_closed_checkout_is_not_changed(buyer: Buyer) -> None:
    """And an unknown one is not found."""
    buyer.open()
    buyer.do(lambda db: checkout.close(db, buyer.clock, checkout_id=buyer.checkout_id))
    with pytest.raises(CheckoutClosed):
        buyer.choose(email="ada@example.com")
    assert buyer.view().email == ""
    with pytest.raises(UnknownCheckout), reading(buyer.engine) as db:
        checkout.view(db, buyer.clock, SHOP, "checkout_none")
