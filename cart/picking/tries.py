"""Whose PIN is right, and how often wrong ones may be tried: PINs and codes are counted together.

The guarded UPDATEs decide: of many guesses at once no more than WRONG_PINS_MAX count.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, case, or_
from sqlmodel import Session, col, update

from cart.audit.model import Action, On, Who, WhoKind
from cart.audit.service import lately, note
from cart.kernel.clock import Clock
from cart.kernel.errors import SignInRefused
from cart.picking.staff import LOCKED_FOR, WRONG_PINS_MAX, Checked
from cart.picking.tables import StaffRow


def accepted(db: Session, checked: Checked, now: datetime) -> StaffRow | None:
    """Return whose PIN this is, while her number is not locked; None: nobody's.

    Her row is held until the commit, so that no rival counts or changes her PIN meanwhile.
    """
    taken = db.execute(
        update(StaffRow)
        .where(
            col(StaffRow.id) == checked.staff_id,
            col(StaffRow.active),
            # By a rival with the same PIN it may be replaced already.
            col(StaffRow.pin_hash).in_({checked.pin_hash, checked.keep}),
            _unlocked(now),
        )
        .values(pin_hash=checked.keep)
        .returning(col(StaffRow.id))
    )
    if taken.one_or_none() is None:
        return None
    return db.get_one(StaffRow, checked.staff_id, populate_existing=True)


def refused(db: Session, clock: Clock, checked: Checked, action: Action) -> SignInRefused:
    """Count and note a PIN that opened nothing; return the refusal to raise after the commit."""
    counts = checked.staff_id is not None and not checked.right
    count_refused(db, clock, checked.staff_id or "", action, SignInRefused.code, counts=counts)
    msg = "number or PIN is wrong, or there were too many tries; wait a quarter of an hour"
    return SignInRefused(msg)


def count_refused(
    db: Session,
    clock: Clock,
    staff_id: str,
    action: Action,
    refusal: str,
    *,
    counts: bool,
) -> None:
    """Count a wrong PIN or code if it counts, and note it.

    What counts is limited by the lock of its number; the rest is noted once in five minutes.
    """
    counted = counts and _count_wrong(db, staff_id, clock.now())
    nobody, on = Who(WhoKind.NOBODY), On("staff", staff_id)
    if counted or not lately(db, clock, nobody, action, on, outcome=refusal):
        note(db, clock, nobody, action, on, outcome=refusal)


def forget_tries(db: Session, staff_id: str) -> None:
    """Forget wrong PINs and codes: she has proved all that is asked of her."""
    db.execute(
        update(StaffRow).where(col(StaffRow.id) == staff_id).values(wrong_pins=0, locked_until=None)
    )


def still_with_us(db: Session, staff_id: str, now: datetime) -> bool:
    """Say whether she is active and her number not locked, and hold her row until the commit."""
    held = db.execute(
        update(StaffRow)
        .where(col(StaffRow.id) == staff_id, col(StaffRow.active), _unlocked(now))
        .values(active=True)
        .returning(col(StaffRow.id))
    )
    return held.one_or_none() is not None


def _count_wrong(db: Session, staff_id: str, now: datetime) -> bool:
    last = col(StaffRow.wrong_pins) + 1 >= WRONG_PINS_MAX
    counted = db.execute(
        update(StaffRow)
        .where(col(StaffRow.id) == staff_id, _unlocked(now))
        .values(
            wrong_pins=case((last, 0), else_=col(StaffRow.wrong_pins) + 1),
            locked_until=case((last, now + LOCKED_FOR), else_=col(StaffRow.locked_until)),
        )
        .returning(col(StaffRow.id))
    )
    return counted.one_or_none() is not None


def _unlocked(now: datetime) -> ColumnElement[bool]:
    return or_(col(StaffRow.locked_until).is_(None), col(StaffRow.locked_until) <= now)
