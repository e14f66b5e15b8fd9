"""Promises of pieces: reserved, allocated, handed over, or given back to everybody.

Satisfies ``cart.ports.StockKeeper``. Each verb is one guarded UPDATE for all SKUs
whose row count is the answer, with the ledger's entries beside it; a refusal undoes
all of it, also inside a unit of work that goes on. When a promise ends is the
caller's to say: nothing here looks at ``reserved_until``.

A promise knows its location. So pieces leave, and come free, where they were
promised, and nowhere else.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlmodel import Session

from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import InsufficientStock, InvalidInput, NotFound, ReferenceReused
from cart.ports import Shortfall
from inventory_api.stock import promised, queries
from inventory_api.stock.model import ON_HAND_MAX, Reason
from inventory_api.stock.promised import Held, Step
from inventory_api.stock.service import move, require_names
from inventory_api.stock.tables import REFERENCE_LENGTH_MAX

SKUS_MAX: Final = 200  # as many as a cart has lines


class Promises:
    """Keeps what is promised at every location. Has no state: the rows are the state."""

    def available(self, db: Session, *, location_id: str, skus: Collection[str]) -> dict[str, int]:
        """Return available-to-promise pieces of the SKUs that the location has ever had."""
        found = queries.positions(db, [(location_id, sku) for sku in skus])
        return {position.sku: position.available for position in found.values()}

    def reserve(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        location_id: str,
        pieces: Mapping[str, int],
        until: datetime,
    ) -> list[Shortfall]:
        """Reserve all pieces until a time, or none and say of which too few are left.

        The same reference again changes nothing, whatever became of its pieces.

        Raises:
            InvalidInput: no pieces, a number below 1, too many SKUs, a name too long.
            ReferenceReused: the reference promised other pieces, or at another location.
        """
        _require_pieces(reference, pieces)
        now_us = _begin(db, clock)
        steps = [
            Step(location_id, sku, reserved=quantity, anew=quantity)
            for sku, quantity in sorted(pieces.items())
        ]
        if _reserved(db, reference, steps, until, now_us):
            return []
        known = promised.held(db, reference)
        if known:
            before = {(one.location_id, sku): one.promised for sku, one in known.items()}
            if before != {(location_id, sku): quantity for sku, quantity in pieces.items()}:
                msg = f"{reference} promised other pieces before"
                raise ReferenceReused(msg, reference=reference)
            return []
        short = self._shortfalls(db, location_id, pieces)
        if short:
            return short
        # Pieces came free since: once more, and nobody moves any between question and answer.
        queries.positions(db, [(location_id, sku) for sku in pieces], lock=True)
        if _reserved(db, reference, steps, until, now_us):
            return []
        return self._shortfalls(db, location_id, pieces)

    def allocate(self, db: Session, clock: Clock, *, reference: str) -> list[Shortfall]:
        """Turn what is reserved into an allocation, once.

        Pieces that were released meanwhile (money came late) are promised anew if
        they are still there; with a shortfall nothing changes.

        Raises:
            NotFound: nothing was ever promised under this reference.
        """
        now_us = _begin(db, clock)
        known = promised.held(db, reference, locked=True)
        if not known:
            msg = f"nothing was ever promised under {reference}"
            raise NotFound(msg, reference=reference)
        if _booked(db, Reason.ALLOCATED, reference, None):
            return []
        steps = [_allocating(one) for one in known.values() if one.reserved or one.released]
        if _turned(db, Reason.ALLOCATED, reference, reference, (steps, now_us)):
            return []
        wanted = {step.sku: step.anew for step in steps if step.anew}
        return self._shortfalls(db, steps[0].location_id, wanted)

    def release(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        fact: str,
        pieces: Mapping[str, int] | None = None,
    ) -> None:
        """Give promised pieces back to everybody: all, or ``pieces``; each fact counts once.

        Raises:
            InsufficientStock: fewer pieces are promised under the reference.
            InvalidInput: a number below 1, or names too long.
            ReferenceReused: the fact gave other pieces back before.
        """
        names = (reference, fact)
        self._end(db, clock, Reason.RELEASED, names=names, pieces=pieces, step_of=_releasing)

    def hand_over(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        fact: str,
        pieces: Mapping[str, int],
    ) -> None:
        """Let allocated pieces leave the location with a shopper; each fact counts once.

        Raises:
            InsufficientStock: fewer pieces are allocated, or on hand: a till sold them.
            InvalidInput: a number below 1, or names too long.
            ReferenceReused: the fact handed other pieces over before.
        """
        names = (reference, fact)
        self._end(db, clock, Reason.SOLD, names=names, pieces=pieces, step_of=_handing_over)

    def take_back(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
        sellable: bool,
    ) -> None:
        """Take pieces that came back on hand; those that cannot be sold are written off at once.

        Raises:
            InvalidInput: a number below 1, or more than a location can hold.
            ReferenceReused: other pieces came back under this fact.
            UnknownLocation, UnknownSku: the catalogue has no such name.
        """
        _require_pieces(fact, pieces)
        for sku in pieces:
            require_names(db, location_id, sku)
        now_us = _begin(db, clock)
        with _all_or_nothing(db) as undo:
            ordered = dict(sorted(pieces.items()))
            # Pieces written off at once are never for sale, not even for a moment.
            on_hand = {sku: number if sellable else 0 for sku, number in ordered.items()}
            room = promised.put_back(db, location_id, on_hand, now_us)
            known = _booked(db, Reason.RETURNED, fact, pieces, location_id)
            if known or len(room) < len(pieces):
                undo()
            else:
                steps = [Step(location_id, sku, on_hand=number) for sku, number in ordered.items()]
                promised.enter(db, Reason.RETURNED, fact, steps, now_us)
                if not sellable:
                    gone = [Step(one.location_id, one.sku, on_hand=-one.on_hand) for one in steps]
                    promised.enter(db, Reason.DAMAGED, fact, gone, now_us)
                return
        if not known:
            msg = f"a location holds at most {ON_HAND_MAX} pieces of one SKU"
            raise InvalidInput(msg, location_id=location_id)

    def write_off(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
        damaged: bool,
    ) -> None:
        """Take pieces that are not there, or spoilt, off what is on hand; never below 0.

        What is promised stays promised: whoever promised it decides what becomes of that.

        Raises:
            InvalidInput: a number below 1, or a name too long.
            ReferenceReused: the fact wrote other pieces off before.
        """
        _require_pieces(fact, pieces)
        reason = Reason.DAMAGED if damaged else Reason.COUNTED
        _begin(db, clock)
        known = queries.positions(db, [(location_id, sku) for sku in pieces], lock=True)
        there = {position.sku: position.on_hand for position in known.values()}
        for sku, number in sorted(pieces.items()):
            if gone := min(number, there.get(sku, 0)):
                move(
                    db,
                    clock,
                    location_id=location_id,
                    sku=sku,
                    delta=-gone,
                    reason=reason,
                    reference=fact,
                )

    def note_picked(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
    ) -> None:
        """Put the walk from shelf to desk into the ledger; no number changes.

        Raises:
            InvalidInput: a number below 1, or a name too long.
        """
        _require_pieces(fact, pieces)
        steps = [Step(location_id, sku) for sku in sorted(pieces)]
        promised.enter(db, Reason.PICKED, fact, steps, _begin(db, clock))

    def _end(
        self,
        db: Session,
        clock: Clock,
        reason: Reason,
        *,
        names: tuple[str, str],
        pieces: Mapping[str, int] | None,
        step_of: Callable[[Held, int], Step],
    ) -> None:
        reference, fact = names
        entry = entry_of(reference, fact)
        if pieces is not None:
            _require_pieces(entry, pieces)
        now_us = _begin(db, clock)
        known = promised.held(db, reference, locked=True)
        if _booked(db, reason, entry, pieces):
            return
        wanted = _open(known) if pieces is None else pieces
        if wanted.keys() <= known.keys():
            steps = [step_of(known[sku], number) for sku, number in wanted.items()]
            if _turned(db, reason, reference, entry, (steps, now_us)):
                return
        msg = f"{reference} has fewer pieces promised or on hand than were to go"
        raise InsufficientStock(msg, reference=reference)

    def _shortfalls(
        self, db: Session, location_id: str, wanted: Mapping[str, int]
    ) -> list[Shortfall]:
        there = self.available(db, location_id=location_id, skus=wanted)
        return [
            Shortfall(sku, number, there.get(sku, 0))
            for sku, number in sorted(wanted.items())
            if there.get(sku, 0) < number
        ]


def entry_of(reference: str, fact: str) -> str:
    """Return the ledger's reference of a fact about a promise: a fact counts once for each."""
    return f"{reference}/{fact}"


