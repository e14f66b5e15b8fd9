"""Joins bands, floors, taps and presence: the one place where all of them are known."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from gateway.bands import everybody, queries, service, setting_up
from gateway.bands.everybody import Lent
from gateway.bands.model import Heard, OutBand, State
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow
from gateway.binding import queries as bindings
from gateway.binding.model import EndReason
from gateway.binding.news import changed
from gateway.binding.tables import BindingRow
from gateway.binding.tapping import leave
from gateway.commands.service import ask_veil
from gateway.desks import queries as desks
from gateway.findings.service import Found
from gateway.findings.service import note as note_found
from gateway.findings.tables import FindingKind
from gateway.floor import queries as floors
from gateway.floor import there
from gateway.floor.tables import FloorReceiverRow
from gateway.notices import BandChanged, Notice, TurnsChanged
from gateway.plans import service as plans
from gateway.ports import Whose
from gateway.presence.doubting import Doubt, Ear
from gateway.presence.leaving import Veil, Watch
from gateway.presence.model import Shown, Worn
from gateway.presence.oddities import Odd
from gateway.wire.downlink import VeilData

WATCHED_MAX: Final = 10_000  # visits by a band that go on at one moment, of a chain
# By then she has gone or is heard again, and the device has been told that.
VEIL_LIFETIME: Final = timedelta(seconds=10)


class ShopBands:
    """The bands of the database, to whoever follows them and to whoever sees a tap.

    ``resolve``: whose band was shown by a frame, by what is followed in this process; ``learn``:
    makes that know bands that were handed out just now, and says whether it may have. Both are
    set once there is somebody who knows.
    """

    def __init__(self, clock: Clock, ids: Ids, sealing: Sealing) -> None:
        self._clock = clock
        self._ids = ids
        self._sealing = sealing
        self._reading = threading.Lock()  # of what was found last
        self._lent: dict[int, Lent] = {}
        self._worn: dict[int, Worn] = {}
        self._gone: dict[int, OutBand] = {}  # reported lost
        self.resolve: Callable[[bytes], Shown | None] = lambda _: None
        self.learn: Callable[[Session], bool] = lambda _: False

    # -- to whoever sees a tap

    def whose(self, db: Session, frame: bytes) -> Whose:
        """Return who has the band of this frame now."""
        shown = self.resolve(frame)
        if shown is None and self.learn(db):
            shown = self.resolve(frame)
        if shown is None:
            return Whose(None, pressed=False)
        return Whose(queries.holder_of(db, shown.number), pressed=shown.pressed)

    def stands_at(self, db: Session, receiver_id: str) -> str | None:
        """Return the device at which this receiver reads."""
        return floors.stands_at(db, receiver_id)

    def desk_of(self, db: Session, receiver_id: str) -> tuple[str, str] | None:
        """Return the desk at which this receiver reads."""
        return desks.desk_of(db, receiver_id)

    def gate_of(self, db: Session, receiver_id: str) -> str | None:
        """Return the location at whose door this receiver reads."""
        return floors.gate_of(db, receiver_id)

    def set_up(self, db: Session, *, location_id: str, command_id: str) -> int | None:
        """Take in the band that a desk's receiver has set up."""
        return setting_up.settle(
            db,
            self._clock,
            self._ids,
            self._sealing,
            location_id=location_id,
            command_id=command_id,
        )

    # -- to whoever follows bands

    def worn(self, db: Session) -> Sequence[Worn]:
        """Return the bands that somebody has; one that nobody has any more is not followed.

        A secret is opened once for each loan: this is asked every few seconds, and by whoever
        sees a tap, at the same time.
        """
        with self._reading:
            lent = self._lent = everybody.lent(db, self._lent)
            kept = self._worn
            fresh = {
                number
                for number, one in lent.items()
                if number not in kept or kept[number].loan_id != one.loan_id
            }
            opened = {
                one.number: Worn(
                    number=one.number,
                    loan_id=lent[one.number].loan_id,
                    key=one.key,
                    clock_s=one.clock_s,
                    off_s=one.off_s,
                    at=one.at,
                    follow=lent[one.number].follow,
                )
                for one in (queries.bands_out(db, self._sealing, fresh) if fresh else ())
            }
            for number, one in lent.items():
                before = kept.get(number)
                if before is None or before.loan_id != one.loan_id:
                    continue
                same = before.follow is one.follow
                opened[number] = before if same else replace(before, follow=one.follow)
            self._worn = opened
            return list(opened.values())

    def lost(self, db: Session) -> Sequence[OutBand]:
        """Return the bands that were reported lost. A secret is opened once."""
        numbers = queries.numbers_lost(db)
        fresh = [one for one in numbers if one not in self._gone]
        opened = {one.number: one for one in queries.bands_out(
            db, self._sealing, fresh, state=State.LOST)}  # fmt: skip
        known = self._gone | opened
        self._gone = {one: known[one] for one in numbers if one in known}
        return list(self._gone.values())

    def odd(self, db: Session, found: Sequence[Odd]) -> Iterable[Notice]:
        """Tell the operator; a band that is two is nobody's from now on, and opens nothing."""
        told: list[Notice] = []
        for one in found:
            if not isinstance(one, Doubt):
                said = f"band {one.band}, reported lost, at {one.dbm:.0f} dBm"
                self._find(db, [one.ear], FindingKind.LOST_BAND, said)
                continue
            holder = queries.holder_of(db, one.band)
            if not service.doubt(db, one.band):
                continue
            self._find(db, one.ears, FindingKind.COPIED_BAND, f"band {one.band}: {one.why}")
            told.append(BandChanged(one.band))
            if holder is not None:
                over = leave(db, self._clock, self._ids, loan_id=holder.loan_id)
                told += [changed(bound) for bound in over]
        return told

    def _find(self, db: Session, ears: Sequence[Ear], kind: FindingKind, said: str) -> None:
        note_found(db, self._clock, [Found(ear[1], kind, said) for ear in ears])

    def watches(self, db: Session) -> set[Watch]:
        """Return whose wearer has which device by a tap, and the receiver that stands there."""
        rows = db.exec(
            select(BandLoanRow.number, FloorReceiverRow.device_id, BindingRow.device_id)
            .join(BindingRow, col(BindingRow.band_loan_id) == BandLoanRow.id)
            .join(FloorReceiverRow, col(FloorReceiverRow.stands_at) == BindingRow.device_id)
            .where(col(BindingRow.ended_at).is_(None))
            .limit(WATCHED_MAX)
        )
        return {Watch(*row) for row in rows}

    def note(self, db: Session, heard: Sequence[Heard]) -> None:
        """Keep what was learned of bands."""
        service.note_heard(db, heard)

    def veiled(self, db: Session, veils: Sequence[Veil]) -> Iterable[Notice]:
        """Have what a band made hers hidden at her device, or shown again."""
        asked = []
        for one in veils:
            visit = db.exec(
                select(BindingRow.visit)
                .join(BandLoanRow, col(BandLoanRow.id) == BindingRow.band_loan_id)
                .where(
                    BindingRow.device_id == one.watch.device_id,
                    col(BindingRow.ended_at).is_(None),
                    BandLoanRow.number == one.watch.band,
                )
            ).first()
            if visit is None:  # it has ended, or somebody else's has begun
                continue
            until = self._clock.now() + VEIL_LIFETIME
            veil = VeilData(visit=visit, drawn=one.drawn, until=until)
            ask_veil(db, self._clock, self._ids, device_id=one.watch.device_id, veil=veil)
            asked.append((one.watch.device_id, visit))
        return [changed(bound) for bound in bindings.visits(db, asked).values()]

    def left(self, db: Session, gone: Sequence[Watch]) -> Iterable[Notice]:
        """End what a band opened at the device that its wearer has left."""
        over = []
        for one in gone:
            loan_id = db.exec(
                select(BindingRow.band_loan_id).where(
                    BindingRow.device_id == one.device_id, col(BindingRow.ended_at).is_(None)
                )
            ).first()
            if loan_id is not None:  # her session may have changed since: she signed in
                over += leave(
                    db,
                    self._clock,
                    self._ids,
                    loan_id=loan_id,
                    device_ids=[one.device_id],
                    reason=EndReason.LEFT,
                )
        return [changed(bound) for bound in over]

    def came(self, db: Session, location_ids: Sequence[str]) -> Iterable[Notice]:
        """Let whoever is where she was called to have come, and whoever planned her visit."""
        changed = sorted(there.arrive(db, self._clock, location_ids))
        return [*map(TurnsChanged, changed), *plans.seen(db, self._clock, location_ids)]
