"""A band held to a reader at the door: she has come, and her band says so."""

from base64 import b64encode
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from gateway.floor import queries as floors
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.ingest.batch import Outcome
from gateway.notices import DeviceAsked, PlanChanged
from gateway.wire.band_asked import SignalData
from tests.cart.buying import HERE, LAMP, THERE
from tests.fakes.clock import FakeClock
from tests.fakes.holders import KnownBands, frame_of
from tests.fakes.shop import Tablet, enrolled, ingest
from tests.gateway.planned import Shop
from tests.gateway.signals_asked import signals_of

ADA, BEN, NOBODY = 7, 8, 99
DOOR = '[[zone]]\nid = "door"\nareas = [[0, 0, 4, 4]]\n'


@dataclass
class Door:
    """The door of a shop that visits are planned to, with a reader."""

    shop: Shop
    reader: Tablet
    bands: KnownBands

    def hold(self, *numbers: int) -> Outcome:
        """Let bands be held there, the nearest first."""
        return self.show(*map(frame_of, numbers))

    def show(self, *frames: bytes, by: str = "near") -> Outcome:
        """Let the reader tell of frames."""
        heard = [
            {"frame": b64encode(one).decode(), "dbm": -31.5 - place}
            for place, one in enumerate(frames)
        ]
        event = self.reader.event("band.presented", {"by": by, "heard": heard})
        message = self.reader.message(event)
        return ingest(self.shop.engine, self.shop.clock, self.shop.ids, message, bands=self.bands)

    def lights(self) -> list[SignalData]:
        """Return what the reader was asked to let bands do."""
        with reading(self.shop.engine) as db:
            return signals_of(db, self.reader.device.device_id)


@pytest.fixture
def door(engine: Engine, clock: FakeClock) -> Door:
    """The door, on each database."""
    shop = Shop(engine, clock)
    reader = Tablet(enrolled(engine, clock, shop.ids, "receiver", HERE), clock)
    return Door(shop, reader, KnownBands(gates={reader.device.device_id: HERE}))


def test_she_has_come_though_nobody_follows_her(door: Door) -> None:
    """Her own act is enough; her plan says so once, her band shines green each time."""
    ada = door.shop.shopper(LAMP)
    door.bands.lend(ADA, ada)
    outcome = door.hold(ADA)
    (changed,) = [one for one in outcome.notices if isinstance(one, PlanChanged)]
    assert (changed.location_id, changed.session_id) == (HERE, ada)
    assert door.shop.seen(ada).arrived_at == door.shop.clock.now()
    assert DeviceAsked(door.reader.device.device_id) in outcome.notices
    door.shop.clock.advance(5)
    assert [one for one in door.hold(ADA).notices if isinstance(one, PlanChanged)] == []
    assert [(one.light, one.identifiers) for one in door.lights()] == [
        ("green", (frame_of(ADA)[1:9].hex(),))
    ] * 2


def test_who_is_expected_elsewhere_or_another_day_has_not_come(door: Door) -> None:
    """Known all the same: green, and no plan is another."""
    away = door.shop.shopper(LAMP, location_id=THERE)
    later = door.shop.shopper(LAMP, comes_in=48 * 60)
    for number, session_id in ((ADA, away), (BEN, later)):
        door.bands.lend(number, session_id)
        outcome = door.hold(number)
        assert [one for one in outcome.notices if isinstance(one, PlanChanged)] == []
        assert door.shop.seen(session_id).arrived_at is None
    assert {one.light for one in door.lights()} == {"green"}


def test_nobodys_band_shines_blue_and_of_several_none(door: Door) -> None:
    """A light says nothing of whom it is; of two bands at the door nobody is taken to have come."""
    ada, ben = door.shop.shopper(LAMP), door.shop.shopper(LAMP)
    door.bands.lend(ADA, ada)
    door.bands.lend(BEN, ben)
    assert door.hold(ADA, BEN).notices == []
    assert (door.shop.seen(ada).arrived_at, door.shop.seen(ben).arrived_at) == (None, None)
    outcome = door.hold(NOBODY)
    assert (outcome.dead, [one.light for one in door.lights()]) == (0, ["blue"])


def test_a_battery_that_runs_down_at_the_door_is_no_coming(door: Door) -> None:
    """Who passes by has not come; who presses her button there has."""
    ada = door.shop.shopper(LAMP)
    door.bands.lend(ADA, ada)
    door.bands.pressing.hear(ADA, 4, 0.0)  # by a receiver, before
    outcome = door.show(frame_of(ADA, presses=4, battery=79), by="news")
    assert (outcome.notices, outcome.dead, door.lights()) == ([], 0, [])
    assert door.shop.seen(ada).arrived_at is None
    door.show(frame_of(ADA, presses=5, battery=79), by="news")
    assert door.shop.seen(ada).arrived_at == door.shop.clock.now()
    assert [one.light for one in door.lights()] == ["green"]


def test_a_tap_that_is_told_late_is_no_coming(door: Door) -> None:
    """An hour later she may have gone again."""
    ada = door.shop.shopper(LAMP)
    door.bands.lend(ADA, ada)
    heard = [{"frame": b64encode(frame_of(ADA)).decode(), "dbm": -31.5}]
    event = door.reader.event("band.presented", {"by": "near", "heard": heard})
    message = door.reader.message(event)
    door.shop.clock.advance(3600)
    ingest(door.shop.engine, door.shop.clock, door.shop.ids, message, bands=door.bands)
    assert door.shop.seen(ada).arrived_at is None
    assert door.lights() == []


def test_the_floor_says_where_a_door_is(door: Door) -> None:
    """Its reader is at the door of that shop, any other at none."""
    device_id = door.reader.device.device_id
    plan = f'{DOOR}[[receiver]]\ndevice = "{device_id}"\nat = [1, 1]\ngate = "street"\n'
    with unit_of_work(door.shop.engine) as db:
        draw(db, HERE, read_plan(plan.encode()))
    with reading(door.shop.engine) as db:
        assert floors.gate_of(db, device_id) == HERE
        assert floors.gate_of(db, "rcv-other") is None