def _allocating(one: Held) -> Step:
    return Step(
        one.location_id,
        one.sku,
        reserved=-one.reserved,
        allocated=one.reserved + one.released,
        released=-one.released,
        anew=one.released,
    )


def _releasing(one: Held, number: int) -> Step:
    soft = min(number, one.reserved)
    return Step(one.location_id, one.sku, reserved=-soft, allocated=soft - number, released=number)


def _handing_over(one: Held, number: int) -> Step:
    return Step(one.location_id, one.sku, on_hand=-number, allocated=-number, taken=number)


def _open(known: Mapping[str, Held]) -> dict[str, int]:
    promised_now = {sku: one.reserved + one.allocated for sku, one in known.items()}
    return {sku: number for sku, number in promised_now.items() if number}


def _reserved(db: Session, reference: str, steps: list[Step], until: datetime, now_us: int) -> bool:
    """Reserve; False where too few are left, or the reference has promised before."""
    with _all_or_nothing(db) as undo:
        promised.lock(db, steps[0].location_id, [step.sku for step in steps])
        done = (
            len(promised.move(db, steps, now_us)) == len(steps)
            and len(promised.keep(db, reference, steps, until, now_us)) == len(steps)
        )  # fmt: skip
        if done:
            promised.enter(db, Reason.RESERVED, reference, steps, now_us)
        else:
            undo()
    return done


