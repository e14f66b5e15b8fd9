"""Following stock for all: whoever does it next, after whatever time and by whatever clock."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from gateway.notices import Notice, StockChanged
from gateway.tail import FOLLOWER, NOTE_EVERY_US, TAKEOVER_US, StockTail
from inventory_api.stock import service
from inventory_api.stock.following import mark_of, note_mark
from inventory_api.stock.model import Reason
from inventory_api.stock.tail import OVERLAP_US
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import SHOP, SKUS, fill

MINUTES_S = 300.0
RED, BLUE, GREEN = SKUS


class Told:
    """Keeps what is told, the newest version of each SKU and how often it was told."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, int]] = []

    def publish(self, *notices: Notice) -> None:
        """Keep them."""
        for one in notices:
            assert isinstance(one, StockChanged)
            self.notices.append((one.notice.sku, one.notice.version))

    def take(self) -> list[tuple[str, int]]:
        """Return SKU and version of what was told since the last time."""
        taken, self.notices = self.notices, []
        return taken


class Gateways:
    """Gateways of which one has the chores, each with a clock of its own, as the API has.

    The first, ``a``, is there and has them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.chores = "a"
        self.told = Told()
        self.api = FakeClock()
        self.clocks = {"api": self.api}
        self._tails: dict[str, StockTail] = {}
        self.add("a")

    def add(self, name: str, *, wall_s: float = 0.0) -> None:
        """Add one, or start it anew; its wall clock is wrong by so much."""
        clock = FakeClock()
        clock.jump(wall_s)
        self.clocks[name] = clock
        self._tails[name] = StockTail(
            self._engine, clock.monotonic, self.told, is_ours=lambda: self.chores == name
        )

    def look(self) -> list[tuple[str, int]]:
        """Let each look once; return what was told."""
        for one in self._tails.values():
            one.look()
        return self.told.take()

    def pass_time(self, seconds: float) -> None:
        """Let time pass for all, who look every second."""
        for _ in range(round(seconds)):
            for clock in self.clocks.values():
                clock.advance(1)
            self.told.notices += self.look()


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """A database with a catalogue and no stock."""
    fill(engine)
    return engine


@pytest.fixture
def gateways(shop: Engine) -> Gateways:
    """One gateway, which has the chores."""
    return Gateways(shop)


@pytest.fixture
def receive(shop: Engine) -> Callable[[str, FakeClock], None]:
    """A function that puts one more piece on the shelf, stamped by a clock."""

    def change(sku: str, clock: FakeClock) -> None:
        with unit_of_work(shop) as db:
            service.move(db, clock, location_id=SHOP, sku=sku, delta=1, reason=Reason.RECEIVED)

    return change


@pytest.mark.parametrize("wrong_s", [MINUTES_S, -MINUTES_S, 100 * MINUTES_S, -100 * MINUTES_S])
def test_chores_that_move_skip_nothing(
    gateways: Gateways, receive: Callable[[str, FakeClock], None], wrong_s: float
) -> None:
    """The one who had them dies; what changes until the other has them is told by that one.

    Their clocks differ by minutes or hours: nothing is skipped, and nothing is told
    again but the last half a minute.
    """
    api = gateways.api
    gateways.add("b", wall_s=wrong_s)
    receive(RED, api)
    assert gateways.look() == [(RED, 1)]
    gateways.pass_time(120)
    receive(BLUE, api)
    assert gateways.look() == [(BLUE, 1)]
    gateways.chores = ""  # a is dead, and its lease not over
    receive(GREEN, api)
    gateways.pass_time(90)
    receive(BLUE, api)
    assert gateways.look() == []
    gateways.chores = "b"
    assert gateways.look() == [(GREEN, 1), (BLUE, 2)]
    gateways.pass_time(60)
    receive(RED, api)
    assert gateways.look() == [(RED, 2)]
    gateways.chores = "a"  # and back: what b told long ago is not told again
    assert gateways.look() == [(RED, 2)]


def test_a_change_that_commits_after_the_move_is_told(
    gateways: Gateways, receive: Callable[[str, FakeClock], None]
) -> None:
    """Stamped ten seconds before the newest that was told, and seen by nobody before."""
    api = gateways.api
    gateways.add("b", wall_s=MINUTES_S)
    late = FakeClock(api.now())
    gateways.pass_time(10)
    receive(RED, api)
    assert gateways.look() == [(RED, 1)]
    gateways.chores = "b"
    receive(BLUE, late)
    assert gateways.look() == [(BLUE, 1), (RED, 1)]


def test_one_alone_goes_on_where_it_was_killed(
    gateways: Gateways, receive: Callable[[str, FakeClock], None]
) -> None:
    """Also when it had only just begun; an hour without a gateway skips nothing."""
    api = gateways.api
    assert gateways.look() == []
    receive(RED, api)
    api.advance(3600)
    receive(BLUE, api)
    gateways.add("a", wall_s=3600)
    assert gateways.look() == [(RED, 1), (BLUE, 1)]


def test_of_an_import_that_was_told_nothing_is_told_again(
    gateways: Gateways, receive: Callable[[str, FakeClock], None]
) -> None:
    """Once nothing has changed for a while: the mark that a successor finds has gone on."""
    api = gateways.api
    for sku in SKUS:
        receive(sku, api)
    assert len(gateways.look()) == len(SKUS)
    gateways.pass_time((OVERLAP_US + TAKEOVER_US + NOTE_EVERY_US) / 1_000_000 + 1)
    gateways.add("b", wall_s=MINUTES_S)
    gateways.chores = "b"
    assert gateways.look() == []


def test_a_mark_never_goes_back(shop: Engine) -> None:
    """One that was frozen and wakes may still note what it told: the successor is further."""
    now_us = to_us(FakeClock().now())
    for mark_us in (now_us, now_us - 60_000_000):
        with unit_of_work(shop) as db:
            note_mark(db, FOLLOWER, mark_us)
    with reading(shop) as db:
        assert mark_of(db, FOLLOWER) == now_us
