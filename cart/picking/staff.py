"""Who works at a location: numbers, PINs, and who is signed in.

Owns staff and their sessions. A PIN is six digits that are made here, shown once
and kept as a salted scrypt hash. A refused sign-in is returned, not raised: what
it counted has to be committed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, or_
from sqlmodel import Session, col, func, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, NotSignedIn, SignInRefused, UnknownStaff
from cart.kernel.ids import Ids, secret_hash
from cart.picking import pins
from cart.picking.model import Role, Staff
from cart.picking.tables import StaffRow, StaffSessionRow

# Five tries in fifteen minutes: a million PINs take 5 years, a slip of the finger costs nothing.
WRONG_PINS_MAX: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
SHIFT: Final = timedelta(hours=12)  # the longest day in a shop; the next one signs in anew
IDLE: Final = timedelta(hours=2)  # a scanner that was left lying must not stay open all day
ON_DUTY: Final = timedelta(minutes=15)  # seen within: she is at work, not at lunch
TOUCHED_EVERY: Final = timedelta(minutes=1)  # a page asks every few seconds; rows need not know
NUMBER_LENGTH_MAX, NAME_LENGTH_MAX = 12, 80
STAFF_MAX: Final = 1_000  # at one location; the largest shops have a third of it


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh staff session. ``token`` opens it; only its hash is kept."""

    token: str
    staff: Staff
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a number, to check a PIN against. ``staff_id`` None: nobody has it."""

    staff_id: str | None
    pin_hash: str

    def checked(self, pin: str) -> "Checked":
        """Compare a PIN; takes about 50 ms by design, so never within a unit of work."""
        return Checked(self.staff_id, self.pin_hash, pins.matches(pin, self.pin_hash))


@dataclass(frozen=True, slots=True)
class Checked:
    """A number's PIN was right, or not, for the hash that was kept then."""

    staff_id: str | None
    pin_hash: str
    right: bool


def add(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    location_id: str,
    number: str,
    name: str,
    role: Role = Role.ASSOCIATE,
) -> tuple[Staff, str]:
    """Take somebody on; return her and her PIN, which is shown this once.

    Whether the location exists is the caller's to ask.

    Raises:
        InvalidInput: no name, a number that is not 1 to 12 digits, or one that is taken here.
    """
    name = name.strip()
    if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_LENGTH_MAX):
        msg = f"a staff number has 1 to {NUMBER_LENGTH_MAX} digits"
        raise InvalidInput(msg, number=number[:40])
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        msg = f"a name has 1 to {NAME_LENGTH_MAX} letters"
        raise InvalidInput(msg)
    if known(db, location_id=location_id, number=number).staff_id is not None:
        msg = f"number {number} is taken at this location"
        raise InvalidInput(msg, number=number)
    pin = pins.fresh(ids)
    row = StaffRow(
        id=ids.new("staff"),
        location_id=location_id,
        number=number,
        name=name,
        role=Role(role).value,
        pin_hash=pins.hashed(pin, ids.token()),
        created_at=clock.now(),
    )
    db.add(row)
    db.flush()
    return _staff(row), pin


def new_pin(db: Session, clock: Clock, ids: Ids, *, staff_id: str) -> str:
    """Return a new PIN; the old one, and whoever is signed in with it, is worth nothing now.

    Raises:
        UnknownStaff: nobody active has this id.
    """
    pin = pins.fresh(ids)
    hashed = pins.hashed(pin, ids.token())
    _change(db, staff_id, pin_hash=hashed, wrong_pins=0, locked_until=None)
    _end_sessions(db, clock, staff_id)
    return pin


def deactivate(db: Session, clock: Clock, *, staff_id: str) -> None:
    """Let somebody sign in no longer, and end what she has open. Her name stays in histories.

    Raises:
        UnknownStaff: nobody active has this id.
    """
    _change(db, staff_id, active=False)
    _end_sessions(db, clock, staff_id)


def everybody(db: Session, location_id: str) -> list[Staff]:
    """Return the active staff of a location, by number."""
    rows = db.exec(
        select(StaffRow)
        .where(StaffRow.location_id == location_id, col(StaffRow.active))
        .order_by(col(StaffRow.number))
        .limit(STAFF_MAX)
    )
    return [_staff(row) for row in rows]


def known(db: Session, *, location_id: str, number: str) -> Known:
    """Return what a PIN is to be checked against; of nobody, too, so that it takes as long."""
    row = db.exec(
        select(StaffRow).where(StaffRow.location_id == location_id, StaffRow.number == number)
    ).first()
    return Known(None, pins.NOBODY) if row is None else Known(row.id, row.pin_hash)


