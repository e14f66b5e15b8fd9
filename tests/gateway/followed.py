"""A floor that is followed: its receivers, bands that somebody wears, and where they are kept."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, select

from cart.db import reading, unit_of_work
from cart.kernel.ids import SeededIds
from firmware_sim.bands.air import REFERENCE_DBM
from firmware_sim.bands.firmware import Band
from gateway.bands.model import Heard, OutBand
from gateway.floor import queries as floors
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.floor.tables import BandPresenceRow, ZoneTrafficRow
from gateway.mqtt import Incoming
from gateway.notices import Notice
from gateway.presence.leaving import Veil, Watch
from gateway.presence.model import Worn
from gateway.presence.oddities import Odd
from gateway.presence.service import Presence
from gateway.registry import service as registry
from gateway.registry.model import Enrolled
from gateway.wire.band import BandKey, BandState
from gateway.wire.codec import encode
from gateway.wire.events import HeardFrame
from gateway.wire.sightings import Sightings
from gateway.wire.topics import Channel
from tests.fakes.clock import FakeClock

HERE = "mill-lane"
LAMPS, SOFAS = (1.5, 3.0), (16.5, 3.0)  # in the middle of each zone
TURN_S = 0.5


class Desk:
    """Stands for the registry of bands: says who wears which, and keeps what it is told."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.bands: dict[int, Worn] = {}
        self.worn_by: dict[int, Band] = {}
        self.watched: set[Watch] = set()
        self.noted: list[Heard] = []
        self.gone: list[Watch] = []
        self.veils: list[Veil] = []

    def hand_out(self, number: int, *, follow: bool = True, off_s: float = 1.0) -> Band:
        """Give somebody a band."""
        secret = number.to_bytes(16, "big")
        clock_s = 1_000.0 * number
        band = Band(secret, clock_s - self._clock.monotonic(), state=BandState(80))
        self.bands[number] = Worn(
            number, f"loan-{number}", BandKey(secret), clock_s, off_s,
            self._clock.now(), follow,
        )  # fmt: skip
        self.worn_by[number] = band
        return band

    def worn(self, _db: Session) -> Sequence[Worn]:
        """Return the bands that are out."""
        return list(self.bands.values())

    def watches(self, _db: Session) -> set[Watch]:
        """Return who has a device."""
        return set(self.watched)

    def lost(self, _db: Session) -> Sequence[OutBand]:
        """Return nothing: no band was lost."""
        return ()

    def odd(self, _db: Session, _found: Sequence[Odd]) -> Iterable[Notice]:
        """Return nothing: what is odd is of no matter here."""
        return ()

    def note(self, _db: Session, heard: Sequence[Heard]) -> None:
        """Keep it."""
        self.noted += heard

    def veiled(self, _db: Session, veils: Sequence[Veil]) -> Iterable[Notice]:
        """Keep it."""
        self.veils += veils
        return []

    def left(self, _db: Session, gone: Sequence[Watch]) -> Iterable[Notice]:
        """Keep who has left."""
        self.gone += gone
        self.watched -= set(gone)
        return []

    def came(self, _db: Session, _location_ids: Sequence[str]) -> Iterable[Notice]:
        """Call nobody."""
        return []


class Shop:
    """A floor with four receivers in two zones, and bands on it."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        self.engine, self.clock = engine, clock
        with unit_of_work(engine) as db:
            self.receivers: list[tuple[Enrolled, tuple[float, float]]] = []
            for at in ((1.0, 1.0), (5.0, 5.0), (13.0, 1.0), (17.0, 5.0)):
                token = registry.enrol(
                    db, clock, ids, kind="receiver", location_id=HERE, name=f"at {at}"
                )
                self.receivers.append((registry.redeem(db, clock, ids, token=token), at))
            draw(db, HERE, read_plan(self.plan().encode()))
        self.desk = Desk(clock)
        self.told: list[Notice] = []
        self.presence = self.process()

    def process(self) -> Presence:
        """Return a process that knows nothing yet."""
        return Presence(
            self.engine, self.clock, self.desk, publish=lambda *those: self.told.extend(those)
        )

    def plan(self) -> str:
        """Return the floor as an operator writes it."""
        hung = "".join(
            f'[[receiver]]\ndevice = "{device.device_id}"\nat = [{at[0]}, {at[1]}]\n'
            for device, at in self.receivers
        )
        return (
            '[[zone]]\nid = "lamps"\nareas = [[0, 0, 6, 6]]\n'
            '[[zone]]\nid = "sofas"\nareas = [[12, 0, 18, 6]]\n' + hung
        )

    def hear(self, at: dict[int, tuple[float, float]], *, seconds: float) -> None:
        """Let bands be where they are for so long, each receiver reporting each half second."""
        for _ in range(round(seconds / TURN_S)):
            for device, hung in self.receivers:
                frames = [
                    self.heard(self.desk.worn_by[number], math.dist(hung, place))
                    for number, place in at.items()
                ]
                self.presence.put(self.message(device, frames))
            self.presence.turn()
            self.clock.advance(TURN_S)

    def heard(self, band: Band, metres: float) -> HeardFrame:
        """Return a band as a receiver hears it at a distance, in quiet air."""
        frame = band.advert(self.clock.monotonic()).payload[-17:]
        dbm = REFERENCE_DBM - 22.0 * math.log10(max(metres, 0.1))
        return HeardFrame.model_construct(frame=frame, dbm=max(dbm, -120.0), packets=3)

    def message(self, device: Enrolled, frames: Sequence[HeardFrame]) -> Incoming:
        """Return what a receiver publishes."""
        payload = (
            encode(Sightings.model_construct(at=self.clock.now(), heard=tuple(frames)))
            if frames
            else b"{}"
        )
        topic = device.address.topic(Channel.SIGHTINGS)
        return Incoming(topic, payload, 0, 0, retain=False, generation=1)

    def whose(self, frame: bytes) -> int | None:
        """Return whose band a frame is of."""
        shown = self.presence.shown(frame)
        return shown.number if shown else None

    def here(self) -> dict[int, str]:
        """Return where bands are, by what is kept."""
        with reading(self.engine) as db:
            return floors.present(db, HERE)

    def entered(self) -> dict[str, int]:
        """Return how many came into each zone."""
        with reading(self.engine) as db:
            return {one.zone_id: one.entered for one in db.exec(select(ZoneTrafficRow))}

    def row(self, number: int) -> tuple[datetime, datetime]:
        """Return since when a band is here, and in its zone."""
        with reading(self.engine) as db:
            found = db.exec(select(BandPresenceRow).where(BandPresenceRow.number == number)).one()
            return found.arrived_at, found.since
