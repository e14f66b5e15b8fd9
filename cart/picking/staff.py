"""Who works at a location: numbers, PINs, and who is signed in.

Owns staff and their sessions. How somebody comes in is in ``doors``, how often she may try in
``tries``, how a session is locked in ``locking``, what proves her beyond the PIN in ``second``.
A PIN is six digits that are made here, shown once and kept as a salted scrypt hash (``pins``);
who comes in by the retailer's provider alone has none (``identities``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, delete, func, select, update

from cart.audit.model import Action, On, Who, WhoKind
from cart.audit.service import note
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    InvalidInput,
    NotSignedIn,
    SessionLocked,
    UnknownStaff,
)
from cart.kernel.ids import Ids, secret_hash
from cart.picking import pins
from cart.picking.model import LOCKED_AFTER, Staff
from cart.picking.permissions import keep_an_operator
from cart.picking.roles import May, Role, who_may
from cart.picking.tables import StaffHalfwayRow, StaffRow, StaffSessionRow

# Five tries in fifteen minutes: a million PINs take 5 years, a slip of the finger costs nothing.
WRONG_PINS_MAX: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
SHIFT: Final = timedelta(hours=12)  # the longest day in a shop; the next one signs in anew
IDLE: Final = timedelta(hours=2)  # a scanner that was left lying must not stay open all day
ON_DUTY: Final = timedelta(minutes=15)  # seen within: she is at work, not at lunch
TOUCHED_EVERY: Final = timedelta(minutes=1)  # a page asks every few seconds; rows need not know
NUMBER_LENGTH_MAX, NAME_LENGTH_MAX = 12, 80
ON_THE_FLOOR: Final = who_may(May.FLOOR)
STAFF_MAX: Final = 1_000  # at one location; the largest shops have a third of it


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh staff session. ``token`` opens it; only its hash is kept.

    ``second_due_at``: until then she may come in without the second factor that she needs.
    """

    token: str
    staff: Staff
    expires_at: datetime
    second_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a number, to check a PIN against. ``staff_id`` None: nobody has it."""

    staff_id: str | None
    pin_hash: str

    def checked(self, pin: str) -> "Checked":
        """Compare a PIN; takes a third of a second by design, so never within a unit of work."""
        right = pins.matches(pin, self.pin_hash)
        keep = pins.renewed(pin, self.pin_hash)  # of a wrong one, too: for the same time
        return Checked(self.staff_id, self.pin_hash, right, keep if right else self.pin_hash)


@dataclass(frozen=True, slots=True)
class Checked:
    """A number's PIN was right, or not, for the hash that was kept then.

    ``keep``: what to keep of it from now on; another one where more work is asked for today.
    """

    staff_id: str | None
    pin_hash: str
    right: bool
    keep: str


def add(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    location_id: str,
    number: str,
    name: str,
    role: Role = Role.ASSOCIATE,
    work: pins.Work = pins.WORK,
) -> tuple[Staff, str]:
    """Take somebody on; return her and her PIN, which is shown this once.

    ``work``: what trying a PIN costs.

    Whether the location exists is the caller's to ask.

    Raises:
        InvalidInput: no name, a number that is not 1 to 12 digits, or one that is taken here.
    """
    pin = pins.fresh(ids)
    pin_hash = pins.hashed(pin, ids.token(), work)
    row = _taken_on(
        db, clock, ids, pin_hash, location_id=location_id, number=number, name=name, role=role
    )
    return as_staff(row), pin


def add_without_pin(
    db: Session, clock: Clock, ids: Ids, *, location_id: str, number: str, name: str, role: Role
) -> StaffRow:
    """Take somebody on who comes in by another way than a PIN: none is right.

    Raises:
        InvalidInput: see :func:`add`.
    """
    return _taken_on(
        db, clock, ids, pins.NOBODY, location_id=location_id, number=number, name=name, role=role
    )


def _taken_on(
    db: Session,
    clock: Clock,
    ids: Ids,
    pin_hash: str,
    *,
    location_id: str,
    number: str,
    name: str,
    role: Role,
) -> StaffRow:
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
    row = StaffRow(
        id=ids.new("staff"),
        location_id=location_id,
        number=number,
        name=name,
        role=Role(role).value,
        pin_hash=pin_hash,
        created_at=clock.now(),
    )
    db.add(row)
    db.flush()
    return row


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
        LastOperator: nobody else is an operator.
    """
    keep_an_operator(db, staff_id)
    _change(db, staff_id, active=False)
    _end_sessions(db, clock, staff_id)


def set_role(db: Session, clock: Clock, *, staff_id: str, role: Role) -> None:
    """Give somebody another role; she signs in anew.

    Raises:
        UnknownStaff: nobody active has this id.
    """
    _change(db, staff_id, role=Role(role).value)
    _end_sessions(db, clock, staff_id)


def everybody(db: Session, location_id: str) -> list[Staff]:
    """Return the active staff of a location, by number."""
    rows = db.exec(
        select(StaffRow)
        .where(StaffRow.location_id == location_id, col(StaffRow.active))
        .order_by(col(StaffRow.number))
        .limit(STAFF_MAX)
    )
    return [as_staff(row) for row in rows]


