"""What a tablet delivers late, beside what was bought meanwhile. On both databases."""

import pytest
from sqlalchemy import Engine

from cart.carts.apply import apply
from cart.carts.model import Kind, Operation
from cart.carts.queries import view
from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from tests.cart.buying import HERE, LAMP, SKUS, Buyer, fill
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize(
    ("kind", "quantity", "left"),
    [
        (Kind.ADD, 1, 1),  # one more was scanned, and is not paid
        (Kind.SET, 3, 2),  # three were wanted, one of them is paid
        (Kind.REMOVE, 0, 0),  # it was put back on the tablet, and bought all the same
    ],
)
def test_a_scan_from_before_a_purchase_that_comes_late_stays_on_the_list(
    engine: Engine, clock: FakeClock, kind: Kind, quantity: int, left: int
) -> None:
    """It was in no checkout that she agreed to: neither charged nor lost; twice is once."""
    fill(engine, clock)
    buyer = Buyer(engine, clock)
    buyer.put(LAMP)
    clock.advance(60)
    late = Operation(
        id="late-scan",
        cart_id=buyer.cart_id,
        gtin=LAMP,
        sku=SKUS[LAMP],
        kind=kind,
        quantity=quantity,
        at_us=to_us(clock.now()),
        source="tablet-1",
        price_minor=18_900,
        location_id=HERE,
    )
    clock.advance(60)
    buyer.open()
    order_id = buyer.pay().order_id
    assert order_id is not None
    paid = buyer.order(order_id)
    clock.advance(600)
    for _ in range(2):
        with unit_of_work(engine) as db:
            apply(db, clock, [late])
        with reading(engine) as db:
            lines = {line.gtin: line.quantity for line in view(db, buyer.cart_id).lines}
        assert lines.get(LAMP, 0) == left
    assert buyer.order(order_id) == paid
    assert [line.quantity for line in paid.lines] == [1]
