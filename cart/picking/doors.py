"""Signing in, from the PIN to an open session: halfway there if a second factor is wanted.

Halfway opens nothing: it is kept apart from sessions, so that no page and no query can take
one for the other. Its token goes when the session's comes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete, select

from cart.audit.model import Action, On, Who, WhoKind
from cart.audit.service import lately, note
from cart.kernel.clock import Clock
from cart.kernel.errors import NotSignedIn, SecondFactorRefused, SignInRefused
from cart.kernel.ids import Ids, secret_hash
from cart.picking import second, staff, tries
from cart.picking.model import Staff
from cart.picking.second import Rule
from cart.picking.staff import Checked, SignedIn
from cart.picking.tables import StaffHalfwayRow, StaffRow

# As long as a secret may be on the screen: who is setting her app up is not thrown out before.
HALFWAY_FOR: Final = second.SET_UP_WITHIN
FORGOTTEN_AT_ONCE_MAX: Final = 1_000  # a sweep must not hold the writer's lock for long
CODE_AWAITED: Final = "second_factor_awaited"  # outcome of a sign-in that has got halfway


@dataclass(frozen=True, slots=True)
class Halfway:
    """Her PIN was right. ``token``: for the way on. ``has_factor`` false: she sets one up first."""

    token: str
    staff: Staff
    has_factor: bool


def sign_in(
    db: Session, clock: Clock, ids: Ids, checked: Checked, rule: Rule
) -> SignedIn | Halfway | SignInRefused:
    """Sign in with a PIN that was checked, or return the refusal to raise after the commit.

    The PIN's hash is computed before (``staff.known``, ``Known.checked``): no other
    writer waits for it. The same words and the same work whether the number is unknown,
    locked, or the PIN wrong. The guarded UPDATEs decide: of many guesses at once no more
    than WRONG_PINS_MAX count, none succeeds while the number is locked, and a PIN that
    was replaced meanwhile opens nothing.

    Wrong tries are forgotten by a whole sign-in only: a right PIN must not buy new
    guesses at the code.
    """
    now = clock.now()
    row = tries.accepted(db, checked, now) if checked.right else None
    if row is None:
        return tries.refused(db, clock, checked, Action.SIGN_IN)
    has_factor = second.has(db, row.id).since is not None
    due_at = None if has_factor else second.due_at(db, clock, row, rule)
    if has_factor or (due_at is not None and due_at <= now):
        return _halfway(db, clock, ids, row, has_factor=has_factor)
    return _open(db, clock, ids, row, due_at)


def _halfway(db: Session, clock: Clock, ids: Ids, row: StaffRow, *, has_factor: bool) -> Halfway:
    now, token = clock.now(), ids.token()
    db.add(
        StaffHalfwayRow(
            token_hash=secret_hash(token),
            staff_id=row.id,
            created_at=now,
            expires_at=now + HALFWAY_FOR,
        )
    )
    db.flush()
    nobody, on = Who(WhoKind.NOBODY), On("staff", row.id)
    if not lately(db, clock, nobody, Action.SIGN_IN, on, outcome=CODE_AWAITED):
        note(db, clock, nobody, Action.SIGN_IN, on, outcome=CODE_AWAITED)
    return Halfway(token, staff.as_staff(row), has_factor)


def _open(
    db: Session, clock: Clock, ids: Ids, row: StaffRow, due_at: datetime | None = None
) -> SignedIn:
    tries.forget_tries(db, row.id)
    return staff.open_session(db, clock, ids, row, second_due_at=due_at)


def halfway(db: Session, clock: Clock, token: str) -> Halfway:
    """Return who has come halfway with ``token``.

    Raises:
        NotSignedIn: nobody: unknown, used, too old, or she has left.
    """
    found = db.exec(
        select(StaffRow)
        .join(StaffHalfwayRow, col(StaffHalfwayRow.staff_id) == col(StaffRow.id))
        .where(
            StaffHalfwayRow.token_hash == secret_hash(token),
            StaffHalfwayRow.expires_at > clock.now(),
            col(StaffRow.active),
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        msg = "nobody is on the way in here"
        raise NotSignedIn(msg)
    has_factor = second.has(db, found.id).since is not None
    return Halfway(token, staff.as_staff(found), has_factor)


def go_on(
    db: Session, clock: Clock, ids: Ids, secret: bytes, *, token: str, code: str
) -> SignedIn | SecondFactorRefused:
    """Come in with the second factor, or return the refusal to raise after the commit.

    Raises:
        NotSignedIn: nobody has come halfway with ``token``.
    """
    here = halfway(db, clock, token)
    if not second.proved(db, clock, secret, here.staff, code):
        return second.refused(db, clock, here.staff.id, Action.SIGN_IN)
    return _in(db, clock, ids, here)


def enter(db: Session, clock: Clock, ids: Ids, *, token: str) -> SignedIn:
    """Come the other half of the way, by a passkey that was proved (``passkeys.used``).

    Raises:
        NotSignedIn: nobody has come halfway with ``token``.
    """
    return _in(db, clock, ids, halfway(db, clock, token))


def set_up(
    db: Session, clock: Clock, ids: Ids, secret: bytes, *, token: str, code: str
) -> tuple[SignedIn, list[str]] | SecondFactorRefused:
    """Come in with the first code of the app that was set up on the way, and its recovery codes.

    Raises:
        NotSignedIn: nobody has come halfway with ``token``.
    """
    here = halfway(db, clock, token)
    codes = second.confirm(db, clock, ids, secret, here.staff, code=code, replace=False)
    if isinstance(codes, SecondFactorRefused):
        return codes
    return _in(db, clock, ids, here), codes


def _in(db: Session, clock: Clock, ids: Ids, here: Halfway) -> SignedIn:
    """Give the halfway token up for a session.

    Raises:
        NotSignedIn: somebody was faster with it, or she has been let go. All is undone.
    """
    row = db.get_one(StaffRow, here.staff.id)
    used = leave(db, here.token)
    if not used or not tries.still_with_us(db, row.id, clock.now()):
        msg = "nobody is on the way in here any more"
        raise NotSignedIn(msg)
    return _open(db, clock, ids, row)


def leave(db: Session, token: str) -> bool:
    """Turn back halfway; say whether somebody was there."""
    gone = db.exec(
        delete(StaffHalfwayRow).where(col(StaffHalfwayRow.token_hash) == secret_hash(token))
    )
    return bool(gone.rowcount)


def forget(db: Session, clock: Clock) -> int:
    """Delete what is left of those who turned back halfway; a bounded number, return how many."""
    old = (
        select(StaffHalfwayRow.token_hash)
        .where(col(StaffHalfwayRow.expires_at) <= clock.now())
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    gone = db.exec(delete(StaffHalfwayRow).where(col(StaffHalfwayRow.token_hash).in_(old)))
    return int(gone.rowcount)