def known(db: Session, *, location_id: str, number: str) -> Known:
    """Return what a PIN is to be checked against; of nobody, too, so that it takes as long."""
    row = db.exec(
        select(StaffRow).where(StaffRow.location_id == location_id, StaffRow.number == number)
    ).first()
    return Known(None, pins.NOBODY) if row is None else Known(row.id, row.pin_hash)


def open_session(
    db: Session, clock: Clock, ids: Ids, row: StaffRow, *, second_due_at: datetime | None = None
) -> SignedIn:
    """Give her a session. Whoever calls has seen all that she has to prove (``doors``)."""
    now, token = clock.now(), ids.token()
    db.add(
        StaffSessionRow(
            token_hash=secret_hash(token),
            staff_id=row.id,
            created_at=now,
            seen_at=now,
            expires_at=now + SHIFT,
        )
    )
    db.flush()
    note(db, clock, named(row), Action.SIGN_IN, On("staff", row.id))
    return SignedIn(token, as_staff(row), now + SHIFT, second_due_at)


def end_others(db: Session, clock: Clock, me: Staff, *, token: str) -> int:
    """End what she has open elsewhere; return how many that were."""
    ended = db.execute(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.staff_id) == me.id,
            col(StaffSessionRow.token_hash) != secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
        )
        .values(ended_at=clock.now())
        .returning(col(StaffSessionRow.token_hash))
    ).all()
    note(db, clock, as_who(me), Action.END_OTHERS, On("staff", me.id))
    return len(ended)


def sign_out(db: Session, clock: Clock, *, token: str) -> None:
    """End a session; once more changes nothing. Tasks that she holds stay hers."""
    ended = db.execute(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.token_hash) == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
        )
        .values(ended_at=clock.now())
        .returning(col(StaffSessionRow.staff_id))
    ).scalar_one_or_none()
    if ended is not None:
        row = db.get_one(StaffRow, ended)
        note(db, clock, named(row), Action.SIGN_OUT, On("staff", row.id))


def current(db: Session, clock: Clock, token: str) -> Staff:
    """Return who is signed in with ``token``. Reads only: see :func:`touch`.

    Raises:
        NotSignedIn: nobody: unknown, ended, a shift old, idle too long, or no longer with us.
        SessionLocked: nobody has used it for the minutes of her role; her PIN opens it.
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
    if seen_at <= now - LOCKED_AFTER[Role(row.role)]:
        msg = "this session is locked"
        raise SessionLocked(msg)
    return as_staff(row, touch_due=seen_at <= now - TOUCHED_EVERY)


def touch(db: Session, clock: Clock, token: str) -> bool:
    """Note that a session was used, at most once a minute; say whether it was noted.

    A locked session is not woken: the guard is the same as :func:`current`'s.
    """
    now = clock.now()
    noted = db.execute(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.token_hash) == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
            col(StaffSessionRow.seen_at) <= now - TOUCHED_EVERY,
            awake(now),
        )
        .values(seen_at=now)
        .returning(col(StaffSessionRow.token_hash))
    )
    return noted.one_or_none() is not None


def awake(now: datetime) -> ColumnElement[bool]:
    """Return the guard of a session that is not locked, for statements on sessions."""
    role = select(StaffRow.role).where(col(StaffRow.id) == col(StaffSessionRow.staff_id))
    return or_(
        *(
            and_(role.scalar_subquery() == one.value, col(StaffSessionRow.seen_at) > now - after)
            for one, after in LOCKED_AFTER.items()
        )
    )


def on_duty(db: Session, location_id: str, now: datetime) -> int:
    """Return how many people of the location are at work: signed in and seen of late."""
    return db.exec(
        select(func.count(func.distinct(StaffRow.id)))
        .join(StaffSessionRow, col(StaffSessionRow.staff_id) == col(StaffRow.id))
        .where(
            StaffRow.location_id == location_id,
            col(StaffRow.role).in_(ON_THE_FLOOR),
            col(StaffRow.active),
            col(StaffSessionRow.ended_at).is_(None),
            StaffSessionRow.expires_at > now,
            StaffSessionRow.seen_at > now - ON_DUTY,
        )
    ).one()


def as_staff(row: StaffRow, *, touch_due: bool = False) -> Staff:
    """Return her as commands and pages know her."""
    return Staff(row.id, row.location_id, row.number, row.name, Role(row.role), touch_due)


def named(row: StaffRow) -> Who:
    """Return her as the audit log names her."""
    return Who(WhoKind.STAFF, row.id, row.role, row.location_id)


def as_who(me: Staff, role: str = "") -> Who:
    """Return her as the audit log names her; ``role``: in which she acts, if not in her own."""
    return Who(WhoKind.STAFF, me.id, role or me.role.value, me.location_id)


def second_due(db: Session, clock: Clock, staff_id: str) -> None:
    """Have her set up a second factor before she comes in again, and sign her out.

    Raises:
        UnknownStaff: nobody active has this id.
    """
    _change(db, staff_id, second_due_at=clock.now())
    _end_sessions(db, clock, staff_id)


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
    db.exec(delete(StaffHalfwayRow).where(col(StaffHalfwayRow.staff_id) == staff_id))
