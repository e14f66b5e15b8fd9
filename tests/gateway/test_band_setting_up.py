"""A band set up at a desk over the air: asked, agreed on, taken in; or nothing at all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import DeskReaderAway, InvalidInput
from cart.kernel.ids import RandomIds, SeededIds
from gateway.bands import queries, setting_up
from gateway.bands.model import State
from gateway.bands.sealing import Sealing
from gateway.bands.setting_up import NOT_AGREED, SettingUp, Standing
from gateway.bands.tables import BandRow
from gateway.commands import service as commands
from gateway.commands.tables import DeviceCommandRow
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import Heard, stations_heard
from gateway.notices import DeskChanged
from gateway.presence.joining import ShopBands
from gateway.registry.model import Seen
from gateway.registry.service import seen
from gateway.wire.band import PERIOD_S, BandKey, BandState
from gateway.wire.band_asked import SetUpFault
from gateway.wire.band_exchange import KeyPair
from gateway.wire.codec import decode_command
from gateway.wire.downlink import SetUpBand
from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LOCATION, Tablet, enrolled, stock_catalogue

IDS = RandomIds()
DESK = "welcome"
BAND = KeyPair(bytes(range(32)))
T = TypeVar("T")


@dataclass
class Desk:
    """A desk with a receiver, and the band that is held to it."""

    engine: Engine
    clock: FakeClock
    receiver: Tablet
    sealing: Sealing = field(default_factory=lambda: Sealing(b"key"))

    def do(self, act: Callable[[Session], T]) -> T:
        """Do something in one unit of work."""
        with unit_of_work(self.engine) as db:
            return act(db)

    def begin(self, desk: str = DESK) -> SetUpBand:
        """Press the button; return what the receiver is asked."""
        device_id = self.do(
            lambda db: setting_up.begin(
                db, self.clock, IDS, self.sealing, location_id=LOCATION, desk=desk
            )
        )
        assert device_id == self.receiver.device.device_id
        [row] = self.do(lambda db: list(commands.open_commands(db, self.clock, device_id)))
        command = decode_command(row.payload.encode())
        assert isinstance(command, SetUpBand)
        return command

    def said(self, command: SetUpBand, *, pair: KeyPair = BAND, period: int | None = None) -> str:
        """Return what a receiver says of a band that made its secret with this key."""
        secret = pair.secret_with_shop(bytes.fromhex(command.data.key))
        at = command.data.clock_s // PERIOD_S if period is None else period
        frame = BandKey(secret).frame(at, 0, BandState(80))
        return f"{BAND.public.hex()} {frame.hex()} 1.2"

    def answer(self, command: SetUpBand, outcome: str, detail: str) -> Heard:
        """Let the receiver's answer arrive."""
        payload = f'{{"command_id":"{command.id}","outcome":"{outcome}","detail":"{detail}"}}'
        ack = read(self.receiver.message(payload.encode(), Channel.ACKS))
        bands = ShopBands(self.clock, IDS, self.sealing)
        domain = Domain(self.clock, IDS, sellables, bands)
        return stations_heard(self.engine, domain, Unfenced(), [ack])

    def latest(self) -> SettingUp | None:
        """Return what the page shows."""
        with reading(self.engine) as db:
            return setting_up.latest(db, self.clock, LOCATION)

    def bands(self) -> list[BandRow]:
        """Return the registry."""
        with reading(self.engine) as db:
            return list(db.exec(select(BandRow)))


@pytest.fixture
def desk(engine: Engine, clock: FakeClock, ids: SeededIds) -> Desk:
    """A desk on each database."""
    stock_catalogue(engine)
    made = Desk(engine, clock, Tablet(enrolled(engine, clock, ids, "receiver"), clock))
    name = made.receiver.device.device_id
    plan = (
        '[[zone]]\nid = "A"\nareas = [[0, 0, 6, 6]]\n'
        f'[[receiver]]\ndevice = "{name}"\nat = [1, 1]\ndesk = "{DESK}"\n'
    )
    made.do(lambda db: draw(db, LOCATION, read_plan(plan.encode())))
    made.do(lambda db: seen(db, [Seen(name, to_us(clock.now()), online=True)]))
    return made


