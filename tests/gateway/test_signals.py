"""Who is called has her band vibrate: asked once, where she is heard; tried once more."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from cart.carts.service import open_session
from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.ids import RandomIds, SeededIds
from gateway.bands import queries as bands
from gateway.bands import service as registry
from gateway.bands.model import OutBand
from gateway.bands.sealing import Sealing
from gateway.commands import service as commands
from gateway.commands.tables import DeviceCommandRow
from gateway.floor import turns
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.registry.model import Seen
from gateway.registry.service import seen
from gateway.signals.model import ANSWER_WITHIN, ASKED_AT_ONCE_MAX, LASTS, identifiers_of
from gateway.signals.service import Signals
from gateway.wire.band import PERIOD_S, BandKey
from gateway.wire.band_asked import IDENTIFIERS_MAX
from gateway.wire.codec import decode_command
from gateway.wire.downlink import Ack, AckOutcome, SignalBand
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LOCATION, enrolled, stock_catalogue

IDS = RandomIds()
SECRET = bytes(range(16))
KEY = BandKey(SECRET)
ROOMS = "rooms"
PLAN = b'[[zone]]\nid = "rooms"\nareas = [[0, 0, 6, 6]]\nserves = "fitting_room"\n'
T = TypeVar("T")


@dataclass
class Shop:
    """A fitting room, receivers that are online, and whoever is heard by them."""

    engine: Engine
    clock: FakeClock
    receivers: list[str]
    heard: dict[int, list[str]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    sealing: Sealing = field(default_factory=lambda: Sealing(b"key"))

    def __post_init__(self) -> None:
        """Join the parts."""
        self.signals = self.gateway()

    def gateway(self, *, holds: bool = True) -> Signals:
        """Return a gateway's signals."""
        return Signals(
            self.engine,
            self.clock,
            self.sealing,
            heard_by=lambda _, number: self.heard.get(number, []),
            send=self.sent.append,
            holds=lambda _: holds,
        )

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def shopper(self, *, follow: bool = True) -> int:
        """Give a band to somebody who waits for the room; return its number."""

        def act(db: Session) -> int:
            session = open_session(db, self.clock, IDS)
            number = registry.make(
                db, self.clock, IDS, self.sealing,
                location_id=LOCATION, secret=SECRET, clock_s=512_000.0,
            )  # fmt: skip
            registry.hand_out(
                db, self.clock, IDS,
                number=number, session_id=session.id, locale="en", follow=follow, staff_id=None,
            )  # fmt: skip
            where = {"location_id": LOCATION, "zone_id": ROOMS}
            turns.join(db, self.clock, IDS, session_id=session.id, **where)
            return number

        return self.do(act)

    def call(self) -> None:
        """Call the next."""
        self.do(lambda db: turns.call_next(db, self.clock, location_id=LOCATION, zone_id=ROOMS))

    def asked(self) -> list[tuple[str, SignalBand]]:
        """Return what receivers were asked so far, in order."""
        with reading(self.engine) as db:
            rows = db.exec(
                select(DeviceCommandRow).order_by(
                    col(DeviceCommandRow.issued_at), col(DeviceCommandRow.device_id)
                )
            ).all()
        found = [(row.device_id, decode_command(row.payload.encode())) for row in rows]
        return [(name, one) for name, one in found if isinstance(one, SignalBand)]

    def answer(self, outcome: AckOutcome, place: int = -1) -> None:
        """Let a receiver answer."""
        device_id, command = self.asked()[place]
        ack = Ack(command_id=command.id, outcome=outcome)
        self.do(lambda db: commands.settle(db, self.clock, device_id=device_id, ack=ack))

    def turn(self, seconds: float = 1) -> None:
        """Let time pass, then look."""
        self.clock.advance(seconds)
        self.signals.turn()


@pytest.fixture
def shop(engine: Engine, clock: FakeClock, ids: SeededIds) -> Shop:
    """A shop with three receivers on each database."""
    stock_catalogue(engine)
    names = sorted(enrolled(engine, clock, ids, "receiver").device_id for _ in range(3))
    made = Shop(engine, clock, names)
    now_us = to_us(clock.now())
    made.do(lambda db: seen(db, [Seen(name, now_us, online=True) for name in names]))
    made.do(lambda db: draw(db, LOCATION, read_plan(PLAN)))
    return made


