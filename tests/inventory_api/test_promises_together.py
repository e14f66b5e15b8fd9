"""Promises for many at once: the first get what is there, and each is as if it were made alone."""

from functools import partial

import pytest
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InsufficientStock
from cart.ports import Promising
from tests.inventory_api.promising import (
    BLUE,
    GREEN,
    KEEPER,
    LIFETIME,
    RED,
    adds_up,
    entries,
    everything,
    numbers,
    put_on_shelf,
    reserve,
)
from tests.inventory_api.shelf import SHOP, fill
from tests.inventory_api.test_promise_rivals import at_once

CLOCK = SystemClock()
ROUNDS = 20


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Three SKUs, ten pieces of the red one, four of the others."""
    fill(engine)
    put_on_shelf(engine, CLOCK, {RED: 10, BLUE: 4, GREEN: 4})
    return engine


def wish(reference: str, **pieces: int) -> Promising:
    """Pieces by the name of a colour."""
    skus = {"red": RED, "blue": BLUE, "green": GREEN}
    named = {skus[colour]: number for colour, number in pieces.items()}
    return Promising(reference, SHOP, named, CLOCK.now() + LIFETIME)


def reserved(shop: Engine, *wanted: Promising) -> set[str]:
    """Reserve for all in one unit of work."""
    with unit_of_work(shop) as db:
        return KEEPER.reserve_many(db, CLOCK, wanted)


def test_the_first_get_what_is_there(shop: Engine) -> None:
    """Whoever cannot have all of it has none of it, and leaves it to those after her."""
    found = reserved(
        shop,
        wish("a", red=4, blue=1),
        wish("b", red=7),
        wish("c", red=5, green=5),
        wish("d", red=6),
    )
    assert found == {"a", "d"}
    assert numbers(shop, RED) == (10, 10, 0)
    assert numbers(shop, GREEN) == (4, 0, 0)
    assert adds_up(shop)


def test_the_ledger_is_that_of_promises_made_one_by_one(shop: Engine) -> None:
    """An entry for each reference and SKU."""
    reserved(shop, wish("a", red=2, blue=1), wish("b", red=3))
    with unit_of_work(shop) as db:
        assert KEEPER.allocate_many(db, CLOCK, ["a", "b"]) == {"a", "b"}
    assert sorted(entries(shop)) == sorted(
        [
            ("reserved", RED, 0, 2, 0),
            ("reserved", BLUE, 0, 1, 0),
            ("reserved", RED, 0, 3, 0),
            ("allocated", RED, 0, -2, 2),
            ("allocated", BLUE, 0, -1, 1),
            ("allocated", RED, 0, -3, 3),
        ]
    )
    assert adds_up(shop)


def test_a_reference_that_promised_before_stops_the_batch(shop: Engine) -> None:
    """Nothing of it is kept: whoever asked does each by itself."""
    with unit_of_work(shop) as db:
        assert not reserve(db, CLOCK, "a", {RED: 1})
    before = everything(shop)
    with pytest.raises(InsufficientStock):
        reserved(shop, wish("b", red=1), wish("a", red=1))
    assert everything(shop) == before


def test_only_what_is_reserved_in_full_is_allocated_together(shop: Engine) -> None:
    """Allocated before, released, unknown: nothing changes for them."""
    reserved(shop, wish("a", red=1), wish("b", red=1), wish("c", red=2))
    with unit_of_work(shop) as db:
        KEEPER.release(db, CLOCK, reference="b", fact="late")
        KEEPER.release(db, CLOCK, reference="c", fact="one", pieces={RED: 1})
        assert KEEPER.allocate_many(db, CLOCK, ["a"]) == {"a"}
    before = everything(shop)
    with unit_of_work(shop) as db:
        assert KEEPER.allocate_many(db, CLOCK, ["a", "b", "c", "nobody"]) == set()
    assert everything(shop) == before


def test_batches_and_single_shoppers_for_the_last_pieces(shop: Engine) -> None:
    """Batches of five and shoppers alone, all at once: exactly ten of ten pieces are promised."""

    def batch(name: str) -> set[str]:
        return reserved(shop, *(wish(f"{name}-{one}", red=1) for one in range(5)))

    def alone(name: str) -> set[str]:
        with unit_of_work(shop) as db:
            return set() if reserve(db, CLOCK, name, {RED: 1}) else {name}

    for turn in range(ROUNDS):
        acts = [partial(batch, f"batch-{turn}-{number}") for number in range(4)]
        acts += [partial(alone, f"alone-{turn}-{number}") for number in range(8)]
        granted = [name for names in at_once(acts) for name in names]
        assert len(granted) == len(set(granted)) == 10
        assert numbers(shop, RED) == (10, 10, 0)
        with unit_of_work(shop) as db:
            for name in granted:
                KEEPER.release(db, CLOCK, reference=name, fact="over")
    assert numbers(shop, RED) == (10, 0, 0)
    assert adds_up(shop)