def sign_in(db: Session, clock: Clock, ids: Ids, checked: Checked) -> SignedIn | SignInRefused:
    """Sign in with a PIN that was checked, or return the refusal to raise after the commit.

    The PIN's hash is computed before (:func:`known`, :meth:`Known.checked`): no other
    writer waits for it. The same words and the same work whether the number is unknown,
    locked, or the PIN wrong. The guarded UPDATEs decide: of many guesses at once no more
    than WRONG_PINS_MAX count, none succeeds while the number is locked, and a PIN that
    was replaced meanwhile opens nothing.
    """
    now = clock.now()
    row = _accept(db, checked, now) if checked.right else None
    if row is not None:
        token = ids.token()
        expires_at = now + SHIFT
        db.add(
            StaffSessionRow(
                token_hash=secret_hash(token),
                staff_id=row.id,
                created_at=now,
                seen_at=now,
                expires_at=expires_at,
            )
        )
        db.flush()
        return SignedIn(token, _staff(row), expires_at)
    if checked.staff_id is not None and not checked.right:
        _count_wrong(db, checked.staff_id, now)
    msg = "number or PIN is wrong, or there were too many tries; wait a quarter of an hour"
    return SignInRefused(msg)


def sign_out(db: Session, clock: Clock, *, token: str) -> None:
    """End a session; once more changes nothing. Tasks that she holds stay hers."""
    db.exec(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.token_hash) == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
        )
        .values(ended_at=clock.now())
    )


def current(db: Session, clock: Clock, token: str) -> Staff:
    """Return who is signed in with ``token``. Reads only: see :func:`touch`.

    Raises:
        NotSignedIn: nobody: unknown, ended, a shift old, idle too long, or no longer with us.
    """
    now = clock.now()
    found = db.exec(
        select(StaffRow, StaffSessionRow.seen_at)
        .join(StaffSessionRow, col(StaffSessionRow.staff_id) == col(StaffRow.id))
        .where(
            StaffSessionRow.token_hash == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
            StaffSessionRow.expires_at > now,
            StaffSessionRow.seen_at > now - IDLE,
            col(StaffRow.active),
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        msg = "nobody is signed in here"
        raise NotSignedIn(msg)
    row, seen_at = found
    return _staff(row, touch_due=seen_at <= now - TOUCHED_EVERY)


def touch(db: Session, clock: Clock, token: str) -> bool:
    """Note that a session was used, at most once a minute; say whether it was noted.

    An idle session is not woken: the guard is the same as :func:`current`'s.
    """
    now = clock.now()
    noted = db.execute(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.token_hash) == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
            col(StaffSessionRow.seen_at) <= now - TOUCHED_EVERY,
            col(StaffSessionRow.seen_at) > now - IDLE,
        )
        .values(seen_at=now)
        .returning(col(StaffSessionRow.token_hash))
    )
    return noted.one_or_none() is not None


def on_duty(db: Session, location_id: str, now: datetime) -> int:
    """Return how many people of the location are at work: signed in and seen of late."""
    return db.exec(
        select(func.count(func.distinct(StaffRow.id)))
        .join(StaffSessionRow, col(StaffSessionRow.staff_id) == col(StaffRow.id))
        .where(
            StaffRow.location_id == location_id,
            col(StaffRow.active),
            col(StaffSessionRow.ended_at).is_(None),
            StaffSessionRow.expires_at > now,
            StaffSessionRow.seen_at > now - ON_DUTY,
        )
    ).one()


def _staff(row: StaffRow, *, touch_due: bool = False) -> Staff:
    return Staff(row.id, row.location_id, row.number, row.name, Role(row.role), touch_due)


def _accept(db: Session, checked: Checked, now: datetime) -> StaffRow | None:
    """Forget the wrong tries, and return who may come in; None: nobody."""
    taken = db.execute(
        update(StaffRow)
        .where(
            col(StaffRow.id) == checked.staff_id,
            col(StaffRow.active),
            col(StaffRow.pin_hash) == checked.pin_hash,
            _unlocked(now),
        )
        .values(wrong_pins=0, locked_until=None)
        .returning(col(StaffRow.id))
    )
    if taken.one_or_none() is None:
        return None
    return db.get_one(StaffRow, checked.staff_id, populate_existing=True)


def _count_wrong(db: Session, staff_id: str, now: datetime) -> None:
    last = col(StaffRow.wrong_pins) + 1 >= WRONG_PINS_MAX
    db.exec(
        update(StaffRow)
        .where(col(StaffRow.id) == staff_id, _unlocked(now))
        .values(
            wrong_pins=case((last, 0), else_=col(StaffRow.wrong_pins) + 1),
            locked_until=case((last, now + LOCKED_FOR), else_=col(StaffRow.locked_until)),
        )
    )


def _unlocked(now: datetime) -> ColumnElement[bool]:
    return or_(col(StaffRow.locked_until).is_(None), col(StaffRow.locked_until) <= now)


def _change(db: Session, staff_id: str, **values: object) -> None:
    done = db.execute(
        update(StaffRow)
        .where(col(StaffRow.id) == staff_id, col(StaffRow.active))
        .values(**values)
        .returning(col(StaffRow.id))
    )
    if done.one_or_none() is None:
        msg = f"nobody active has the id {staff_id}"
        raise UnknownStaff(msg, staff_id=staff_id)


def _end_sessions(db: Session, clock: Clock, staff_id: str) -> None:
    db.exec(
        update(StaffSessionRow)
        .where(col(StaffSessionRow.staff_id) == staff_id, col(StaffSessionRow.ended_at).is_(None))
        .values(ended_at=clock.now())
    )
