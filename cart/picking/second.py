"""Setting up a second factor, proving it, and taking it away: who has which, and who needs one.

A refused code is returned, not raised: what it counted has to be committed. Wrong codes and
wrong PINs are counted together (``tries``). Whoever calls has asked who she is: she is signed
in, or halfway there (``doors``).
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import true
from sqlmodel import Session, col, delete, func, select, update

from cart.audit.model import Action, On
from cart.audit.service import note
from cart.db.guarded import insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.errors import NotSignedIn, SecondFactorRefused
from cart.kernel.ids import Ids
from cart.picking import factors, staff, tries
from cart.picking.model import Staff
from cart.picking.permissions import Permission, holds
from cart.picking.roles import Role
from cart.picking.tables import (
    StaffPasskeyRow,
    StaffRecoveryCodeRow,
    StaffRow,
    StaffSecondFactorRow,
)

_LOG = logging.getLogger(__name__)
# Long enough to fetch a phone and an app; a secret on a screen is good no longer than that.
SET_UP_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who needs a second factor. ``roles``: these, and always who is an operator.

    ``grace``: how long somebody may still go on without, from when she is first asked.
    """

    roles: frozenset[Role]
    grace: timedelta

    def needs(self, db: Session, row: StaffRow) -> bool:
        """Say whether she needs one."""
        return Role(row.role) in self.roles or holds(db, row.id, Permission.OPERATOR)


