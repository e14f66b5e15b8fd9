"""Commands on wristbands: make, hand out, take back, report lost, retire; note what was heard.

Each moves a band by one guarded UPDATE, whose row count is the answer: of two desks that
hand out the same band at once one does. Whoever changes who has a band, or whether she may
be followed, publishes :class:`gateway.notices.BandChanged` after the commit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlmodel import Session, col, update

from cart.carts.tables import ShopperSessionRow
from cart.db import is_sqlite
from cart.db.guarded import insert_new, write
from cart.db.rows import INTEGER, run
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    BandHeld,
    BandNotHere,
    InvalidInput,
    NoSession,
    Unavailable,
    UnknownBand,
)
from cart.kernel.ids import Ids
from gateway.bands import queries
from gateway.bands.model import (
    FIRMWARE_LENGTH_MAX,
    MADE_OFF_S,
    EndReason,
    Heard,
    Moved,
    State,
    checked_greeting,
    checked_locale,
)
from gateway.bands.sealing import Sealing
from gateway.bands.tables import LIVE, BandLoanRow, BandRow
from gateway.wire.band import SECRET_BYTES
from gateway.wire.topics import NAME

# Makers at work at the same moment take each other's next number; so many in a row do not.
NUMBERS_TRIED_MAX: Final = 100
DOUBLE: Final = "double precision"


def make(
    db: Session,
    clock: Clock,
    ids: Ids,
    sealing: Sealing,
    *,
    location_id: str,
    secret: bytes,
    clock_s: float,
    off_s: float = MADE_OFF_S,
    firmware: str = "",
) -> int:
    """Take in a fresh band, which lies in this location's drawer; return its number.

    ``clock_s``: where its own clock stands now, give or take ``off_s``. Whether the location
    exists is the caller's to ask (:mod:`gateway.registry.locations`).

    Raises:
        InvalidInput: a location, a secret or a name of firmware that cannot be one.
    """
    if not NAME.fullmatch(location_id):
        msg = f"{location_id!r} cannot be a location: use a-z, 0-9, _ and -, 64 at most"
        raise InvalidInput(msg, field="location_id")
    if len(secret) != SECRET_BYTES:
        msg = f"a band's secret has {SECRET_BYTES} bytes, not {len(secret)}"
        raise InvalidInput(msg, field="secret")
    if len(firmware) > FIRMWARE_LENGTH_MAX or not (firmware.isprintable() or not firmware):
        msg = f"a version of firmware has up to {FIRMWARE_LENGTH_MAX} printable characters"
        raise InvalidInput(msg, field="firmware")
    now = clock.now()
    first = queries.highest_number(db) + 1
    for number in range(first, first + NUMBERS_TRIED_MAX):
        values = {
            "number": number,
            "state": State.DRAWER.value,
            "secret_sealed": sealing.sealed(ids, number, secret),
            "location_id": location_id,
            "clock_low_s": clock_s - off_s,
            "clock_high_s": clock_s + off_s,
            "clock_at": now,
            "presses": 0,
            "firmware": firmware,
            "made_at": now,
        }
        if insert_new(db, BandRow, values, keys=["number"]):
            return number
    msg = f"{NUMBERS_TRIED_MAX} numbers in a row were taken meanwhile"
    raise Unavailable(msg)


def hand_out(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    number: int,
    session_id: str,
    greeting: str = "",
    locale: str,
    follow: bool,
    staff_id: str | None,
) -> str:
    """Give a band from the drawer to a shopper session; return the loan's id.

    ``follow``: she allowed at the desk that it is noted where she is; consent of a customer
    is written down by the caller.

    Raises:
        UnknownBand: no band has this number.
        BandNotHere: it is out, lost or retired.
        BandHeld: this shopper has a band; she hands that one back first, or reports it lost.
        NoSession: there is no such shopper session, or it has ended.
        InvalidInput: a greeting or a language that cannot be one.
    """
    greeting, locale = checked_greeting(greeting), checked_locale(locale)
    session = db.get(ShopperSessionRow, session_id, populate_existing=True)
    if session is None or session.ended_at is not None:
        msg = "there is no such shopper session, or it has ended"
        raise NoSession(msg)
    taken = write(
        db,
        update(BandRow)
        .where(col(BandRow.number) == number, col(BandRow.state) == State.DRAWER.value)
        .values(state=State.OUT.value),
    )
    if not taken:
        raise _not_here(db, number)
    loan_id = ids.new("loan")
    loan = {
        "id": loan_id,
        "number": number,
        "session_id": session_id,
        "greeting": greeting,
        "locale": locale,
        "follow": follow,
        "handed_out_at": clock.now(),
        "handed_out_by": staff_id,
        "end_reason": "",
    }
    if not insert_new(db, BandLoanRow, loan, keys=["session_id"], where=LIVE):
        msg = "this shopper has a band already: she hands it back first, or reports it lost"
        raise BandHeld(msg)
    return loan_id


def hand_back(db: Session, clock: Clock, number: int, *, location_id: str | None = None) -> None:
    """Put a band back into the drawer: the loan ends, and what it called her is forgotten.

    Also one that was doubted, or lost and found again. ``location_id``: of the desk, whose
    drawer it is.

    Raises:
        UnknownBand: no band has this number.
        BandNotHere: it lies in a drawer already, or was retired.
    """
    values = {"state": State.DRAWER.value}
    if location_id is not None:
        values["location_id"] = location_id
    _move(db, number, (State.OUT, State.DOUBTED, State.LOST), values)
    _end(db, clock, EndReason.HANDED_BACK, number=number)


def report_lost(db: Session, clock: Clock, *, session_id: str) -> int:
    """End the loan of a band that its holder does not find; return the band's number.

    Raises:
        UnknownBand: this session has no band; nothing has changed.
    """
    loan = queries.loan_of_session(db, session_id)
    if loan is None or not _end(db, clock, EndReason.LOST, number=loan.number, loan_id=loan.id):
        msg = "this shopper has no band"
        raise UnknownBand(msg)
    _move(db, loan.number, (State.OUT, State.DOUBTED), {"state": State.LOST.value})
    return loan.number


def lose(db: Session, clock: Clock, number: int) -> None:
    """Note that a band is gone, whoever had it.

    Raises:
        UnknownBand: no band has this number.
        BandNotHere: it is lost already, or was retired.
    """
    among = (State.OUT, State.DOUBTED, State.DRAWER)
    _move(db, number, among, {"state": State.LOST.value})
    _end(db, clock, EndReason.LOST, number=number)


def retire(db: Session, number: int) -> None:
    """Take a band out of use for ever: broken, or its battery cannot be changed.

    Raises:
        UnknownBand: no band has this number.
        BandNotHere: somebody has it, so it is taken back first; or it was retired before.
    """
    _move(db, number, (State.DRAWER, State.LOST), {"state": State.RETIRED.value})


def doubt(db: Session, number: int) -> bool:
    """Let a band be nobody's for now: two answer to its number. Return whether it was out.

    The loan stays: once the desk has looked, it is hers again by :func:`trust`, or taken back.
    """
    return bool(
        write(
            db,
            update(BandRow)
            .where(col(BandRow.number) == number, col(BandRow.state) == State.OUT.value)
            .values(state=State.DOUBTED.value),
        )
    )


def trust(db: Session, number: int) -> None:
    """Let a band that was doubted be hers again who has it: the desk has looked.

    Raises:
        UnknownBand: no band has this number.
        BandNotHere: nobody doubts it.
    """
    _move(db, number, (State.DOUBTED,), {"state": State.OUT.value})


def let_follow(db: Session, *, session_id: str, follow: bool) -> int | None:
    """Let it be noted where this shopper is, or not any more; return her band, if she has one.

    What the ledger says counts besides: it is the caller's to write. The band opens tablets
    either way.
    """
    loan = queries.loan_of_session(db, session_id)
    if loan is None:
        return None
    write(db, update(BandLoanRow).where(col(BandLoanRow.id) == loan.id).values(follow=follow))
    return loan.number


def end_loans(
    db: Session, now: datetime, session_ids: Sequence[str], reason: EndReason
) -> list[int]:
    """End the live loans of these sessions; return the bands' numbers. They stay out."""
    ended = db.execute(
        update(BandLoanRow)
        .where(col(BandLoanRow.session_id).in_(session_ids), col(BandLoanRow.ended_at).is_(None))
        .values(ended_at=now, end_reason=reason.value)
        .returning(col(BandLoanRow.number))
        .execution_options(synchronize_session=False)
    )
    return sorted(ended.scalars())


