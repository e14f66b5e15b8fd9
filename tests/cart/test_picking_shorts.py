"""Pieces that are not there: refunded, or substituted if the shopper says so in time."""

import pytest
from sqlalchemy import Engine

from cart.kernel.errors import (
    InsufficientStock,
    InvalidInput,
    NotReady,
    OfferClosed,
    TooManyPieces,
    UnknownTask,
)
from cart.orders.model import OrderState
from cart.picking import substitution
from cart.picking.model import OfferState, ShortReason, Staff
from tests.cart.buying import JACKET, LAMP, MUG, SHOP
from tests.cart.floor import BLUE, GREEN, Floor
from tests.fakes.clock import FakeClock


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with two zones, and nobody at work yet."""
    return Floor(engine, clock)


def begun(floor: Floor, lines: dict[str, int]) -> tuple[Staff, str]:
    """Return somebody who holds the task of a fresh order, and the order."""
    order_id = floor.order({gtin: lines[gtin] for gtin in (LAMP, MUG) if gtin in lines})
    ada = floor.hire()
    floor.claim(ada, order_id)
    return ada, order_id


def test_a_short_piece_is_refunded_at_once(floor: Floor) -> None:
    """For that line alone; the order goes on with what is there."""
    ada, order_id = begun(floor, {LAMP: 2, MUG: 1})
    changed = floor.short(ada, order_id)
    view = floor.view(order_id)
    assert (changed.version, len(changed.refunds)) == (view.version, 1)
    assert (view.refunded_minor, view.lines[0].cancelled, view.state) == (18_900, 1, "picking")
    line = floor.line_of(order_id)
    assert (line.short, line.left, line.short_reason) == (1, 1, "not_found")
    floor.pick_all(ada, order_id)
    floor.stage(ada, order_id)
    assert floor.view(order_id).state == OrderState.READY
    assert floor.told(order_id)[2:] == ["short", "picked", "picked", "staged"]


@pytest.mark.parametrize(
    ("reason", "on_hand", "ledger"),
    [
        (ShortReason.NOT_FOUND, 19, "counted"),
        (ShortReason.DAMAGED, 19, "damaged"),
        (ShortReason.OTHER, 20, "released"),
    ],
)
def test_what_is_not_there_is_promised_to_nobody_else(
    floor: Floor, reason: ShortReason, on_hand: int, ledger: str
) -> None:
    """Not found and spoilt pieces leave the ledger; the allocation is gone in any case."""
    ada, order_id = begun(floor, {LAMP: 2})
    floor.short(ada, order_id, reason=reason)
    assert floor.stock() == (on_hand, 0, 1)
    assert floor.movements(ledger) == 1


def test_more_than_is_open_cannot_be_short(floor: Floor) -> None:
    """Picked pieces are there; nothing was refunded."""
    ada, order_id = begun(floor, {LAMP: 2})
    floor.pick(ada, order_id)
    with pytest.raises(TooManyPieces):
        floor.short(ada, order_id, quantity=2)
    with pytest.raises(InvalidInput):
        floor.short(ada, order_id, quantity=0)
    assert (floor.line_of(order_id).short, floor.view(order_id).refunded_minor) == (0, 0)
    assert floor.stock() == (20, 0, 2)


def test_two_shorts_of_a_line_are_two_facts(floor: Floor) -> None:
    """One after the other, each with its money."""
    ada, order_id = begun(floor, {LAMP: 3})
    floor.short(ada, order_id)
    floor.short(ada, order_id, reason=ShortReason.DAMAGED)
    view = floor.view(order_id)
    assert (view.refunded_minor, view.lines[0].cancelled) == (2 * 18_900, 2)
    assert floor.stock() == (18, 0, 1)


def test_an_order_of_which_nothing_is_there_is_cancelled(floor: Floor) -> None:
    """All of the money goes back, and there is no task any more."""
    ada, order_id = begun(floor, {LAMP: 1, MUG: 1})
    floor.short(ada, order_id)
    floor.short(ada, order_id, gtin=MUG)
    view = floor.view(order_id)
    assert (view.state, view.refunded_minor) == (OrderState.CANCELLED, view.total_minor)
    assert (floor.queue(), floor.walk(ada)) == ([], [])
    assert floor.stock() == (19, 0, 0)


def test_candidates_are_here_and_never_dearer(floor: Floor) -> None:
    """Other variants of the product that this shop can promise, at most at the price paid."""
    _, order_id = begun(floor, {LAMP: 1, MUG: 1})
    line_id = floor.line_of(order_id).line_id
    found = floor.look(lambda db: substitution.candidates(db, SHOP, line_id))
    assert [(one.sellable.gtin, one.left, one.price_minor) for one in found] == [
        (BLUE, 2, 15_000),
        (GREEN, 2, 18_900),
    ]
    mug_line = floor.line_of(order_id, MUG).line_id
    assert floor.look(lambda db: substitution.candidates(db, SHOP, mug_line)) == []
    with pytest.raises(UnknownTask):
        floor.look(lambda db: substitution.candidates(db, SHOP, "no such line"))


def test_an_accepted_offer_is_one_more_line_to_pick(floor: Floor) -> None:
    """At its price; the difference goes back, and the order can be staged."""
    ada, order_id = begun(floor, {LAMP: 2})
    floor.pick(ada, order_id)
    floor.short(ada, order_id, offer=BLUE)
    (offer,) = floor.offers(order_id)
    assert (offer.gtin, offer.quantity, offer.price_minor) == (BLUE, 1, 15_000)
    assert offer.expires_at == floor.clock.now() + substitution.OFFER_FOR
    assert floor.line_of(order_id).offer == OfferState.OFFERED
    assert floor.stock(BLUE) == (2, 1, 0)
    with pytest.raises(NotReady):
        floor.stage(ada, order_id)
    floor.answer(order_id, offer.id, accepted=True)
    view = floor.view(order_id)
    assert (view.refunded_minor, [line.gtin for line in view.lines]) == (3_900, [LAMP, BLUE])
    assert view.lines[1].replaces == view.lines[0].id
    assert (floor.stock(), floor.stock(BLUE)) == ((19, 0, 1), (2, 0, 1))
    with pytest.raises(NotReady):
        floor.stage(ada, order_id)
    floor.pick(ada, order_id, BLUE)
    floor.stage(ada, order_id)
    assert floor.offers(order_id) == []
    assert floor.told(order_id)[3:] == ["offered", "substituted", "picked", "staged"]


def test_a_dearer_offer_costs_no_more(floor: Floor) -> None:
    """The shop pays the difference."""
    ada, order_id = begun(floor, {LAMP: 1})
    floor.short(ada, order_id, offer=GREEN)
    floor.answer(order_id, floor.offers(order_id)[0].id, accepted=True)
    view = floor.view(order_id)
    assert (view.refunded_minor, view.lines[1].price_minor) == (0, 18_900)


def test_a_refused_offer_is_a_refund(floor: Floor) -> None:
    """The offered pieces are everybody's again."""
    ada, order_id = begun(floor, {LAMP: 1, MUG: 1})
    floor.short(ada, order_id, offer=BLUE)
    (offer,) = floor.offers(order_id)
    changed = floor.answer(order_id, offer.id, accepted=False)
    assert len(changed.refunds) == 1
    assert floor.view(order_id).refunded_minor == 18_900
    assert (floor.stock(), floor.stock(BLUE)) == ((19, 0, 0), (2, 0, 0))
    assert floor.line_of(order_id).offer == OfferState.REFUSED
    floor.pick_all(ada, order_id)
    floor.stage(ada, order_id)