@dataclass(frozen=True, slots=True)
class Has:
    """What somebody has set up; ``since`` None: nothing. ``codes_left``: recovery codes."""

    since: datetime | None
    codes_left: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret to be put into an app: what the QR code holds, and the same to be typed."""

    uri: str
    secret: str


def has(db: Session, staff_id: str) -> Has:
    """Return what she has set up."""
    factor = db.get(StaffSecondFactorRow, staff_id, populate_existing=True)
    left = db.exec(
        select(func.count())
        .select_from(StaffRecoveryCodeRow)
        .where(
            StaffRecoveryCodeRow.staff_id == staff_id, col(StaffRecoveryCodeRow.used_at).is_(None)
        )
    ).one()
    since = factor.confirmed_at if factor else None
    return Has(since, left if since else 0, db.get_one(StaffRow, staff_id).second_due_at)


def who_have(db: Session, staff_ids: Collection[str]) -> frozenset[str]:
    """Return who of these has set one up."""
    found = select(StaffSecondFactorRow.staff_id).where(
        col(StaffSecondFactorRow.staff_id).in_(staff_ids),
        col(StaffSecondFactorRow.confirmed_at).is_not(None),
    )
    return frozenset(db.exec(found))


def due_at(db: Session, clock: Clock, row: StaffRow, rule: Rule) -> datetime | None:
    """Return from when on she gets in no more without one; None: never. Asked first: from then."""
    if not rule.needs(db, row):
        return None
    if row.second_due_at is None:
        row.second_due_at = clock.now() + rule.grace
        db.add(row)
        db.flush()
    return row.second_due_at


def begin(
    db: Session, clock: Clock, ids: Ids, secret: bytes, me: Staff, *, account: str, replace: bool
) -> Shown:
    """Make a secret for her app; it counts once a code of it was typed (:func:`confirm`).

    ``replace``: she has proved the one that she has.

    Raises:
        NotSignedIn: she has one, and has not proved it.
    """
    made, now = factors.fresh_secret(ids), clock.now()
    kept = {
        "fresh_sealed": factors.sealed(secret, ids, me.id, made),
        "fresh_at": now,
    }
    taken = insert_or_change(
        db,
        StaffSecondFactorRow,
        {"staff_id": me.id, "sealed": "", "last_step": 0, **kept},
        keys=["staff_id"],
        change=kept,
        where=None if replace else col(StaffSecondFactorRow.confirmed_at).is_(None),
    )
    if not taken:
        msg = "a second factor is set up already; it has to be proved first"
        raise NotSignedIn(msg)
    return Shown(factors.uri(made, account), made)


def confirm(
    db: Session, clock: Clock, ids: Ids, secret: bytes, me: Staff, *, code: str, replace: bool
) -> list[str] | SecondFactorRefused:
    """Take the app whose code this is; return ten recovery codes, which are shown this once.

    ``replace``: it may take the place of one that she has; without, hers is the first.
    """
    now = clock.now()
    if not tries.still_with_us(db, me.id, now):
        return refused(db, clock, me.id, Action.SECOND_ENROL)
    factor = db.get(StaffSecondFactorRow, me.id, populate_existing=True)
    if factor is None or factor.fresh_at is None or factor.fresh_at <= now - SET_UP_WITHIN:
        return SecondFactorRefused("there is nothing to confirm: begin again")
    known = factors.opened(secret, me.id, factor.fresh_sealed)
    step = factors.matching_step(known, factors.typed(code), now) if known else None
    if step is None or not _confirmed(db, me.id, factor.fresh_sealed, step, now, replace=replace):
        return refused(db, clock, me.id, Action.SECOND_ENROL)
    note(db, clock, staff.as_who(me), Action.SECOND_ENROL, On("staff", me.id))
    return _new_codes(db, ids, secret, me.id)


def _confirmed(
    db: Session, staff_id: str, fresh: str, step: int, now: datetime, *, replace: bool
) -> bool:
    """Put the fresh secret in its place, if nobody was faster."""
    may = true() if replace else col(StaffSecondFactorRow.confirmed_at).is_(None)
    done = db.execute(
        update(StaffSecondFactorRow)
        .where(
            col(StaffSecondFactorRow.staff_id) == staff_id,
            col(StaffSecondFactorRow.fresh_sealed) == fresh,
            may,
        )
        .values(sealed=fresh, confirmed_at=now, last_step=step, fresh_sealed="", fresh_at=None)
        .returning(col(StaffSecondFactorRow.staff_id))
    )
    return done.one_or_none() is not None


def proved(db: Session, clock: Clock, secret: bytes, me: Staff, code: str) -> bool:
    """Use a code of her app or a recovery code, once; say whether it was good.

    Her row is held until the commit, so that codes are looked at one after the other: of many
    at once no more than WRONG_PINS_MAX. The guarded UPDATE decides: a step that was used, or
    one before it, is used by nobody, and of two who bring the same code one comes in.
    """
    now, plain = clock.now(), factors.typed(code)
    if not tries.still_with_us(db, me.id, now):
        return False
    factor = db.get(StaffSecondFactorRow, me.id, populate_existing=True)
    if factor is None or factor.confirmed_at is None:
        return False
    if not factors.is_app_code(plain):
        return _recovered(db, clock, me, factors.recovery_hash(secret, me.id, plain))
    known = factors.opened(secret, me.id, factor.sealed)
    if known is None:
        _LOG.warning("a second factor cannot be opened: has SECRET_KEY changed? Reset it")
        return False
    step = factors.matching_step(known, plain, now)
    if step is None:
        return False
    used = db.execute(
        update(StaffSecondFactorRow)
        .where(
            col(StaffSecondFactorRow.staff_id) == me.id,
            col(StaffSecondFactorRow.sealed) == factor.sealed,
            col(StaffSecondFactorRow.last_step) < step,
        )
        .values(last_step=step)
        .returning(col(StaffSecondFactorRow.staff_id))
    )
    return used.one_or_none() is not None


def _recovered(db: Session, clock: Clock, me: Staff, code_hash: str) -> bool:
    used = db.execute(
        update(StaffRecoveryCodeRow)
        .where(
            col(StaffRecoveryCodeRow.staff_id) == me.id,
            col(StaffRecoveryCodeRow.code_hash) == code_hash,
            col(StaffRecoveryCodeRow.used_at).is_(None),
        )
        .values(used_at=clock.now())
        .returning(col(StaffRecoveryCodeRow.staff_id))
    )
    if used.one_or_none() is None:
        return False
    note(db, clock, staff.as_who(me), Action.SECOND_RECOVERY, On("staff", me.id))
    return True


def refused(db: Session, clock: Clock, staff_id: str, action: Action) -> SecondFactorRefused:
    """Count and note a code that proved nothing; return the refusal to raise after the commit."""
    code = SecondFactorRefused.code
    tries.count_refused(db, clock, staff_id, action, code, counts=True)
    return SecondFactorRefused("the code is wrong, used, too old, or there were too many tries")


def new_codes(
    db: Session, clock: Clock, ids: Ids, secret: bytes, me: Staff, *, code: str
) -> list[str] | SecondFactorRefused:
    """Return ten new recovery codes for a code of her app; the old ones are good no more."""
    if not proved(db, clock, secret, me, code):
        return refused(db, clock, me.id, Action.SECOND_CODES)
    note(db, clock, staff.as_who(me), Action.SECOND_CODES, On("staff", me.id))
    return _new_codes(db, ids, secret, me.id)


def reset(db: Session, clock: Clock, *, staff_id: str) -> bool:
    """Take her second factor away, and sign her out everywhere.

    If the rule needs her, she sets a new one up when she signs in next, without grace.
    Say whether there was one.

    Raises:
        UnknownStaff: nobody active has this id.
    """
    staff.second_due(db, clock, staff_id)  # first her row, as everybody who asks for a code
    gone = db.exec(
        delete(StaffSecondFactorRow).where(col(StaffSecondFactorRow.staff_id) == staff_id)
    ).rowcount
    db.exec(delete(StaffRecoveryCodeRow).where(col(StaffRecoveryCodeRow.staff_id) == staff_id))
    db.exec(delete(StaffPasskeyRow).where(col(StaffPasskeyRow.staff_id) == staff_id))
    return bool(gone)


def _new_codes(db: Session, ids: Ids, secret: bytes, staff_id: str) -> list[str]:
    db.exec(delete(StaffRecoveryCodeRow).where(col(StaffRecoveryCodeRow.staff_id) == staff_id))
    made = factors.fresh_recovery_codes(ids)
    db.add_all(
        StaffRecoveryCodeRow(
            staff_id=staff_id, code_hash=factors.recovery_hash(secret, staff_id, one)
        )
        for one in made
    )
    db.flush()
    return made
