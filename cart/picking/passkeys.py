"""Passkeys of staff: a second factor beside the app, for who has set an app up.

Owns the rows. What an authenticator's answer is worth is decided by whoever calls; a
challenge is taken by one DELETE, so it is answered once, right or wrong.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session, col, delete, func, or_, select, update

from cart.audit.model import Action, On
from cart.audit.service import note
from cart.db.guarded import insert_new, insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.errors import NotSignedIn, PasskeyRefused, TooManyPasskeys
from cart.kernel.ids import Ids
from cart.picking import second, staff, tries
from cart.picking.model import Staff
from cart.picking.tables import StaffChallengeRow, StaffPasskeyRow

STAFF_PASSKEYS_MAX: Final = 5  # of one person: a phone, a laptop, keys on a ring
CHALLENGE_FOR: Final = timedelta(minutes=5)  # WebAuthn level 3, 15.1: five minutes and more
DEVICE_LENGTH_MAX: Final = 40


class Purpose(StrEnum):
    """What a challenge is for: its answer is good for that alone."""

    ADD = "add"
    ENTER = "enter"


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A passkey as its authenticator made it; ``credential_id``, ``public_key`` in base64url."""

    credential_id: str
    public_key: str
    sign_count: int
    backed_up: bool


def challenge(
    db: Session, clock: Clock, ids: Ids, secret: bytes, me: Staff, *, purpose: Purpose
) -> bytes:
    """Return 32 bytes for her authenticator to sign; the one before is good no more."""
    nonce = ids.token()
    kept = {"nonce": nonce, "expires_at": clock.now() + CHALLENGE_FOR}
    insert_or_change(
        db,
        StaffChallengeRow,
        {"staff_id": me.id, "purpose": purpose.value, **kept},
        keys=["staff_id", "purpose"],
        change=kept,
    )
    return _bytes(secret, purpose, nonce)


def take(db: Session, clock: Clock, secret: bytes, me: Staff, purpose: Purpose) -> bytes | None:
    """Take her challenge; None: she was asked nothing lately."""
    nonce = db.execute(
        delete(StaffChallengeRow)
        .where(
            col(StaffChallengeRow.staff_id) == me.id,
            col(StaffChallengeRow.purpose) == purpose.value,
            col(StaffChallengeRow.expires_at) > clock.now(),
        )
        .returning(col(StaffChallengeRow.nonce))
    ).scalar_one_or_none()
    return None if nonce is None else _bytes(secret, purpose, nonce)


def begin(
    db: Session, clock: Clock, ids: Ids, secret: bytes, me: Staff, *, code: str
) -> bytes | Exception:
    """Return what a new passkey is to sign, for a code of her app or a recovery code.

    A refusal is returned, to be raised after the commit.

    Raises:
        NotSignedIn: she has no app: that comes first, with its recovery codes.
        TooManyPasskeys: she has STAFF_PASSKEYS_MAX.
    """
    if second.has(db, me.id).since is None:
        msg = "an app is set up first"
        raise NotSignedIn(msg)
    _room(db, me)
    if not second.proved(db, clock, secret, me, code):
        return second.refused(db, clock, me.id, Action.SECOND_PASSKEY)
    return challenge(db, clock, ids, secret, me, purpose=Purpose.ADD)


def keep(
    db: Session, clock: Clock, ids: Ids, me: Staff, *, made: MadeKey, device: str
) -> StaffPasskeyRow:
    """Keep a passkey that answered her challenge.

    Raises:
        TooManyPasskeys: she has STAFF_PASSKEYS_MAX.
        PasskeyRefused: somebody has this one already.
    """
    _room(db, me)
    values = {
        "id": ids.new("staffkey"),
        "staff_id": me.id,
        "credential_id": made.credential_id,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
        "backed_up": made.backed_up,
        "device": device[:DEVICE_LENGTH_MAX],
        "created_at": clock.now(),
    }
    if not insert_new(db, StaffPasskeyRow, values, keys=["credential_id"]):
        msg = "this passkey is kept already"
        raise PasskeyRefused(msg)
    note(db, clock, staff.as_who(me), Action.SECOND_PASSKEY, On("staff", me.id))
    return db.get_one(StaffPasskeyRow, values["id"])


def of_staff(db: Session, staff_id: str) -> Sequence[StaffPasskeyRow]:
    """Return somebody's passkeys, the oldest first."""
    return db.exec(
        select(StaffPasskeyRow)
        .where(StaffPasskeyRow.staff_id == staff_id)
        .order_by(col(StaffPasskeyRow.created_at), col(StaffPasskeyRow.id))
    ).all()


def used(db: Session, clock: Clock, me: Staff, passkey: StaffPasskeyRow, count: int) -> bool:
    """Keep that it was used; False: her number is locked, it is gone, or a copy was faster.

    An authenticator that does not count says 0 for ever.
    """
    if not tries.still_with_us(db, me.id, clock.now()):
        return False
    moved = db.exec(
        update(StaffPasskeyRow)
        .where(
            col(StaffPasskeyRow.id) == passkey.id,
            col(StaffPasskeyRow.staff_id) == me.id,
            or_(col(StaffPasskeyRow.sign_count) < count, col(StaffPasskeyRow.sign_count) == 0),
        )
        .values(sign_count=count, used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return bool(moved.rowcount)


def remove(
    db: Session, clock: Clock, secret: bytes, me: Staff, *, passkey_id: str, code: str
) -> Exception | None:
    """Forget a passkey of hers, for a code; one that is gone already is as good.

    A refusal is returned, to be raised after the commit.
    """
    if not second.proved(db, clock, secret, me, code):
        return second.refused(db, clock, me.id, Action.SECOND_PASSKEY_REMOVE)
    gone = db.exec(
        delete(StaffPasskeyRow).where(
            col(StaffPasskeyRow.id) == passkey_id, col(StaffPasskeyRow.staff_id) == me.id
        )
    )
    if gone.rowcount:
        note(db, clock, staff.as_who(me), Action.SECOND_PASSKEY_REMOVE, On("staff", me.id))
    return None


def _room(db: Session, me: Staff) -> None:
    has = db.exec(select(func.count()).where(StaffPasskeyRow.staff_id == me.id)).one()
    if has >= STAFF_PASSKEYS_MAX:
        msg = f"{STAFF_PASSKEYS_MAX} passkeys are kept at most"
        raise TooManyPasskeys(msg, passkeys_max=STAFF_PASSKEYS_MAX)


def _bytes(secret: bytes, purpose: Purpose, nonce: str) -> bytes:
    return hmac.digest(secret, f"staff passkey\0{purpose}\0{nonce}".encode(), hashlib.sha256)
