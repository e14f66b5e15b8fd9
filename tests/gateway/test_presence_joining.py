"""What whoever follows bands is told of those in the database."""

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.ids import SeededIds
from gateway.bands import service
from gateway.bands.model import Heard
from gateway.presence.joining import ShopBands
from gateway.presence.model import Worn
from tests.fakes.clock import FakeClock
from tests.gateway.drawer import CLOCK_S, SEALING, Drawer


@pytest.fixture
def drawer(engine: Engine, clock: FakeClock, ids: SeededIds) -> Drawer:
    """An empty drawer."""
    return Drawer(engine, clock, ids)


@pytest.fixture
def bands(drawer: Drawer) -> ShopBands:
    """The bands of the shop."""
    return ShopBands(drawer.clock, drawer.ids, SEALING)


def worn(drawer: Drawer, bands: ShopBands) -> list[Worn]:
    """Return the bands that somebody has."""
    with reading(drawer.engine) as db:
        return list(bands.worn(db))


def test_a_secret_is_opened_once_for_a_loan_and_her_word_holds_at_once(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Asked again the key is the same object; whether she may be followed is as of now."""
    number, session_id = drawer.made(), drawer.shopper()
    loan_id = drawer.out(number, session_id)
    (first,) = worn(drawer, bands)
    assert (first.number, first.loan_id, first.follow) == (number, loan_id, True)
    with unit_of_work(drawer.engine) as db:
        service.let_follow(db, session_id=session_id, follow=False)
    (again,) = worn(drawer, bands)
    assert again.key is first.key
    assert not again.follow


def test_the_next_loan_has_what_was_learned_since(drawer: Drawer, bands: ShopBands) -> None:
    """Handed back it is nobody's; handed out anew its clock is the one that was heard."""
    number = drawer.made()
    drawer.out(number, drawer.shopper())
    (first,) = worn(drawer, bands)
    drawer.clock.advance(100)
    with unit_of_work(drawer.engine) as db:
        heard = Heard(number, drawer.clock.now(), CLOCK_S + 120, CLOCK_S + 121, 80, 3)
        service.note_heard(db, [heard])
    drawer.back(number)
    assert worn(drawer, bands) == []
    drawer.out(number, drawer.shopper())
    (second,) = worn(drawer, bands)
    assert second.loan_id != first.loan_id
    assert (second.clock_s, second.off_s, second.at) == (CLOCK_S + 120.5, 0.5, drawer.clock.now())


def test_of_many_bands_only_the_new_ones_are_read_whole(drawer: Drawer, bands: ShopBands) -> None:
    """Those from before stay as they are, those that went are gone, the fresh one is there."""
    numbers = [drawer.made(secret=bytes([place]) * 16) for place in range(4)]
    for number in numbers[:3]:
        drawer.out(number, drawer.shopper())
    before = {one.number: one.key for one in worn(drawer, bands)}
    drawer.back(numbers[0])
    drawer.out(numbers[3], drawer.shopper())
    after = {one.number: one.key for one in worn(drawer, bands)}
    assert sorted(after) == numbers[1:]
    assert all(after[number] is before[number] for number in numbers[1:3])
