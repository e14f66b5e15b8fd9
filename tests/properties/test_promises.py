"""Promises against a model in plain Python: whatever happens, in whatever order, twice or never."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from cart.db import is_sqlite, unit_of_work
from cart.kernel.errors import CarryoverError, InsufficientStock
from cart.ports import Shortfall
from inventory_api.stock import service
from inventory_api.stock.model import Reason
from tests.fakes.clock import FakeClock
from tests.inventory_api.promising import KEEPER, adds_up, everything, reserve
from tests.inventory_api.shelf import SHOP, SKUS, fill
from tests.real.ledgers import unlock

REFERENCES = ("ana", "ben", "eva")
FACTS = ("first", "second")
references, facts = st.sampled_from(REFERENCES), st.sampled_from(FACTS)
baskets = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)


@dataclass
class Promise:
    """Where the pieces of one reference stand, by SKU."""

    wanted: dict[str, int]
    reserved: dict[str, int]
    allocated: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    released: dict[str, int] = field(default_factory=dict)
    paid: bool = False

    def count(self, numbers: dict[str, int], sku: str, by: int) -> None:
        """Change one number."""
        numbers[sku] = numbers.get(sku, 0) + by


@dataclass
class Model:
    """A shop in dictionaries, with the rules as a person would say them."""

    on_hand: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, 0))
    promises: dict[str, Promise] = field(default_factory=dict)
    known: dict[tuple[str, str, str], dict[str, int]] = field(default_factory=dict)

    def promised(self, sku: str) -> tuple[int, int]:
        """Reserved and allocated pieces of all references."""
        held = self.promises.values()
        return (
            sum(one.reserved.get(sku, 0) for one in held),
            sum(one.allocated.get(sku, 0) for one in held),
        )

    def available(self, sku: str) -> int:
        """What may still be promised."""
        return max(0, self.on_hand[sku] - sum(self.promised(sku)))

    def short(self, wanted: dict[str, int]) -> list[Shortfall]:
        """Of what too few are left."""
        return [
            Shortfall(sku, number, self.available(sku))
            for sku, number in sorted(wanted.items())
            if number > self.available(sku)
        ]


class Shop(RuleBasedStateMachine):
    """Does everything to both, and compares."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.model = Model()
        with unit_of_work(self.engine) as db:
            for table in ("movement", "reservation", "stock"):
                db.connection().execute(text(f"DELETE FROM {table}"))  # noqa: S608
            for sku in SKUS:
                self.book(db, sku, 3)

    def book(self, db: Any, sku: str, delta: int) -> None:  # noqa: ANN401
        """Let pieces come by delivery, or go at the till."""
        reason = Reason.RECEIVED if delta > 0 else Reason.SOLD
        service.move(db, self.clock, location_id=SHOP, sku=sku, delta=delta, reason=reason)
        self.model.on_hand[sku] += delta

    def attempt(self, verb: Any, *, may: bool, **words: Any) -> bool:  # noqa: ANN401
        """Do it in a unit of work; where it may not be, it is refused and nothing changes."""
        if may:
            with unit_of_work(self.engine) as db:
                verb(db, self.clock, **words)
            return True
        before = everything(self.engine)
        with pytest.raises(CarryoverError), unit_of_work(self.engine) as db:
            verb(db, self.clock, **words)
        assert everything(self.engine) == before
        return False

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(1, 5))
    def deliver(self, sku: str, delta: int) -> None:
        """Put pieces on the shelf."""
        with unit_of_work(self.engine) as db:
            self.book(db, sku, delta)

    @rule(sku=st.sampled_from(SKUS), delta=st.integers(1, 3))
    def sell_at_till(self, sku: str, delta: int) -> None:
        """Take pieces from the shelf, promised or not."""
        if delta <= self.model.on_hand[sku]:
            with unit_of_work(self.engine) as db:
                self.book(db, sku, -delta)
            return
        with pytest.raises(InsufficientStock), unit_of_work(self.engine) as db:
            self.book(db, sku, -delta)

    @rule(reference=references, pieces=baskets)
    def reserve(self, reference: str, pieces: dict[str, int]) -> None:
        """Promise, all or nothing; the same again is the same, another one is refused."""
        known = self.model.promises.get(reference)
        short = [] if known else self.model.short(pieces)
        if known and known.wanted != pieces:
            self.attempt(reserve, may=False, reference=reference, pieces=pieces)
            return
        with unit_of_work(self.engine) as db:
            assert reserve(db, self.clock, reference, pieces) == short
        if not known and not short:
            self.model.promises[reference] = Promise(dict(pieces), dict(pieces))

    @rule(reference=references)
    def allocate(self, reference: str) -> None:
        """Take the money: what was given back meanwhile is promised anew, or it is too late."""
        known = self.model.promises.get(reference)
        if (
            not self.attempt(KEEPER.allocate, may=known is not None, reference=reference)
            or not known
        ):
            return
        again = {sku: number for sku, number in known.released.items() if number}
        if known.paid or self.model.short(again):
            return
        known.paid = True
        for sku in known.wanted:
            number = known.reserved.pop(sku, 0) + known.released.pop(sku, 0)
            known.count(known.allocated, sku, number)

    @rule(reference=references, fact=facts, pieces=st.none() | baskets)
    def release(self, reference: str, fact: str, pieces: dict[str, int] | None) -> None:
        """Give back all or some."""
        known = self.model.promises.get(reference) or Promise({}, {})
        held = {
            sku: known.reserved.get(sku, 0) + known.allocated.get(sku, 0) for sku in known.wanted
        }
        wanted = pieces or {sku: number for sku, number in held.items() if number}
        may, fresh = self.fact(("released", reference, fact), wanted, whole=pieces is None)
        may = may and (not fresh or all(held.get(sku, 0) >= n for sku, n in wanted.items()))
        words = {"reference": reference, "fact": fact, "pieces": pieces}
        if self.attempt(KEEPER.release, may=may, **words) and fresh:
            self.note(("released", reference, fact), wanted)
            for sku, number in wanted.items():
                soft = min(number, known.reserved.get(sku, 0))
                known.count(known.reserved, sku, -soft)
                known.count(known.allocated, sku, soft - number)
                known.count(known.released, sku, number)

    @rule(reference=references, fact=facts, pieces=baskets)
    def hand_over(self, reference: str, fact: str, pieces: dict[str, int]) -> None:
        """Give out what is paid for, as far as it is there."""
        known = self.model.promises.get(reference) or Promise({}, {})
        may, fresh = self.fact(("sold", reference, fact), pieces, whole=False)
        enough = all(
            known.allocated.get(sku, 0) >= number and self.model.on_hand[sku] >= number
            for sku, number in pieces.items()
        )
        words = {"reference": reference, "fact": fact, "pieces": pieces}
        if self.attempt(KEEPER.hand_over, may=may and (not fresh or enough), **words) and fresh:
            self.note(("sold", reference, fact), pieces)
            for sku, number in pieces.items():
                self.model.on_hand[sku] -= number
                known.count(known.allocated, sku, -number)
                known.count(known.taken, sku, number)

    @rule(fact=facts, pieces=baskets, sellable=st.booleans())
    def take_back(self, fact: str, pieces: dict[str, int], sellable: bool) -> None:  # noqa: FBT001
        """Take pieces that came back."""
        may, fresh = self.fact(("returned", "", fact), pieces, whole=False)
        words = {"location_id": SHOP, "fact": fact, "pieces": pieces, "sellable": sellable}
        if self.attempt(KEEPER.take_back, may=may, **words) and fresh:
            self.note(("returned", "", fact), pieces)
            for sku, number in pieces.items():
                self.model.on_hand[sku] += number if sellable else 0

    @rule(seconds=st.integers(-5, 60))
    def pass_time(self, seconds: int) -> None:
        """Let the clock go on, or be set back."""
        self.clock.jump(seconds)

    def fact(
        self, key: tuple[str, str, str], pieces: dict[str, int], *, whole: bool
    ) -> tuple[bool, bool]:
        """Say whether a fact may be told, and whether it is new. ``whole``: whatever it was."""
        before = self.model.known.get(key, {})
        told = before if whole else {sku: n for sku, n in before.items() if sku in pieces}
        return whole or not told or told == pieces, not told

    def note(self, key: tuple[str, str, str], pieces: dict[str, int]) -> None:
        """Remember a fact."""
        self.model.known.setdefault(key, {}).update(pieces)

    @invariant()
    def numbers_are_the_model_s(self) -> None:
        """On hand, reserved, allocated; the ledger's sums; every reservation, piece by piece."""
        with unit_of_work(self.engine) as db:
            stock = db.connection().execute(
                text("SELECT sku, on_hand, reserved, allocated FROM stock ORDER BY sku")
            )
            assert {row[0]: tuple(row[1:]) for row in stock} == {
                sku: (self.model.on_hand[sku], *self.model.promised(sku)) for sku in SKUS
            }
            rows = db.connection().execute(
                text("SELECT reference, sku, reserved, allocated, taken, released FROM reservation")
            )
            held = {(row[0], row[1]): tuple(row[2:]) for row in rows}
            sums = db.connection().execute(
                text(
                    "SELECT sku, sum(delta), sum(reserved_delta), sum(allocated_delta)"
                    " FROM movement GROUP BY sku"
                )
            )
            assert {row[0]: tuple(map(int, row[1:])) for row in sums} == {
                sku: (self.model.on_hand[sku], *self.model.promised(sku)) for sku in SKUS
            }
        assert held == {
            (reference, sku): tuple(
                numbers.get(sku, 0)
                for numbers in (one.reserved, one.allocated, one.taken, one.released)
            )
            for reference, one in self.model.promises.items()
            for sku in one.wanted
        }
        for (reference, sku), pieces in held.items():
            assert sum(pieces) == self.model.promises[reference].wanted[sku]
            assert min(pieces) >= 0
        if all(sum(self.model.promised(sku)) <= self.model.on_hand[sku] for sku in SKUS):
            assert adds_up(self.engine)


def test_promises_are_kept(engine: Engine) -> None:
    """Pieces are never lost, never promised twice, never below none; on both databases."""
    fill(engine)
    unlock(engine)  # each example begins with empty tables
    machine = type("ShopOnEngine", (Shop,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25 if is_sqlite(engine) else 10,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
