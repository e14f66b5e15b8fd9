"""Many at once for the same pieces: exactly as many promises as pieces, and nobody waits for ever.

Rivals are real threads with connections of their own; a barrier lets them go at the same moment.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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


def test_expiry_and_cancel_racing_with_payment(shop: Engine) -> None:
    """However they meet, pieces are either hers or everybody's, never both and never nobody's."""
    put_on_shelf(shop, CLOCK, {RED: 4, BLUE: 4})
    for turn in range(20):
        reference = f"ana-{turn}"
        assert wants(shop, reference, {RED: 3, BLUE: 4})() == "reserved"

        def pay(reference: str = reference) -> str:
            with unit_of_work(shop) as db:
                return "late" if KEEPER.allocate(db, CLOCK, reference=reference) else "paid"

        def end(fact: str, reference: str = reference) -> str:
            with unit_of_work(shop) as db:
                KEEPER.release(db, CLOCK, reference=reference, fact=fact)
            return fact

        rival = wants(shop, f"ben-{turn}", {BLUE: 1, RED: 1})
        outcomes = at_once([pay, lambda: end("expired"), lambda: end("cancelled"), rival, pay])
        with unit_of_work(shop) as db:
            for whose in (reference, f"ben-{turn}"):
                KEEPER.release(db, CLOCK, reference=whose, fact="closing time")
        assert set(outcomes) <= {"paid", "late", "expired", "cancelled", "reserved", "sold out"}
        assert (numbers(shop), numbers(shop, BLUE)) == ((4, 0, 0), (4, 0, 0))
    assert adds_up(shop)


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
