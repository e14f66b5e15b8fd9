"""Many at once for the same pieces: exactly as many promises as pieces, and nobody waits for ever.

Rivals are real threads with connections of their own; a barrier lets them go at the same moment.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InsufficientStock
from inventory_api.stock import service
from inventory_api.stock.model import Reason
from tests.inventory_api.promising import (
    BLUE,
    GREEN,
    KEEPER,
    RED,
    adds_up,
    numbers,
    put_on_shelf,
    reserve,
)
from tests.inventory_api.shelf import SHOP, fill

T = TypeVar("T")
CLOCK = SystemClock()
RIVALS, PIECES, ROUNDS = 50, 10, 200
CROWD, FEW = 6, 2
HURRIES = 200  # a round takes 75 ms of a core
WAIT_S = 30


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """A catalogue and an empty shelf."""
    fill(engine)
    return engine


def at_once(acts: Sequence[Callable[[], T]], wait_s: float = WAIT_S) -> list[T]:
    """Let all begin at the same moment; return what each returned. Errors come out."""
    start = threading.Barrier(len(acts))

    def act(one: Callable[[], T]) -> T:
        start.wait(WAIT_S)
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(act, one) for one in acts]
        return [one.result(wait_s) for one in running]


def wants(shop: Engine, reference: str, pieces: dict[str, int]) -> Callable[[], str]:
    """Return a shopper who reserves, and what she is told."""

    def act() -> str:
        with unit_of_work(shop) as db:
            short = reserve(db, CLOCK, reference, pieces)
        return "sold out" if short else "reserved"

    return act


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_shoppers_for_the_last_ten_pieces(shop: Engine) -> None:
    """200 rounds: ten get one each, forty are told that it is sold out, and nothing else happens.

    The shoppers of a round are let go together, and wait for each other at its end.
    """
    put_on_shelf(shop, CLOCK, {RED: PIECES})
    told: Counter[str] = Counter()
    lock = threading.Lock()
    rounds: list[tuple[int, int, int]] = []
    left_over: list[dict[str, int]] = []

    def between() -> None:
        """Look at the shelf when a round is over, and put ten new pieces on it."""
        with lock:
            if len(rounds) < ROUNDS:
                left_over.append(dict(told))
                rounds.append(numbers(shop))
                put_on_shelf(shop, CLOCK, {RED: PIECES})

    over = threading.Barrier(RIVALS, action=between)

    def shopper(number: int) -> None:
        for turn in range(ROUNDS):
            answer = wants(shop, f"{turn}-{number}", {RED: 1})()
            with lock:
                told[answer] += 1
            over.wait(WAIT_S)

    acts: list[Callable[[], object]] = [lambda n=n: shopper(n) for n in range(RIVALS)]  # type: ignore[misc]
    at_once(acts, wait_s=500)
    assert left_over == [
        {"reserved": PIECES * turn, "sold out": (RIVALS - PIECES) * turn}
        for turn in range(1, ROUNDS + 1)
    ]
    assert rounds == [(PIECES * turn, PIECES * turn, 0) for turn in range(1, ROUNDS + 1)]
    assert adds_up(shop)


def test_rivals_who_want_the_same_two_things_in_opposite_order(shop: Engine) -> None:
    """Nobody waits for one who waits for her: rows are locked in one order."""
    put_on_shelf(shop, CLOCK, {RED: 20, BLUE: 20, GREEN: 20})
    orders = [(RED, BLUE, GREEN), (GREEN, BLUE, RED), (BLUE, GREEN, RED)]

    def shopper(number: int) -> list[str]:
        wanted = dict.fromkeys(orders[number % 3], 1)
        said = []
        for turn in range(8):
            reference = f"{number}-{turn}"
            said.append(wants(shop, reference, wanted)())
            if said[-1] == "reserved" and turn % 2:
                with unit_of_work(shop) as db:
                    KEEPER.allocate(db, CLOCK, reference=reference)
                with unit_of_work(shop) as db:
                    KEEPER.release(db, CLOCK, reference=reference, fact="cancelled")
        return said

    acts: list[Callable[[], object]] = [lambda n=n: shopper(n) for n in range(12)]  # type: ignore[misc]
    at_once(acts)
    assert numbers(shop, RED) == numbers(shop, BLUE) == numbers(shop, GREEN)
    on_hand, reserved, allocated = numbers(shop)
    assert (on_hand, allocated) == (20, 0)
    assert 0 < reserved <= 20
    assert adds_up(shop)


def test_the_same_promise_by_many(shop: Engine) -> None:
    """One request that was sent ten times at once reserves once, and all are told so."""
    put_on_shelf(shop, CLOCK, {RED: 3, BLUE: 3})
    same = wants(shop, "ana", {RED: 2, BLUE: 3})
    assert set(at_once([same] * 10)) == {"reserved"}
    assert (numbers(shop), numbers(shop, BLUE)) == ((3, 2, 0), (3, 3, 0))
    assert adds_up(shop)


@dataclass
class Hurry:
    """One round: shoppers for too few pieces, whose payment, time and own will race."""

    shop: Engine
    turn: int

    def name(self, number: int, again: str = "") -> str:
        """Return the reference of one of them."""
        return f"{self.turn}-{number}{again}"

    def pay(self, number: int) -> str:
        """Let her money come."""
        with unit_of_work(self.shop) as db:
            short = KEEPER.allocate(db, CLOCK, reference=self.name(number))
        return "late" if short else "paid"

    def end(self, number: int, fact: str) -> str:
        """Let her time be over, or let her stop."""
        with unit_of_work(self.shop) as db:
            KEEPER.release(db, CLOCK, reference=self.name(number), fact=fact)
        return fact

    def play(self) -> Counter[str]:
        """Let all reserve at once; then let all go on at once, with whoever had none."""
        wanted = {RED: 1}
        told = at_once([wants(self.shop, self.name(n), wanted) for n in range(CROWD)])
        have = [n for n, one in enumerate(told) if one == "reserved"]
        assert len(have) == FEW
        assert numbers(self.shop) == (FEW, FEW, 0)
        acts: list[Callable[[], str]] = []
        for number in have:
            acts += [
                partial(self.pay, number),
                partial(self.end, number, "expired"),
                partial(self.end, number, "cancelled"),
                partial(self.pay, number),
            ]
        acts += [
            wants(self.shop, self.name(n, "again"), wanted) for n in range(CROWD) if n not in have
        ]
        outcomes = Counter(at_once(acts))
        on_hand, reserved, allocated = numbers(self.shop)
        assert on_hand == FEW
        assert reserved == outcomes["reserved"]
        assert allocated <= len(have)
        assert reserved + allocated <= FEW
        assert adds_up(self.shop)
        return outcomes

    def close(self) -> None:
        """Free everything."""
        with unit_of_work(self.shop) as db:
            for number in range(CROWD):
                for name in (self.name(number), self.name(number, "again")):
                    KEEPER.release(db, CLOCK, reference=name, fact="closing time")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_expiry_and_cancel_racing_with_payment(shop: Engine) -> None:
    """However they meet, pieces are either hers or everybody's, never both and never nobody's.

    Six shoppers for two pieces: of those who have one each is paid for twice, expires and
    is cancelled, all at the same moment, while the others try again.
    """
    put_on_shelf(shop, CLOCK, {RED: FEW})
    told: Counter[str] = Counter()
    for turn in range(HURRIES):
        hurry = Hurry(shop, turn)
        told += hurry.play()
        hurry.close()
        assert numbers(shop) == (FEW, 0, 0)
    ends = {"expired": FEW * HURRIES, "cancelled": FEW * HURRIES}
    assert {what: told[what] for what in ends} == ends
    assert told["paid"] + told["late"] == 2 * FEW * HURRIES
    assert told["reserved"] + told["sold out"] == (CROWD - FEW) * HURRIES
    assert min(told["paid"], told["reserved"]) > 0


def test_a_till_racing_with_the_desk(shop: Engine) -> None:
    """Both take from what is on hand: it never falls below none, and the ledger agrees."""
    put_on_shelf(shop, CLOCK, {RED: 8})
    for number in range(8):
        assert wants(shop, f"order-{number}", {RED: 1})() == "reserved"
        with unit_of_work(shop) as db:
            KEEPER.allocate(db, CLOCK, reference=f"order-{number}")

    def desk(number: int) -> int:
        with suppress(InsufficientStock), unit_of_work(shop) as db:
            KEEPER.hand_over(db, CLOCK, reference=f"order-{number}", fact="desk", pieces={RED: 1})
            return 1
        return 0

    def till() -> int:
        with suppress(InsufficientStock), unit_of_work(shop) as db:
            service.move(db, CLOCK, location_id=SHOP, sku=RED, delta=-1, reason=Reason.SOLD)
            return 1
        return 0

    acts: list[Callable[[], object]] = [lambda n=n: desk(n) for n in range(8)]  # type: ignore[misc]
    taken = at_once([*acts, *[till] * 6])
    assert sum(map(int, map(str, taken))) == 8
    on_hand, reserved, allocated = numbers(shop)
    assert (on_hand, reserved) == (0, 0)
    assert allocated == 8 - sum(map(int, map(str, taken[:8])))