def move_loan(db: Session, clock: Clock, *, from_id: str, session_id: str) -> Moved | None:
    """Let a band follow its shopper into another session; None: there is no band to follow.

    If that session has a band already, the one that came along is nobody's from now on, until
    the desk takes it back.
    """
    loan = queries.loan_of_session(db, from_id)
    if loan is None:
        return None
    if queries.loan_of_session(db, session_id) is not None:
        _end(db, clock, EndReason.REPLACED, number=loan.number, loan_id=loan.id)
        return Moved(loan.number)
    _hand(db, [loan.id], from_id, session_id)
    return Moved(loan.number, loan.id)


def move_back(
    db: Session, loan_ids: Sequence[str], *, from_id: str, session_id: str
) -> Sequence[int]:
    """Undo :func:`move_loan` for loans that are still where it took them; return the bands."""
    return _hand(db, loan_ids, from_id, session_id)


def _hand(db: Session, loan_ids: Sequence[str], from_id: str, session_id: str) -> Sequence[int]:
    moved = db.execute(
        update(BandLoanRow)
        .where(
            col(BandLoanRow.id).in_(loan_ids),
            col(BandLoanRow.session_id) == from_id,
            col(BandLoanRow.ended_at).is_(None),
        )
        .values(session_id=session_id)
        .returning(col(BandLoanRow.number))
        .execution_options(synchronize_session=False)
    )
    return sorted(moved.scalars())


