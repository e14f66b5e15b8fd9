"""Three hundred bands in one process: well ones, dying ones, lost, copied and replayed ones.

Simulated air, the receivers' own gathering, the gateway's own resolver and settling.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import make_engine, unit_of_work
from cart.kernel.ids import SeededIds
from firmware_sim.bands.air import Receiver
from firmware_sim.bands.battery import DEAD_PERCENT, LOW_PERCENT, Battery
from firmware_sim.bands.crowd import Crowd, Report, Sender, still, strolling
from firmware_sim.bands.firmware import Band
from gateway.bands.model import BATTERY_LOW_PERCENT, OutBand
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.mqtt import Incoming
from gateway.notices import Notice
from gateway.presence.doubting import Doubt
from gateway.presence.oddities import LostHeard, Odd
from gateway.presence.service import KEPT_EVERY_S, Presence
from gateway.registry import service as registry
from gateway.registry.model import Enrolled
from gateway.wire.codec import encode
from gateway.wire.events import HeardFrame
from gateway.wire.sightings import SIGHTINGS_MAX, Sightings
from gateway.wire.topics import Channel
from tests.fakes.clock import FakeClock
from tests.gateway.followed import Desk as Worn

HERE = "mill-lane"
WIDTH_M, DEPTH_M = 30.0, 20.0
BANDS = 300
SECONDS = 24.0
FOLLOWED = range(1, 41)
DYING = range(41, 61)
COPIED, REPLAYED, LOST = (61, 62, 63), (64, 65), (66, 67, 68)


class Desk(Worn):
    """Stands for the registry of bands: who wears which, which are lost, what was found odd."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.gone_astray: list[OutBand] = []
        self.found: list[Odd] = []

    def lose(self, number: int) -> None:
        """Let a band have been reported lost."""
        worn = self.bands.pop(number)
        self.gone_astray.append(OutBand(number, worn.key, worn.clock_s, worn.off_s, worn.at, HERE))

    def lost(self, _db: Session) -> Sequence[OutBand]:
        """Return the bands that were reported lost."""
        return self.gone_astray

    def odd(self, _db: Session, found: Sequence[Odd]) -> Sequence[Notice]:
        """Keep it; a band that is two is nobody's from now on."""
        self.found += found
        for one in found:
            if isinstance(one, Doubt):
                self.bands.pop(one.band, None)
        return ()