def test_the_band_lies_in_the_drawer_once_the_receiver_has_said_so(desk: Desk) -> None:
    """With the secret that both ends made, which no command and no answer has in it."""
    command = desk.begin()
    assert desk.bands() == []
    assert desk.latest() == SettingUp(
        DESK, Standing.WAITING, None, "", command.data.until + setting_up.ANSWER_AFTER
    )
    desk.clock.advance(3)
    detail = desk.said(command)
    heard = desk.answer(command, "done", detail)
    assert heard.notices == [DeskChanged(LOCATION)]
    [band] = desk.bands()
    secret = BAND.secret_with_shop(bytes.fromhex(command.data.key))
    assert desk.sealing.opened(band.number, band.secret_sealed) == secret
    assert (band.state, band.location_id, band.firmware) == (State.DRAWER, LOCATION, "1.2")
    now_s = command.data.clock_s + 3
    assert band.clock_low_s < now_s < band.clock_high_s
    found = desk.latest()
    assert found is not None
    assert (found.standing, found.number) == (Standing.DONE, band.number)
    with reading(desk.engine) as db:
        [row] = db.exec(select(DeviceCommandRow)).all()
    assert secret.hex() not in row.payload + row.detail + detail
    assert desk.answer(command, "done", detail).notices == []  # the same answer again
    assert len(desk.bands()) == 1


def test_whoever_has_another_server_secret_has_another_key(desk: Desk) -> None:
    """The server's half follows from its own secret and the command: it is nowhere else."""
    command = desk.begin()
    key = bytes.fromhex(command.data.key)
    assert desk.sealing.exchange(command.id).public == key
    assert Sealing(b"key").exchange(command.id).public == key
    assert Sealing(b"other").exchange(command.id).public != key
    assert desk.sealing.exchange("another").public != key


@pytest.mark.parametrize("fault", [*SetUpFault])
def test_what_the_receiver_could_not_do_leaves_nothing(desk: Desk, fault: SetUpFault) -> None:
    """The page says why; the next try is another one, with another key."""
    command = desk.begin()
    heard = desk.answer(command, "refused", fault)
    assert heard.notices == [DeskChanged(LOCATION)]
    found = desk.latest()
    assert found is not None
    assert (found.standing, found.fault) == (Standing.FAILED, fault)
    assert desk.bands() == []
    desk.clock.advance(1)
    again = desk.begin()
    assert again.data.key != command.data.key
    desk.answer(again, "done", desk.said(again))
    assert len(desk.bands()) == 1


@pytest.mark.parametrize(
    "what", ["no words", "another key", "another clock", "a key that is none", "words after"]
)
def test_a_band_that_did_not_agree_is_not_taken_in(desk: Desk, what: str) -> None:
    """Somebody in between, a mistake, a receiver that makes it up: said, and no row."""
    command = desk.begin()
    right = desk.said(command)
    detail = {
        "no words": "",
        "another key": desk.said(command, pair=KeyPair(bytes(range(1, 33)))),
        "another clock": desk.said(command, period=command.data.clock_s // PERIOD_S + 2),
        "a key that is none": "00" * 32 + right[64:],
        "words after": right[:60],
    }[what]
    desk.answer(command, "done", detail)
    found = desk.latest()
    assert found is not None
    assert (found.standing, found.fault) == (Standing.FAILED, NOT_AGREED)
    assert desk.bands() == []


def test_a_receiver_that_dies_leaves_nothing_and_its_late_answer_counts(desk: Desk) -> None:
    """The page says so once its time is over; a band that was set up after all is taken in."""
    command = desk.begin()
    desk.clock.advance((setting_up.LASTS + setting_up.ANSWER_AFTER).total_seconds())
    found = desk.latest()
    assert found is not None
    assert (found.standing, found.fault) == (Standing.FAILED, "")
    assert desk.bands() == []
    desk.answer(command, "done", desk.said(command))
    assert len(desk.bands()) == 1
    desk.clock.advance(setting_up.SHOWN_FOR.total_seconds())
    assert desk.latest() is None


def test_pressed_twice_it_is_asked_for_once(desk: Desk) -> None:
    """Two at one desk wait for the same band; another receiver's answer is nobody's."""
    assert desk.begin() == desk.begin()
    elsewhere = enrolled(desk.engine, desk.clock, SeededIds(9), "receiver")
    command = desk.begin()
    theirs = Desk(desk.engine, desk.clock, Tablet(elsewhere, desk.clock), desk.sealing)
    theirs.answer(command, "done", desk.said(command))
    assert desk.bands() == []


def test_without_a_reader_that_is_there_nothing_is_asked(desk: Desk) -> None:
    """No such desk; a receiver that is away."""
    with pytest.raises(InvalidInput):
        desk.begin("till-9")
    name, now_us = desk.receiver.device.device_id, to_us(desk.clock.now())
    desk.do(lambda db: seen(db, [Seen(name, now_us, online=False)]))
    with pytest.raises(DeskReaderAway):
        desk.begin()
    with reading(desk.engine) as db:
        assert db.exec(select(DeviceCommandRow)).all() == []
        assert setting_up.desks(db, LOCATION) == [DESK]
        assert queries.highest_number(db) == 0
    assert timedelta(seconds=30) >= setting_up.LASTS