_HEARD_COLUMNS: Final = (
    ("number", INTEGER),
    ("low_s", DOUBLE),
    ("high_s", DOUBLE),
    ("battery", INTEGER),
    ("presses", INTEGER),
)
_HEARD_LOCK: Final = (
    "SELECT w.number FROM {rows} JOIN wristband AS w ON w.number = d.number"
    " ORDER BY w.number FOR UPDATE OF w"
)
_HEARD: Final = (
    "UPDATE wristband SET clock_low_s = d.low_s, clock_high_s = d.high_s, clock_at = :at,"
    " heard_at = :at, battery_percent = COALESCE(d.battery, battery_percent),"
    " presses = COALESCE(d.presses, wristband.presses)"
    " FROM {rows} WHERE wristband.number = d.number AND wristband.clock_at <= :at"
)


def note_heard(db: Session, rows: Iterable[Heard]) -> None:
    """Keep what was learned of bands on the air; a statement or two for each moment in ``rows``.

    What is older than what is kept changes nothing, and neither do bands that nobody made.
    """
    for at, some in groupby(sorted(rows, key=_when), key=_when):
        newest = {one.number: one for one in some}
        batch = [
            (one.number, one.clock_low_s, one.clock_high_s, one.battery_percent, one.presses)
            for one in newest.values()
        ]
        if not is_sqlite(db.connection()):  # two gateways never wait for each other in a ring
            run(db, _HEARD_LOCK, _HEARD_COLUMNS, batch)
        run(db, _HEARD, _HEARD_COLUMNS, batch, {"at": at})


def _when(one: Heard) -> datetime:
    return one.at


def _move(db: Session, number: int, among: Sequence[State], values: dict[str, str]) -> None:
    moved = write(
        db,
        update(BandRow)
        .where(col(BandRow.number) == number, col(BandRow.state).in_([one.value for one in among]))
        .values(**values),
    )
    if not moved:
        raise _not_here(db, number)


def _end(
    db: Session, clock: Clock, reason: EndReason, *, number: int, loan_id: str | None = None
) -> bool:
    this = [] if loan_id is None else [col(BandLoanRow.id) == loan_id]
    ended = write(
        db,
        update(BandLoanRow)
        .where(col(BandLoanRow.number) == number, col(BandLoanRow.ended_at).is_(None), *this)
        .values(ended_at=clock.now(), end_reason=reason.value, greeting=""),
    )
    return bool(ended)


def _not_here(db: Session, number: int) -> UnknownBand | BandNotHere:
    row = db.get(BandRow, number, populate_existing=True)
    if row is None:
        return UnknownBand(f"there is no band {number}", number=number)
    said = {
        State.DRAWER: f"lies in the drawer of {row.location_id}",
        State.OUT: "is out: somebody has it",
        State.DOUBTED: "is doubted: two answer to its number",
        State.LOST: "was reported lost",
        State.RETIRED: "was retired",
    }[State(row.state)]
    return BandNotHere(f"band {number} {said}", number=number, state=row.state)
