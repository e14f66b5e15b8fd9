"""Pieces come and go by guarded movements, each with its ledger entry."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock, to_us
from cart.kernel.errors import (
    CarryoverError,
    InsufficientStock,
    InvalidInput,
    ReferenceReused,
    UnknownLocation,
    UnknownSku,
)
from inventory_api.stock import queries, service
from inventory_api.stock.model import ON_HAND_MAX, PROMISES, Reason, available
from inventory_api.stock.queries import Availability
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import OTHER, SHOP, SKUS, fill

SKU = SKUS[0]


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """A database with a catalogue and no stock."""
    fill(engine)
    return engine


def move(
    engine: Engine,
    clock: FakeClock,
    delta: int,
    *,
    reason: Reason = Reason.RECEIVED,
    reference: str | None = None,
    sku: str = SKU,
    location_id: str = SHOP,
) -> Availability:
    """Move in a unit of work of its own."""
    with unit_of_work(engine) as db:
        return service.move(
            db,
            clock,
            location_id=location_id,
            sku=sku,
            delta=delta,
            reason=reason,
            reference=reference,
        )


def ledger(engine: Engine) -> list[tuple[str, int, str, str | None]]:
    """Every entry: SKU, delta, reason, reference."""
    with unit_of_work(engine) as db:
        found = db.connection().execute(
            text("SELECT sku, delta, reason, reference FROM movement ORDER BY id")
        )
        return [(row[0], row[1], row[2], row[3]) for row in found]


def stock(engine: Engine, sku: str = SKU) -> list[tuple[str, int, int]]:
    """Location, on hand, version."""
    with unit_of_work(engine) as db:
        return [(p.location_id, p.on_hand, p.version) for p in queries.of_sku(db, sku)]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((5, 1, 1, 1), 2), ((5, 0, 0, 0), 5), ((1, 2, 0, 0), 0), ((3, 0, 2, 5), 0)],
)
def test_available_is_never_below_zero(numbers: tuple[int, int, int, int], expected: int) -> None:
    """On hand less buffer and promises; a till may have sold what was promised."""
    assert available(*numbers) == expected


def test_pieces_come_and_go(shop: Engine, clock: FakeClock) -> None:
    """Each movement changes the number, its version and its time, and writes one entry."""
    first = move(shop, clock, 5, reference="delivery-1")
    assert (first.on_hand, first.available, first.version) == (5, 5, 1)
    assert first.as_of == clock.now()
    clock.advance(60)
    second = move(shop, clock, -2, reason=Reason.SOLD)
    assert (second.on_hand, second.version) == (3, 2)
    assert second.changed_at_us == to_us(clock.now()) == first.changed_at_us + 60_000_000
    assert ledger(shop) == [(SKU, 5, "received", "delivery-1"), (SKU, -2, "sold", None)]


def test_a_row_s_time_never_runs_backwards(shop: Engine, clock: FakeClock) -> None:
    """A machine whose clock is behind still moves the row forward."""
    first = move(shop, clock, 5)
    clock.jump(-3600)
    assert move(shop, clock, 1).changed_at_us == first.changed_at_us + 1


def test_the_same_fact_counts_once(shop: Engine, clock: FakeClock) -> None:
    """A repeat with the same reference answers what is there and changes nothing."""
    move(shop, clock, 2)
    sold = move(shop, clock, -2, reason=Reason.SOLD, reference="receipt-7")
    again = move(shop, clock, -2, reason=Reason.SOLD, reference="receipt-7")
    assert (again.on_hand, again.version) == (sold.on_hand, sold.version) == (0, 2)
    move(shop, clock, 4)
    assert move(shop, clock, -2, reason=Reason.SOLD, reference="receipt-7").on_hand == 4
    assert len(ledger(shop)) == 3


def test_the_same_reference_with_another_number_is_refused(shop: Engine, clock: FakeClock) -> None:
    """It would be two facts under one name."""
    move(shop, clock, 5, reference="delivery-1")
    with pytest.raises(ReferenceReused):
        move(shop, clock, 6, reference="delivery-1")
    assert stock(shop) == [(SHOP, 5, 1)]
    assert len(ledger(shop)) == 1


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (lambda s, c: move(s, c, -6, reason=Reason.SOLD), InsufficientStock),
        (lambda s, c: move(s, c, -1, location_id=OTHER), InsufficientStock),
        (lambda s, c: move(s, c, 0), InvalidInput),
        (lambda s, c: move(s, c, ON_HAND_MAX), InvalidInput),
        (lambda s, c: move(s, c, 1, sku="no-such"), UnknownSku),
        (lambda s, c: move(s, c, 1, location_id="no-such"), UnknownLocation),
        (lambda s, c: move(s, c, 1, reference="r" * 200), InvalidInput),
    ],
)
def test_a_refusal_changes_nothing(
    shop: Engine,
    clock: FakeClock,
    refused: Callable[[Engine, FakeClock], object],
    error: type[CarryoverError],
) -> None:
    """Neither the number nor the ledger, whatever the reason."""
    move(shop, clock, 5)
    before = (stock(shop), ledger(shop))
    with pytest.raises(error):
        refused(shop, clock)
    assert (stock(shop), ledger(shop)) == before


@pytest.mark.parametrize("reason", sorted(PROMISES))
def test_promises_are_not_booked_by_hand(shop: Engine, clock: FakeClock, reason: Reason) -> None:
    """Only orders reserve, allocate, release and pick; the ledger stays as it was."""
    move(shop, clock, 5)
    with pytest.raises(InvalidInput):
        move(shop, clock, 1, reason=reason)
    assert len(ledger(shop)) == 1


def test_a_refusal_leaves_a_unit_of_work_usable(shop: Engine, clock: FakeClock) -> None:
    """Who catches it and goes on has moved nothing by the refused one."""
    with unit_of_work(shop) as db:
        with pytest.raises(InsufficientStock):
            service.move(
                db, clock, location_id=SHOP, sku=SKU, delta=-1, reason=Reason.SOLD, reference="r"
            )
        service.move(db, clock, location_id=SHOP, sku=SKU, delta=1, reason=Reason.RECEIVED)
    assert stock(shop) == [(SHOP, 1, 1)]
    assert [entry[1] for entry in ledger(shop)] == [1]


def test_a_count_books_the_difference(shop: Engine, clock: FakeClock) -> None:
    """The ledger keeps adding up; the same count again is known, whatever was sold since."""
    move(shop, clock, 5)
    with unit_of_work(shop) as db:
        counted = service.count(
            db, clock, location_id=SHOP, sku=SKU, on_hand=3, safety_stock=1, reference="monday"
        )
    assert (counted.on_hand, counted.available, counted.version) == (3, 2, 2)
    move(shop, clock, -1, reason=Reason.SOLD)
    with unit_of_work(shop) as db:
        again = service.count(db, clock, location_id=SHOP, sku=SKU, on_hand=3, reference="monday")
    assert again.on_hand == 2
    assert [entry[1:3] for entry in ledger(shop)] == [
        (5, "received"),
        (-2, "counted"),
        (-1, "sold"),
    ]


def test_rivals_for_the_last_pieces(shop: Engine) -> None:
    """Eight tills sell five pieces: exactly five succeed, and the ledger says so."""
    with unit_of_work(shop) as db:
        service.move(db, SystemClock(), location_id=SHOP, sku=SKU, delta=5, reason=Reason.RECEIVED)
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def sell(till: int) -> None:
        for receipt in range(3):
            start.wait(20)
            try:
                with unit_of_work(shop) as db:
                    service.move(
                        db,
                        SystemClock(),
                        location_id=SHOP,
                        sku=SKU,
                        delta=-1,
                        reason=Reason.SOLD,
                        reference=f"{till}-{receipt}",
                    )
                outcomes.append("sold")
            except InsufficientStock:
                outcomes.append("refused")

    threads = [threading.Thread(target=sell, args=(till,)) for till in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (outcomes.count("sold"), outcomes.count("refused")) == (5, 19)
    assert stock(shop) == [(SHOP, 0, 6)]
    assert sum(entry[1] for entry in ledger(shop)) == 0
    assert len(ledger(shop)) == 6


def test_rivals_with_the_same_reference(shop: Engine) -> None:
    """The same receipt sent by eight threads at once is booked once."""
    with unit_of_work(shop) as db:
        service.move(db, SystemClock(), location_id=SHOP, sku=SKU, delta=5, reason=Reason.RECEIVED)
    start = threading.Barrier(8)
    seen: list[int] = []

    def sell() -> None:
        start.wait(20)
        with unit_of_work(shop) as db:
            answer = service.move(
                db,
                SystemClock(),
                location_id=SHOP,
                sku=SKU,
                delta=-5,
                reason=Reason.SOLD,
                reference="receipt",
            )
        seen.append(answer.on_hand)

    threads = [threading.Thread(target=sell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [0] * 8
    assert stock(shop) == [(SHOP, 0, 2)]
    assert len(ledger(shop)) == 2