class Hall:
    """A hall with six receivers on a grid, 10 m apart, in two zones."""

    def __init__(self, engine: Engine) -> None:
        self.clock, ids = FakeClock(), SeededIds(9)
        self.begun_s, self.begun_at = self.clock.monotonic(), self.clock.now()
        self.devices: dict[str, Enrolled] = {}
        half_m = WIDTH_M / 2
        lines = [
            f'[[zone]]\nid = "west"\nareas = [[0, 0, {half_m}, {DEPTH_M}]]\n',
            f'[[zone]]\nid = "east"\nareas = [[{half_m}, 0, {WIDTH_M}, {DEPTH_M}]]\n',
        ]
        receivers = []
        with unit_of_work(engine) as db:
            for place in range(6):
                at = (5.0 + 10.0 * (place % 3), 5.0 + 10.0 * (place // 3))
                token = registry.enrol(db, self.clock, ids, kind="receiver", location_id=HERE)
                device = registry.redeem(db, self.clock, ids, token=token)
                self.devices[device.device_id] = device
                receivers.append(Receiver(device.device_id, "", at))
                lines.append(
                    f'[[receiver]]\ndevice = "{device.device_id}"\nat = [{at[0]}, {at[1]}]\n'
                )
            draw(db, HERE, read_plan("".join(lines).encode()))
        self.receivers = receivers
        self.desk = Desk(self.clock)
        self.presence = Presence(engine, self.clock, self.desk, publish=lambda *_: None)
        self.crowd = Crowd(receivers, 3)

    def band(self, number: int) -> Band:
        """Hand a band out; its clock is that of the simulation."""
        band = self.desk.hand_out(number, follow=number in FOLLOWED)
        return Band(band.secret, band.clock_s + self.begun_s)

    def run(self, seconds: float) -> None:
        """Let time go by; what receivers report is looked at at once."""
        for report in self.crowd.reports(seconds):
            at_s = self.begun_s + report.at_s
            if at_s > self.clock.monotonic():
                self.presence.turn()
                self.clock.advance(at_s - self.clock.monotonic())
            for first in range(0, len(report.levels), SIGHTINGS_MAX):
                heard = tuple(
                    HeardFrame.model_construct(frame=one.frame, dbm=round(one.dbm, 1), packets=1)
                    for one in report.levels[first : first + SIGHTINGS_MAX]
                )
                self.tell(report, heard)
        self.presence.turn()

    def tell(self, report: Report, heard: tuple[HeardFrame, ...]) -> None:
        """Publish what a receiver has heard, as it does."""
        at = self.begun_at + timedelta(seconds=report.at_s)
        payload = encode(Sightings.model_construct(at=at, heard=heard))
        topic = self.devices[report.receiver].address.topic(Channel.SIGHTINGS)
        self.presence.put(Incoming(topic, payload, 0, 0, retain=False, generation=1))


@pytest.fixture
def hall(sqlite_url: str) -> Iterator[Hall]:
    """The hall, with everybody in it."""
    engine = make_engine(sqlite_url)
    made, rng = Hall(engine), Random(7)
    for number in range(1, BANDS + 1):
        band = made.band(number)
        near = (made.receivers[0].at[0] + 0.5, made.receivers[0].at[1])
        where = strolling(WIDTH_M, DEPTH_M, number)
        battery = Battery(rng.uniform(40.0, 100.0))
        if number in DYING:  # a few of them within the half minute
            battery = Battery(DEAD_PERCENT + (number - DYING.start) * 0.5, lasts_s=3_000.0)
        if number in (*COPIED, *REPLAYED, *LOST):
            where = still(near)
        if number in REPLAYED:  # what it says changes each few seconds
            battery = Battery(90.0, lasts_s=600.0)
        made.crowd.add(Sender(band, where, battery))
        far = still((made.receivers[2].at[0] - 0.5, made.receivers[2].at[1]))
        if number in COPIED:
            made.crowd.add(Sender(Band(band.secret, band.clock_s), far, battery))
        if number in REPLAYED:  # it has an old one sent again beside the true one
            made.crowd.add(Sender(band, still(near), battery, records=True))
        if number in LOST:
            made.desk.lose(number)
    yield made
    engine.dispose()


def test_what_is_odd_is_found_and_nobody_else_is_called_so(hall: Hall) -> None:
    """Copied and replayed bands are doubted, lost ones told of; dying ones say so before."""
    hall.run(SECONDS)
    doubted = {one.band for one in hall.desk.found if isinstance(one, Doubt)}
    assert doubted == {*COPIED, *REPLAYED}
    strays = [one for one in hall.desk.found if isinstance(one, LostHeard)]
    assert sorted(one.band for one in strays) == list(LOST), "each once in a minute"
    assert {one.ear[1] for one in strays} == {hall.receivers[0].name}
    figures = hall.presence.figures
    assert (figures.dropped, figures.refused, hall.presence.forged) == (0, 0, 0)
    assert figures.resolved > BANDS * SECONDS
    zones = [hall.presence.zone_of(HERE, number) for number in FOLLOWED]
    assert set(zones) == {"west", "east"}

    hall.clock.advance(KEPT_EVERY_S)
    hall.presence.turn()
    charge = {one.number: one.battery_percent for one in hall.desk.noted}
    low = {number for number, left in charge.items() if left is not None and
           left < BATTERY_LOW_PERCENT}  # fmt: skip
    assert low == {number for number in DYING if number in charge}
    assert len(low) > len(DYING) - 4, "one that is dead from the start says nothing"


def test_a_low_battery_sends_rarely_and_weakly_and_then_nothing() -> None:
    """What is left of a band's range before it dies."""
    battery = Battery(LOW_PERCENT + 1.0, lasts_s=100.0)  # a per cent a second
    assert (battery.every_s(0.0), battery.weaker_db(0.0)) == (0.2, 0.0)
    assert (battery.every_s(2.0), battery.weaker_db(2.0)) == (1.0, 6.0)
    assert battery.every_s(LOW_PERCENT) is None
    assert battery.left_percent(1_000.0) == 0