def test_who_is_called_is_asked_for_once_where_she_is_heard_best(shop: Shop) -> None:
    """Nobody else's band, nothing of her in it; rung for again, nothing more is asked."""
    number, _other = shop.shopper(), shop.shopper()
    first, second, _ = shop.receivers
    shop.heard[number] = [second, first]
    shop.turn()
    assert shop.asked() == []
    shop.call()
    shop.turn()
    [(device_id, command)] = shop.asked()
    assert (device_id, shop.sent) == (second, [second])
    assert KEY.identifier(1_000).hex() in command.data.identifiers
    assert command.data.times > 0
    assert command.data.until <= shop.clock.now() + LASTS
    with reading(shop.engine) as db:
        [row] = db.exec(select(DeviceCommandRow)).all()
        loan = bands.holder_of(db, number)
    assert loan is not None
    for told in (loan.loan_id, loan.session_id, f'"number":{number}', "turn"):
        assert told not in row.payload
    shop.answer(AckOutcome.DONE)
    for _ in range(3):
        shop.turn(5)
    shop.gateway().turn()  # another process, or the same one after a restart
    assert len(shop.asked()) == 1


def test_without_leave_or_in_another_gateways_shop_nobody_is_asked(shop: Shop) -> None:
    """She did not agree that it is known where she is; her page calls her."""
    number = shop.shopper(follow=False)
    shop.heard[number] = shop.receivers
    shop.call()
    shop.turn()
    hers = shop.shopper()
    shop.heard[hers] = shop.receivers
    shop.call()
    shop.gateway(holds=False).turn()
    assert shop.asked() == []
    shop.turn()
    assert len(shop.asked()) == 1


@pytest.mark.parametrize("silent", [False, True])
def test_who_fails_is_followed_by_one_other_and_then_nobody(shop: Shop, *, silent: bool) -> None:
    """It says no, or nothing at all; the second one as well."""
    number = shop.shopper()
    shop.heard[number] = shop.receivers
    shop.call()
    shop.turn()
    for tries in (2, 2):
        if not silent:
            shop.answer(AckOutcome.FAILED)
        shop.turn(ANSWER_WITHIN.total_seconds() if silent else 1)
        assert len(shop.asked()) == tries
    assert [name for name, _ in shop.asked()] == shop.receivers[:2]
    shop.turn(10)
    assert len(shop.asked()) == 2


def test_where_only_one_hears_her_it_is_asked_again(shop: Shop) -> None:
    """She turned her back for a moment; a receiver that does not hear her is of no use."""
    number = shop.shopper()
    shop.heard[number] = shop.receivers[2:]
    shop.call()
    shop.turn()
    shop.answer(AckOutcome.FAILED)
    shop.turn()
    assert [name for name, _ in shop.asked()] == [shop.receivers[2]] * 2


def test_unheard_all_that_are_online_are_asked_at_once(
    shop: Shop, clock: FakeClock, ids: SeededIds
) -> None:
    """One of them does it: settled. At most ASKED_AT_ONCE_MAX, and none that is away."""
    away = enrolled(shop.engine, clock, ids, "receiver").device_id
    shop.do(lambda db: seen(db, [Seen(away, to_us(clock.now()), online=False)]))
    shop.shopper()
    shop.call()
    shop.turn()
    assert [name for name, _ in shop.asked()] == shop.receivers
    shop.answer(AckOutcome.REFUSED, 0)
    shop.answer(AckOutcome.DONE, 1)
    shop.turn()
    assert len(shop.asked()) == 3 <= ASKED_AT_ONCE_MAX


def test_who_has_come_meanwhile_is_called_no_second_time(shop: Shop) -> None:
    """A call that is over is not felt any more; nor one from before the gateway was there."""
    number = shop.shopper()
    shop.heard[number] = shop.receivers
    shop.call()
    shop.turn()
    with reading(shop.engine) as db:
        [turn] = turns.open_turns(db, LOCATION)
    shop.do(lambda db: turns.came(db, shop.clock, location_id=LOCATION, turn_id=turn.id))
    shop.answer(AckOutcome.FAILED)
    shop.turn()
    assert len(shop.asked()) == 1
    late = shop.shopper()
    shop.heard[late] = shop.receivers
    shop.call()
    shop.turn(LASTS.total_seconds() + 1)
    assert len(shop.asked()) == 1


def test_a_band_is_named_by_all_that_it_may_say_and_not_by_more(clock: FakeClock) -> None:
    """The periods of its clock, give or take, and the one that begins meanwhile; else nothing."""

    def said(clock_s: float, off_s: float) -> tuple[str, ...]:
        return identifiers_of(OutBand(1, KEY, clock_s, off_s, clock.now(), LOCATION), clock.now())

    middle_s = 1_000 * PERIOD_S + PERIOD_S / 2
    assert said(middle_s, 1) == (KEY.identifier(1_000).hex(),)
    ends_s = 1_001 * PERIOD_S - LASTS.total_seconds()
    assert said(ends_s, 1) == tuple(KEY.identifier(one).hex() for one in (1_000, 1_001))
    assert len(said(middle_s, PERIOD_S)) == 3
    assert said(middle_s, IDENTIFIERS_MAX * PERIOD_S) == ()
    assert said(0.0, 1) == (KEY.identifier(0).hex(),)
    assert timedelta(seconds=30) >= LASTS
