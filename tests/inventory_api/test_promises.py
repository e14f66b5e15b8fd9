"""Pieces are promised once, leave where they were promised, and come free again."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import (
    CarryoverError,
    InsufficientStock,
    InvalidInput,
    NotFound,
    ReferenceReused,
    UnknownLocation,
    UnknownSku,
)
from cart.ports import Shortfall
from inventory_api.stock import service
from inventory_api.stock.model import Reason
from inventory_api.stock.tail import Tail
from tests.fakes.clock import FakeClock
from tests.inventory_api.promising import (
    BLUE,
    GREEN,
    KEEPER,
    RED,
    adds_up,
    entries,
    everything,
    numbers,
    put_on_shelf,
    reserve,
    walked,
)
from tests.inventory_api.shelf import OTHER, SHOP, fill


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> Engine:
    """Five red and three blue lamps at one shop; two red ones at the other."""
    fill(engine)
    put_on_shelf(engine, clock, {RED: 5, BLUE: 3})
    put_on_shelf(engine, clock, {RED: 2}, OTHER)
    return engine


def promised(shop: Engine, clock: FakeClock, pieces: dict[str, int], *, paid: bool = True) -> None:
    """Promise to Ana, in a unit of work of its own."""
    with unit_of_work(shop) as db:
        assert reserve(db, clock, "ana", pieces) == []
        if paid:
            assert KEEPER.allocate(db, clock, reference="ana") == []


def test_the_way_of_a_promise(shop: Engine, clock: FakeClock) -> None:
    """Reserved, allocated, handed over: each step is an entry, and the numbers are its sum."""
    with unit_of_work(shop) as db:
        assert reserve(db, clock, "ana", {RED: 2, BLUE: 3}) == []
    assert (numbers(shop), numbers(shop, BLUE)) == ((5, 2, 0), (3, 3, 0))
    with unit_of_work(shop) as db:
        assert KEEPER.available(db, location_id=SHOP, skus=[RED, BLUE, GREEN]) == {RED: 3, BLUE: 0}
        assert KEEPER.allocate(db, clock, reference="ana") == []
    assert (numbers(shop), numbers(shop, BLUE)) == ((5, 0, 2), (3, 0, 3))
    with unit_of_work(shop) as db:
        KEEPER.note_picked(db, clock, location_id=SHOP, fact="walk-1", pieces={RED: 3})
        KEEPER.note_unpicked(db, clock, location_id=SHOP, fact="walk-2", pieces={RED: 1})
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={RED: 2, BLUE: 1})
    assert (numbers(shop), numbers(shop, BLUE)) == ((3, 0, 0), (2, 0, 2))
    assert entries(shop) == [
        ("reserved", BLUE, 0, 3, 0),
        ("reserved", RED, 0, 2, 0),
        ("allocated", BLUE, 0, -3, 3),
        ("allocated", RED, 0, -2, 2),
        ("picked", RED, 0, 0, 0),
        ("unpicked", RED, 0, 0, 0),
        ("sold", BLUE, -1, 0, -1),
        ("sold", RED, -2, 0, -2),
    ]
    assert walked(shop) == [("picked", RED, 3), ("unpicked", RED, -1)]
    assert adds_up(shop)


def test_a_screen_hears_of_a_promise(shop: Engine, clock: FakeClock) -> None:
    """What may still be promised changes, so version and time move as with any movement."""
    tail = Tail(shop, to_us(clock.now()))
    tail.poll()
    clock.advance(60)
    promised(shop, clock, {RED: 2})
    (change,) = tail.poll()
    assert (change.sku, change.available, change.version) == (RED, 3, 3)
    clock.advance(60)
    with unit_of_work(shop) as db:
        KEEPER.release(db, clock, reference="ana", fact="changed her mind")
    (change,) = tail.poll()
    assert (change.available, change.version, change.as_of) == (5, 4, clock.now())


def test_too_few_pieces_of_one_promise_none_of_the_others(shop: Engine, clock: FakeClock) -> None:
    """The answer says how many are left of what; the buffer is not for sale."""
    with unit_of_work(shop) as db:
        service.count(
            db, clock, location_id=SHOP, sku=RED, on_hand=5, safety_stock=1, reference="monday"
        )
    before = everything(shop)
    with unit_of_work(shop) as db:
        short = reserve(db, clock, "ana", {RED: 5, BLUE: 3, GREEN: 1})
        assert short == [Shortfall(GREEN, 1, 0), Shortfall(RED, 5, 4)]
        assert reserve(db, clock, "ana", {RED: 1}, "nowhere") == [Shortfall(RED, 1, 0)]
    assert everything(shop) == before


def test_the_last_unit_sold_twice(shop: Engine, clock: FakeClock) -> None:
    """It is not: who comes second is told that none is left, also after payment."""
    promised(shop, clock, {BLUE: 3}, paid=False)
    before = everything(shop)
    with unit_of_work(shop) as db:
        assert reserve(db, clock, "ben", {BLUE: 1}) == [Shortfall(BLUE, 1, 0)]
    assert everything(shop) == before
    with unit_of_work(shop) as db:
        KEEPER.allocate(db, clock, reference="ana")
        assert reserve(db, clock, "ben", {BLUE: 1}) == [Shortfall(BLUE, 1, 0)]


def test_stock_reserved_at_one_shop_shipped_from_another(shop: Engine, clock: FakeClock) -> None:
    """It is not: pieces leave where they were promised. The other shop is not touched."""
    promised(shop, clock, {RED: 4})
    with unit_of_work(shop) as db:
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={RED: 1})
        KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 1})
    assert numbers(shop) == (4, 0, 2)
    assert numbers(shop, RED, OTHER) == (2, 0, 0)
    assert adds_up(shop)


def test_a_hold_that_blocks_its_own_fulfillment(shop: Engine, clock: FakeClock) -> None:
    """It does not: the last pieces are hers, all the way, though none is available to others."""
    promised(shop, clock, {RED: 5, BLUE: 3})
    with unit_of_work(shop) as db:
        assert KEEPER.available(db, location_id=SHOP, skus=[RED, BLUE]) == {RED: 0, BLUE: 0}
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={RED: 5, BLUE: 3})
    assert (numbers(shop), numbers(shop, BLUE)) == ((0, 0, 0), (0, 0, 0))


def test_a_hold_that_is_never_freed(shop: Engine, clock: FakeClock) -> None:
    """It is, whole or in part, reserved or paid; and the same fact frees it once."""
    promised(shop, clock, {RED: 4, BLUE: 1})
    with unit_of_work(shop) as db:
        for _ in range(2):
            KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 1})
    assert numbers(shop) == (5, 0, 3)
    with unit_of_work(shop) as db:
        for _ in range(2):
            KEEPER.release(db, clock, reference="ana", fact="cancelled")
        KEEPER.release(db, clock, reference="nobody", fact="cancelled")
    assert (numbers(shop), numbers(shop, BLUE)) == ((5, 0, 0), (3, 0, 0))
    assert [entry for entry in entries(shop) if entry[0] == "released"] == [
        ("released", RED, 0, 0, -1),
        ("released", BLUE, 0, 0, -1),
        ("released", RED, 0, 0, -3),
    ]
    assert adds_up(shop)


def test_every_step_again_changes_nothing(shop: Engine, clock: FakeClock) -> None:
    """Also when other steps came between."""
    promised(shop, clock, {RED: 3})
    with unit_of_work(shop) as db:
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={RED: 2})
        KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 1})
        back = {"location_id": SHOP, "fact": "return-1"}
        KEEPER.take_back(db, clock, pieces={RED: 1}, sellable=True, **back)
        KEEPER.note_picked(db, clock, location_id=SHOP, fact="walk-1", pieces={RED: 2})
        KEEPER.note_unpicked(db, clock, location_id=SHOP, fact="walk-1", pieces={RED: 1})
    before = everything(shop)
    with unit_of_work(shop) as db:
        assert reserve(db, clock, "ana", {RED: 3}) == []
        assert KEEPER.allocate(db, clock, reference="ana") == []
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={RED: 2})
        KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 1})
        KEEPER.release(db, clock, reference="ana", fact="short")
        KEEPER.take_back(db, clock, pieces={RED: 1}, sellable=True, **back)
        KEEPER.note_picked(db, clock, location_id=SHOP, fact="walk-1", pieces={RED: 2})
        KEEPER.note_unpicked(db, clock, location_id=SHOP, fact="walk-1", pieces={RED: 1})
    assert everything(shop) == before


def test_money_that_came_late(shop: Engine, clock: FakeClock) -> None:
    """It buys the pieces if they are still there; otherwise it says what is left."""
    promised(shop, clock, {RED: 3, BLUE: 2}, paid=False)
    with unit_of_work(shop) as db:
        KEEPER.release(db, clock, reference="ana", fact="expired")
        assert reserve(db, clock, "ben", {RED: 3}) == []
    before = everything(shop)
    with unit_of_work(shop) as db:
        assert KEEPER.allocate(db, clock, reference="ana") == [Shortfall(RED, 3, 2)]
    assert everything(shop) == before
    with unit_of_work(shop) as db:
        KEEPER.release(db, clock, reference="ben", fact="cancelled")
        assert KEEPER.allocate(db, clock, reference="ana") == []
        KEEPER.release(db, clock, reference="ana", fact="expired")  # the sweep, once more
    assert (numbers(shop), numbers(shop, BLUE)) == ((5, 0, 3), (3, 0, 2))
    assert adds_up(shop)


def test_a_part_that_was_given_back_is_not_promised_anew(shop: Engine, clock: FakeClock) -> None:
    """The same payment told twice leaves a short pick as it is."""
    promised(shop, clock, {RED: 3})
    with unit_of_work(shop) as db:
        KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 2})
        assert KEEPER.allocate(db, clock, reference="ana") == []
    assert numbers(shop) == (5, 0, 1)


def test_two_promises_under_one_fact(shop: Engine, clock: FakeClock) -> None:
    """An order with a substitution is handed over at once: the fact counts for each promise."""
    promised(shop, clock, {RED: 1})
    with unit_of_work(shop) as db:
        reserve(db, clock, "substitution", {RED: 1})
        KEEPER.allocate(db, clock, reference="substitution")
        for reference in ("ana", "substitution"):
            KEEPER.hand_over(db, clock, reference=reference, fact="desk", pieces={RED: 1})
    assert numbers(shop) == (3, 0, 0)
    assert adds_up(shop)


def test_pieces_come_back(shop: Engine, clock: FakeClock) -> None:
    """For sale again, or written off; also where the location never had them."""
    with unit_of_work(shop) as db:
        at = {"location_id": SHOP}
        KEEPER.take_back(db, clock, fact="r1", pieces={GREEN: 2, RED: 1}, sellable=True, **at)
        KEEPER.take_back(db, clock, fact="r2", pieces={RED: 2}, sellable=False, **at)
        KEEPER.take_back(db, clock, location_id=OTHER, fact="r1", pieces={BLUE: 1}, sellable=False)
    assert (numbers(shop), numbers(shop, GREEN)) == ((6, 0, 0), (2, 0, 0))
    assert numbers(shop, BLUE, OTHER) == (0, 0, 0)
    assert entries(shop) == [
        ("returned", GREEN, 2, 0, 0),
        ("returned", RED, 1, 0, 0),
        ("returned", RED, 2, 0, 0),
        ("damaged", RED, -2, 0, 0),
        ("returned", BLUE, 1, 0, 0),
        ("damaged", BLUE, -1, 0, 0),
    ]
    assert adds_up(shop)


def test_a_till_sold_what_was_promised(shop: Engine, clock: FakeClock) -> None:
    """The handover says so and changes nothing; what is there can still be handed over."""
    promised(shop, clock, {RED: 4, BLUE: 1})
    with unit_of_work(shop) as db:
        service.move(db, clock, location_id=SHOP, sku=RED, delta=-3, reason=Reason.SOLD)
    before = everything(shop)
    with unit_of_work(shop) as db:
        with pytest.raises(InsufficientStock):
            KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={BLUE: 1, RED: 4})
        db.flush()  # the unit of work goes on
    assert everything(shop) == before
    with unit_of_work(shop) as db:
        KEEPER.hand_over(db, clock, reference="ana", fact="desk", pieces={BLUE: 1, RED: 2})
        KEEPER.release(db, clock, reference="ana", fact="short", pieces={RED: 2})
    assert (numbers(shop), numbers(shop, BLUE)) == ((0, 0, 0), (2, 0, 0))
    assert adds_up(shop)


def _take_back(shop: Engine, clock: FakeClock, pieces: dict[str, int], place: str = SHOP) -> None:
    with unit_of_work(shop) as db:
        KEEPER.take_back(
            db, clock, location_id=place, fact="return-0", pieces=pieces, sellable=True
        )


def _hand_over(shop: Engine, clock: FakeClock, pieces: dict[str, int], who: str = "ana") -> None:
    with unit_of_work(shop) as db:
        KEEPER.hand_over(db, clock, reference=who, fact="first", pieces=pieces)


def _release(shop: Engine, clock: FakeClock, pieces: dict[str, int]) -> None:
    with unit_of_work(shop) as db:
        KEEPER.release(db, clock, reference="ana", fact="first", pieces=pieces)


def _reserve(shop: Engine, clock: FakeClock, pieces: dict[str, int], place: str = SHOP) -> None:
    with unit_of_work(shop) as db:
        reserve(db, clock, "ana", pieces, place)


def _allocate(shop: Engine, clock: FakeClock, who: str) -> None:
    with unit_of_work(shop) as db:
        KEEPER.allocate(db, clock, reference=who)


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (lambda s, c: _reserve(s, c, {RED: 3}), ReferenceReused),
        (lambda s, c: _reserve(s, c, {RED: 3, BLUE: 1}, OTHER), ReferenceReused),
        (lambda s, c: _reserve(s, c, {GREEN: 1}), ReferenceReused),
        (lambda s, c: _reserve(s, c, {RED: 0}), InvalidInput),
        (lambda s, c: _reserve(s, c, {}), InvalidInput),
        (lambda s, c: _reserve(s, c, {f"sku-{n}": 1 for n in range(201)}), InvalidInput),
        (lambda s, c: _allocate(s, c, "nobody"), NotFound),
        (lambda s, c: _allocate(s, c, ""), NotFound),
        (lambda s, c: _release(s, c, {RED: 3}), InsufficientStock),
        (lambda s, c: _release(s, c, {GREEN: 1}), InsufficientStock),
        (lambda s, c: _release(s, c, {RED: -1}), InvalidInput),
        (lambda s, c: _hand_over(s, c, {GREEN: 1}), InsufficientStock),
        (lambda s, c: _hand_over(s, c, {BLUE: 2}), InsufficientStock),
        (lambda s, c: _hand_over(s, c, {RED: 2}), ReferenceReused),
        (lambda s, c: _hand_over(s, c, {RED: 1}, "nobody"), InsufficientStock),
        (lambda s, c: _hand_over(s, c, {RED: 1}, "r" * 200), InvalidInput),
        (lambda s, c: _take_back(s, c, {RED: 2}), ReferenceReused),
        (lambda s, c: _take_back(s, c, {RED: 1_000_000}, OTHER), InvalidInput),
        (lambda s, c: _take_back(s, c, {"no-such": 1}), UnknownSku),
        (lambda s, c: _take_back(s, c, {RED: 1}, "nowhere"), UnknownLocation),
    ],
)
def test_a_refusal_changes_nothing(
    shop: Engine,
    clock: FakeClock,
    refused: Callable[[Engine, FakeClock], object],
    error: type[CarryoverError],
) -> None:
    """Neither stock, nor reservations, nor the ledger, whatever the reason."""
    promised(shop, clock, {RED: 3, BLUE: 1})
    _hand_over(shop, clock, {RED: 1})
    _take_back(shop, clock, {RED: 1})
    put_on_shelf(shop, clock, {GREEN: 1})
    before = everything(shop)
    with pytest.raises(error):
        refused(shop, clock)
    assert everything(shop) == before
