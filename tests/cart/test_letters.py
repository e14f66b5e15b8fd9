"""Letters about orders are asked for with their fact, each once."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.carts import service as carts
from cart.db import unit_of_work
from cart.kernel.ids import SeededIds
from cart.orders import letters
from cart.orders.tables import OrderLetterRow, OrderRow
from tests.fakes.clock import FakeClock


def place(db: Session, clock: FakeClock, ids: SeededIds, order_id: str, email: str) -> None:
    """Write an order, and no more of it than a letter needs."""
    session = carts.open_session(db, clock, ids, locale="en")
    db.add(
        OrderRow(
            id=order_id,
            checkout_id=f"checkout-of-{order_id}",
            session_id=session.id,
            location_id="harbour-street",
            currency="EUR",
            method="collect",
            ticket=order_id,
            email=email,
            total_minor=100,
            tax_minor=0,
            promise_at=clock.now(),
            placed_at=clock.now(),
        )
    )


def test_a_fact_asks_for_one_letter(engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
    """However often it is told; a resend and another kind are letters of their own."""
    with unit_of_work(engine) as db:
        place(db, clock, ids, "a1", "ana@example.com")
        for kind, suffix in (("receipt", ""), ("receipt", ""), ("ready", ""), ("ready", "again")):
            letters.ask(db, clock, order_id="a1", kind=kind, suffix=suffix)
    with unit_of_work(engine) as db:
        rows = {row.id: row for row in db.exec(select(OrderLetterRow)).all()}
        assert set(rows) == {"a1:receipt", "a1:ready", "a1:ready:again"}
        assert {row.requested_at for row in rows.values()} == {clock.now()}
        assert {row.state for row in rows.values()} == {"requested"}
        assert letters.waiting(db, clock.now(), 10) == []
        assert len(letters.waiting(db, clock.now() + timedelta(seconds=1), 2)) == 2


def test_an_order_without_an_address_gets_none(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """Nor does one that does not exist."""
    with unit_of_work(engine) as db:
        place(db, clock, ids, "a1", "")
        letters.ask(db, clock, order_id="a1", kind="receipt")
        letters.ask(db, clock, order_id="nobody", kind="receipt")
        assert db.exec(select(OrderLetterRow)).all() == []


def test_a_kind_that_nobody_knows_is_a_mistake(
    engine: Engine, clock: FakeClock, ids: SeededIds
) -> None:
    """And asks for nothing."""
    with unit_of_work(engine) as db:
        place(db, clock, ids, "a1", "ana@example.com")
        with pytest.raises(ValueError, match="greeting"):
            letters.ask(db, clock, order_id="a1", kind="greeting")
        assert db.exec(select(OrderLetterRow)).all() == []