def _turned(
    db: Session, reason: Reason, reference: str, entry: str, change: tuple[list[Step], int]
) -> bool:
    """Change stock, reservation and ledger; False where a number did not allow it."""
    steps, now_us = change
    with _all_or_nothing(db) as undo:
        done = (
            len(promised.move(db, steps, now_us)) == len(steps)
            and len(promised.turn(db, reference, steps)) == len(steps)
        )  # fmt: skip
        if done:
            promised.enter(db, reason, entry, steps, now_us)
        else:
            undo()
    return done


def _require_pieces(reference: str, pieces: Mapping[str, int]) -> None:
    if not 0 < len(reference) <= REFERENCE_LENGTH_MAX:
        msg = f"a reference has between 1 and {REFERENCE_LENGTH_MAX} characters"
        raise InvalidInput(msg)
    if not 0 < len(pieces) <= SKUS_MAX:
        msg = f"a promise has between 1 and {SKUS_MAX} SKUs"
        raise InvalidInput(msg)
    if not all(0 < number <= ON_HAND_MAX for number in pieces.values()):
        msg = f"a promise has between 1 and {ON_HAND_MAX} pieces of a SKU"
        raise InvalidInput(msg)


def _booked(
    db: Session,
    reason: Reason,
    entry: str,
    pieces: Mapping[str, int] | None,
    location_id: str | None = None,
) -> bool:
    """Say whether the ledger has this fact. Its rows of stock are locked: nobody is half-way."""
    before = {
        sku: number
        for (place, sku), number in promised.booked(db, reason, entry).items()
        if (pieces is None or sku in pieces) and location_id in {None, place}
    }
    if before and pieces is not None and before != pieces:
        msg = f"{entry} was booked before, with other pieces"
        raise ReferenceReused(msg, reference=entry)
    return bool(before)


def _begin(db: Session, clock: Clock) -> int:
    db.connection()  # on SQLite the wait for other writers is here, before the time is taken
    return to_us(clock.now())


@contextmanager
def _all_or_nothing(db: Session) -> Iterator[Callable[[], None]]:
    """Yield a function that undoes what was done in the block; an error undoes it, too."""
    saved = db.begin_nested()
    try:
        yield saved.rollback
        if saved.is_active:
            saved.commit()
    finally:
        if saved.is_active:
            saved.rollback()
