"""A cart comes out the same whatever the order in which its operations arrive."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import SQLModel

from cart.carts import queries
from cart.carts.apply import apply
from cart.carts.model import Kind, Operation, fold, next_at_us
from cart.carts.tables import CartRow
from cart.db import make_engine, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds

GTINS = [Gtin("4006381333931"), Gtin("96385074"), Gtin("036000291452")]


@st.composite
def operations(draw: st.DrawFn) -> list[Operation]:
    """Up to 25 operations on three lines, with times that collide."""
    count = draw(st.integers(1, 25))
    return [
        Operation(
            id=f"op{number}",
            cart_id="cart",
            gtin=draw(st.sampled_from(GTINS)),
            sku="sku",
            kind=(kind := draw(st.sampled_from(Kind))),
            quantity=0 if kind is Kind.REMOVE else draw(st.integers(1, 500)),
            at_us=draw(st.integers(1, 6)),
            source="phone",
            price_minor=draw(st.integers(1, 9)),
        )
        for number in range(count)
    ]


@given(operations(), st.randoms(use_true_random=False))
def test_fold_does_not_know_the_order_of_arrival(
    batch: list[Operation], rng: random.Random
) -> None:
    """Shuffled, and with some delivered twice, the fold is the same."""
    again = batch + rng.choices(batch, k=3)
    rng.shuffle(again)
    assert fold(again) == fold(batch)


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_what_was_seen_comes_before(now_us: int, seen_us: int) -> None:
    """A later act sorts after all it has seen, however wrong the clock; never before now."""
    assert next_at_us(now_us, seen_us) > seen_us
    assert next_at_us(now_us, seen_us) >= now_us


@pytest.fixture(scope="module")
def file_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One SQLite file for all examples; each example uses a cart of its own."""
    path: Path = tmp_path_factory.mktemp("fold")
    engine = make_engine(f"sqlite:///{path / 'fold.db'}")
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@settings(max_examples=60, deadline=None)
@given(batch=operations(), rng=st.randoms(use_true_random=False), chunk=st.integers(1, 7))
def test_the_lines_kept_ready_equal_the_fold(
    file_engine: Engine, batch: list[Operation], rng: random.Random, chunk: int
) -> None:
    """Applied in chunks in any order, with repeats, the rows equal the pure fold."""
    cart_id = RandomIds().new("cart")
    batch = [_moved(one, cart_id) for one in batch]
    arriving = batch + rng.choices(batch, k=2)
    rng.shuffle(arriving)
    with unit_of_work(file_engine) as db:
        db.add(CartRow(id=cart_id, created_at=datetime.now(UTC)))
    for start in range(0, len(arriving), chunk):
        with unit_of_work(file_engine) as db:
            apply(db, SystemClock(), arriving[start : start + chunk])
    with unit_of_work(file_engine) as db:
        lines = queries.lines(db, {(cart_id, gtin) for gtin in GTINS})
        view = queries.view(db, cart_id)
        kept = queries.operations_since(db, {cart_id: 0}, 100)[cart_id]
    expected = fold(batch)
    assert {gtin: line for (_, gtin), line in lines.items()} == expected
    assert {line.gtin: line.quantity for line in view.lines} == {
        gtin: line.quantity for gtin, line in expected.items() if line.quantity
    }
    assert {row.id for row in kept} == {one.id for one in batch}


def _moved(one: Operation, cart_id: str) -> Operation:
    return Operation(
        f"{cart_id}:{one.id}", cart_id, one.gtin, one.sku, one.kind, one.quantity, one.at_us,
        one.source, one.price_minor,
    )  # fmt: skip