def test_an_offer_is_answered_once(floor: Floor) -> None:
    """The same answer again is the same; the other one comes too late and changes nothing."""
    ada, order_id = begun(floor, {LAMP: 1})
    floor.short(ada, order_id, offer=BLUE)
    (offer,) = floor.offers(order_id)
    first = floor.answer(order_id, offer.id, accepted=True)
    assert floor.answer(order_id, offer.id, accepted=True).version == first.version
    with pytest.raises(OfferClosed):
        floor.answer(order_id, offer.id, accepted=False)
    assert (len(floor.view(order_id).lines), floor.stock(BLUE)) == (2, (2, 0, 1))
    with pytest.raises(UnknownTask):
        floor.answer(order_id, "no such offer", accepted=True)
    other = floor.order()
    with pytest.raises(UnknownTask):
        floor.answer(other, offer.id, accepted=True)


def test_an_offer_that_nobody_answers_expires(floor: Floor) -> None:
    """After three minutes it is as if she had refused; her answer comes too late then."""
    ada, order_id = begun(floor, {LAMP: 1, MUG: 1})
    floor.short(ada, order_id, offer=BLUE)
    (offer,) = floor.offers(order_id)
    floor.clock.advance(substitution.OFFER_FOR.total_seconds() - 1)
    assert floor.expire() == []
    floor.clock.advance(1)
    with pytest.raises(OfferClosed):
        floor.answer(order_id, offer.id, accepted=True)
    assert floor.view(order_id).refunded_minor == 0
    (changed,) = floor.expire()
    assert (changed.order_id, len(changed.refunds)) == (order_id, 1)
    assert floor.expire() == []
    assert floor.view(order_id).refunded_minor == 18_900
    assert floor.stock(BLUE) == (2, 0, 0)
    assert floor.line_of(order_id).offer == OfferState.EXPIRED


def test_the_last_offer_refused_ends_the_order(floor: Floor) -> None:
    """Nothing of it is left: cancelled, refunded, no task."""
    ada, order_id = begun(floor, {LAMP: 1})
    floor.short(ada, order_id, offer=BLUE)
    floor.answer(order_id, floor.offers(order_id)[0].id, accepted=False)
    assert floor.view(order_id).state == OrderState.CANCELLED
    assert floor.queue() == []


@pytest.mark.parametrize("gtin", [MUG, LAMP, JACKET])
def test_only_a_candidate_can_be_offered(floor: Floor, gtin: str) -> None:
    """Another product, or the same thing again, is refused, and nothing is short."""
    ada, order_id = begun(floor, {LAMP: 1})
    with pytest.raises(InvalidInput):
        floor.short(ada, order_id, offer=next(one for one in (MUG, LAMP, JACKET) if one == gtin))
    assert (floor.line_of(order_id).short, floor.offers(order_id)) == (0, [])


def test_no_more_is_offered_than_is_there(floor: Floor) -> None:
    """Two blue lamps are left, three lamps are short: nothing has changed."""
    ada, order_id = begun(floor, {LAMP: 3})
    with pytest.raises(InsufficientStock):
        floor.short(ada, order_id, quantity=3, offer=BLUE)
    assert (floor.line_of(order_id).short, floor.stock(BLUE)) == (0, (2, 0, 0))
    assert floor.stock() == (20, 0, 3)
