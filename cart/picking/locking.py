"""A session that nobody uses is locked; her PIN opens it again where she was.

A shared scanner is put down between two customers. A locked session shows and does
nothing, and is not signed out: what she holds stays hers, and six digits are quicker than a
whole sign-in. It ends with the shift, or when nobody comes back (``staff.IDLE``).
"""

from datetime import timedelta

from sqlmodel import Session, col, select, update

from cart.audit.model import Action, On
from cart.audit.service import note
from cart.kernel.clock import Clock
from cart.kernel.errors import NotSignedIn, SignInRefused
from cart.kernel.ids import Ids, secret_hash
from cart.picking import second, staff, tries
from cart.picking.model import LOCKED_AFTER
from cart.picking.tables import StaffRow, StaffSessionRow


def lock(db: Session, clock: Clock, *, token: str) -> bool:
    """Lock a session at once, as if nobody had used it for long; say whether it was open."""
    now = clock.now()
    longest: timedelta = max(LOCKED_AFTER.values())
    locked = db.execute(
        update(StaffSessionRow)
        .where(
            col(StaffSessionRow.token_hash) == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
            staff.awake(now),
        )
        .values(seen_at=now - longest)
        .returning(col(StaffSessionRow.staff_id))
    ).scalar_one_or_none()
    if locked is None:
        return False
    row = db.get_one(StaffRow, locked)
    note(db, clock, staff.named(row), Action.LOCK, On("staff", row.id))
    return True


def whose(db: Session, clock: Clock, token: str) -> staff.Known:
    """Return what the PIN that opens this session is checked against; see ``Known.checked``.

    Raises:
        NotSignedIn: it is over: signed out, a shift old, left for too long, or she has left.
    """
    now = clock.now()
    found = db.exec(
        select(StaffRow.id, StaffRow.pin_hash)
        .join(StaffSessionRow, col(StaffSessionRow.staff_id) == col(StaffRow.id))
        .where(
            StaffSessionRow.token_hash == secret_hash(token),
            col(StaffSessionRow.ended_at).is_(None),
            StaffSessionRow.expires_at > now,
            StaffSessionRow.seen_at > now - staff.IDLE,
            col(StaffRow.active),
        )
    ).first()
    if found is None:
        msg = "nobody is signed in here"
        raise NotSignedIn(msg)
    return staff.Known(*found)


def resume(
    db: Session, clock: Clock, ids: Ids, *, token: str, checked: staff.Checked
) -> str | SignInRefused:
    """Open a locked session with a PIN that was checked; return its token, or the refusal to raise.

    The token is a fresh one: whoever has copied the one before, while the device lay about, has
    nothing (ASVS 5.0, 7.2.4). A wrong PIN counts as at the door: the same five tries. The
    session keeps its end. Who has a second factor has not proved it here: her wrong tries are
    not forgotten.
    """
    now, fresh = clock.now(), ids.token()
    row = tries.accepted(db, checked, now) if checked.right else None
    if row is not None:
        opened = db.execute(
            update(StaffSessionRow)
            .where(
                col(StaffSessionRow.token_hash) == secret_hash(token),
                col(StaffSessionRow.staff_id) == row.id,
                col(StaffSessionRow.ended_at).is_(None),
                col(StaffSessionRow.expires_at) > now,
                col(StaffSessionRow.seen_at) > now - staff.IDLE,
            )
            .values(seen_at=now, token_hash=secret_hash(fresh))
            .returning(col(StaffSessionRow.staff_id))
        )
        if opened.one_or_none() is not None:
            if second.has(db, row.id).since is None:
                tries.forget_tries(db, row.id)
            note(db, clock, staff.named(row), Action.RESUME, On("staff", row.id))
            return fresh
    return tries.refused(db, clock, checked, Action.RESUME)
