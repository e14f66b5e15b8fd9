"""Follows bands: sightings in, zones out, in one thread.

What it knows is in memory, and lost with it: half a second later the next sightings come.
Nobody waits for it, and it waits for nobody: sightings that it cannot keep up with are dropped,
the oldest first, and counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from gateway.bands.model import Heard
from gateway.floor import queries as floors
from gateway.floor import service as floor
from gateway.floor.service import FORGOTTEN_AT_ONCE, Settled
from gateway.mqtt import Incoming
from gateway.notices import FloorChanged
from gateway.presence.changes import Change
from gateway.presence.doubting import TOLD_WITHIN_S, Ear
from gateway.presence.knowing import Knowing
from gateway.presence.leaving import Leaving, Veil, Watch
from gateway.presence.model import Shown, Worn
from gateway.presence.oddities import Odd, Oddities
from gateway.presence.plan import Plan
from gateway.presence.ports import Bands
from gateway.presence.settling import Settling
from gateway.registry.queries import receivers
from gateway.wire import topics
from gateway.wire.codec import decode
from gateway.wire.events import HeardFrame
from gateway.wire.sightings import Sightings
from gateway.wire.topics import partition_of

logger = logging.getLogger(__name__)
# Messages that wait: half a minute of a shop with thirty receivers. Older ones say nothing.
WAITING_MAX: Final = 2_000
TURN_S: Final = 0.25  # what came is looked at this often at the latest
TICK_S: Final = 1.0
# Who is out, where receivers hang and who has a tablet is read again this often; a notice of a
# change brings it forward. A lost band is nobody's within this, whatever happens to the notice.
RELOADED_EVERY_S: Final = 3.0
# Who is to reach a band heard it within this: it turns its back for a second or two.
HEARD_WITHIN_S: Final = 5.0
# What bands say of their clocks and batteries is kept this often: a process that dies forgets it.
KEPT_EVERY_S: Final = 60.0
UNKEPT_MAX: Final = 10_000  # changes that wait for a database that is away; then the oldest go
STOP_WAIT_S: Final = 5.0


@dataclass(slots=True)
class Figures:
    """What was done since the start."""

    messages: int = 0
    sightings: int = 0
    resolved: int = 0
    dropped: int = 0  # messages that came faster than they were looked at
    refused: int = 0  # messages that are none, or of no receiver


class Presence:
    """Where bands are; :meth:`put` and :meth:`shown` from any thread."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        bands: Bands,
        *,
        publish: Callable[..., None],
        holds: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``publish``: tells other processes of notices; it must not wait.

        ``holds``: whether the devices of a partition are ours to hear.
        """
        self._engine = engine
        self._clock = clock
        self._bands = bands
        self._publish = publish
        self._holds = holds
        self.figures = Figures()
        self._waiting: deque[Incoming] = deque()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._asked = threading.Event()  # to read anew
        self._knowing = Knowing(clock)
        self._worn: dict[int, Worn] = {}
        self._over: list[str] = []  # loans of those who are followed no more, to be forgotten
        self._receivers: frozenset[topics.DeviceAddress] = frozenset()
        self._plans: dict[str, Plan] = {}
        self._settling: dict[str, Settling] = {}
        self._leaving = Leaving()
        self._oddities = Oddities()
        self._heard: dict[int, tuple[int | None, int]] = {}  # battery, presses; since last kept
        self._unkept: deque[Settled] = deque(maxlen=UNKEPT_MAX)
        self._reload_s = self._tick_s = self._keep_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    @property
    def known(self) -> int:
        """How many bands' frames can be told apart from strangers'."""
        return len(self._knowing)

    @property
    def forged(self) -> int:
        """Frames with an identifier of ours and a state that is not."""
        return self._knowing.forged

    def start(self) -> None:
        """Read who is out, and begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was learned of clocks is kept."""
        self._stopping.set()
        self._arrived.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def put(self, message: Incoming) -> None:
        """Take in sightings. Never waits."""
        if len(self._waiting) >= WAITING_MAX:
            try:
                self._waiting.popleft()
            except IndexError:  # it was taken just now
                return
            self.figures.dropped += 1
        self._waiting.append(message)
        self._arrived.set()

    def reload(self) -> None:
        """Read again who is out, soon: a band was handed out, handed back or lost."""
        self._asked.set()
        self._arrived.set()

    def shown(self, frame: bytes) -> Shown | None:
        """Return whose band was shown to a reader by this frame, None if it is nobody's."""
        return self._knowing.shown(frame)

    def learn(self, db: Session) -> bool:
        """Know bands that were handed out since the last look; say whether it looked."""
        return self._knowing.learn(self._bands.worn, db)

    def zone_of(self, location_id: str, number: int) -> str:
        """Return the zone in which a band is at a location, "" if in none."""
        settling = self._settling.get(location_id)
        return settling.zone_of(number) if settling else ""

    def heard_by(self, location_id: str, number: int) -> list[str]:
        """Return the receivers that heard a band a moment ago, the strongest first.

        Of one that is followed, on a floor that is drawn; of others nothing is known.
        """
        settling = self._settling.get(location_id)
        now_s = self._clock.monotonic()
        return settling.heard_by(number, now_s, HEARD_WITHIN_S) if settling else []

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._arrived.wait(TURN_S)
            self._arrived.clear()
            try:
                self.turn()
            except (SQLAlchemyError, CarryoverError) as error:
                logger.warning("bands are followed again in a moment: %s", error)
                self._stopping.wait(TICK_S)
            except Exception:  # a mistake of ours in one turn must not end the following for good
                logger.exception("following bands")
                self._stopping.wait(TICK_S)
        try:
            self._keep_heard()
        except SQLAlchemyError as error:
            logger.warning("what was learned of bands is not kept: %s", error)

    def turn(self) -> None:
        """Do what is due: read who is out, look at what came, keep what that changed.

        Raises:
            SQLAlchemyError: the database is away; what is to be kept waits for the next turn.
        """
        now_s = self._clock.monotonic()
        if self._asked.is_set() or now_s - self._reload_s >= RELOADED_EVERY_S:
            self._asked.clear()
            self._reload_s = float("-inf")  # before anything else, should it fail now
            self._read_anew(now_s)
            self._reload_s = now_s
        while self._waiting:
            self._take(self._waiting.popleft(), now_s)
        if now_s - self._tick_s >= TICK_S:
            self._tick_s = now_s
            self._knowing.advance(now_s)
            for location_id, settling in self._settling.items():
                self._note(location_id, settling.tick(now_s))
            self._see_off(self._leaving.gone(now_s))
        self._veil(self._leaving.veils(now_s))
        self._tell_odd(self._oddities.take())
        self._keep()
        if now_s - self._keep_s >= KEPT_EVERY_S:
            self._keep_s = now_s
            self._keep_heard()

    # -- what is known

    def _read_anew(self, now_s: float) -> None:
        with reading(self._engine) as db:
            worn = {one.number: one for one in self._bands.worn(db)}
            plans = floors.plans(db)
            heard_by = frozenset(receivers(db))
            watches = self._bands.watches(db)
            lost = self._bands.lost(db)
        self._receivers = heard_by
        self._leaving.watch(watches, now_s)
        plans = {one: plan for one, plan in plans.items() if self._holds(partition_of(one))}
        strange = sorted(set(plans) ^ set(self._plans))
        for location_id, plan in plans.items():
            before = self._settling.get(location_id)
            if before is None:
                self._settling[location_id] = Settling(plan)
            elif plan != self._plans.get(location_id):
                self._settling[location_id] = before.redrawn(plan)
        for location_id in set(self._settling) - set(plans):
            del self._settling[location_id]
        if strange:  # who was there when a process before us died, or had the partition, is not now
            with unit_of_work(self._engine) as db:
                floor.forget_at(db, strange)
        self._plans = plans
        self._oddities.learn(plans, lost, self._clock.now(), now_s)
        self._wear(worn, now_s)

    def _wear(self, worn: dict[int, Worn], now_s: float) -> None:
        over = {
            number: before.loan_id
            for number, before in self._worn.items()
            if before.follow and not _goes_on(before, worn.get(number))
        }
        for number in self._knowing.forget_all_but(worn):
            self._oddities.forget(number)
            self._heard.pop(number, None)
        self._knowing.know(worn.values(), now_s)
        self._worn = worn
        if over:
            for settling in self._settling.values():
                for number in over:
                    settling.forget(number)
            loans = set(over.values())
            kept = [one for one in self._unkept if one.loan_id not in loans]
            self._unkept = deque(kept, maxlen=UNKEPT_MAX)
            self._over += sorted(loans)
        self._forget()

    def _forget(self) -> None:
        """Forget where those were who are followed no more; what fails is done by the next turn."""
        while self._over:
            some = self._over[:FORGOTTEN_AT_ONCE]
            with unit_of_work(self._engine) as db:
                places = floor.forget_loans(db, some)
            del self._over[: len(some)]
            self._publish(*(FloorChanged(one) for one in sorted(places)))

    # -- what comes

    def _take(self, message: Incoming, now_s: float) -> None:
        self.figures.messages += 1
        try:
            address, _ = topics.parse(message.topic)
            said = decode(Sightings, message.payload)
        except CarryoverError as error:
            self.figures.refused += 1
            logger.debug("no sightings on %s: %s", message.topic, error.message)
            return
        if address not in self._receivers:
            self.figures.refused += 1
            return
        settling = self._settling.get(address.location_id)
        changes: list[Change] = []
        ear, late_s = (address.location_id, address.device_id), self._late_s(said)
        those = self._knowing.heard((one.frame for one in said.heard), now_s)
        for heard, found in zip(said.heard, those, strict=True):
            if late_s <= TOLD_WITHIN_S:
                self._look_at(found.band if found else None, heard, ear, now_s - late_s)
            if found is None:
                continue
            self.figures.resolved += 1
            if found.fresh:
                self._heard[found.band] = (found.state.battery_percent, found.state.presses)
            self._leaving.hear(found.band, address.device_id, heard.dbm, now_s)
            worn = self._worn.get(found.band)
            if settling is not None and worn is not None and worn.follow:
                change = settling.hear(found.band, address.device_id, heard.dbm, now_s)
                changes += [change] if change else []
        self.figures.sightings += len(said.heard)
        self._note(address.location_id, changes)

    def _late_s(self, said: Sightings) -> float:
        return max((self._clock.now() - said.at).total_seconds(), 0.0)

    def _look_at(self, band: int | None, heard: HeardFrame, ear: Ear, at_s: float) -> None:
        if band is None:
            self._oddities.strange(heard.frame, ear, heard.dbm, at_s)
        else:
            self._oddities.ours(band, heard.frame, ear, heard.dbm, at_s)

    def _tell_odd(self, found: Sequence[Odd]) -> None:
        if not found:
            return
        try:
            with unit_of_work(self._engine) as db:
                notices = list(self._bands.odd(db, found))
        except SQLAlchemyError:
            self._oddities.untold(found)
            raise
        self._publish(*notices)
        self._asked.set()

    def _note(self, location_id: str, changes: Iterable[Change]) -> None:
        for change in changes:
            worn = self._worn.get(change.band)
            if worn is not None:
                self._unkept.append(Settled(change, location_id, worn.loan_id))

    def _see_off(self, gone: Sequence[Watch]) -> None:
        if gone:
            with unit_of_work(self._engine) as db:
                notices = list(self._bands.left(db, gone))
            self._publish(*notices)

    def _veil(self, veils: Sequence[Veil]) -> None:
        if not veils:
            return
        try:
            with unit_of_work(self._engine) as db:
                notices = list(self._bands.veiled(db, veils))
        except SQLAlchemyError:
            self._leaving.untold(veils)  # the next turn says it, if it still holds
            raise
        self._publish(*notices)

    # -- what is kept

    def _keep(self) -> None:
        if not self._unkept:
            return
        settled = list(self._unkept)
        places = sorted({one.location_id for one in settled})
        with unit_of_work(self._engine) as db:
            floor.keep(db, self._clock, settled)
            came = list(self._bands.came(db, places))
        for _ in settled:
            self._unkept.popleft()
        self._publish(*(FloorChanged(place) for place in places), *came)

    def _keep_heard(self) -> None:
        if not self._heard:
            return
        now, now_s = self._clock.now(), self._clock.monotonic()
        rows = []
        for number, (battery, presses) in self._heard.items():
            low_s, high_s = self._knowing.clock_of(number, now_s)
            rows.append(Heard(number, now, low_s, high_s, battery, presses))
        with unit_of_work(self._engine) as db:
            self._bands.note(db, rows)
        self._heard.clear()


def _goes_on(before: Worn, after: Worn | None) -> bool:
    """Say whether a band is followed as it was, for the same wearer."""
    return after is not None and after.follow and after.loan_id == before.loan_id
