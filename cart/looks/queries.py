"""Every select on looks but those of uploads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from cart.kernel.errors import UnknownLook, UnknownShare
from cart.kernel.ids import secret_hash
from cart.looks.model import KEEP_DAYS_USUAL, State
from cart.looks.tables import (
    LookAskRow,
    LookChoiceRow,
    LookItemRow,
    LookKeyRow,
    LookPhoneRow,
    LookRow,
    LookShareRow,
)


def keys_of(db: Session, session_id: str) -> Sequence[LookKeyRow]:
    """Return the key pairs of a shopper session, the newest first: mirrors seal to that one."""
    return db.exec(
        select(LookKeyRow)
        .where(LookKeyRow.session_id == session_id)
        .order_by(col(LookKeyRow.created_at).desc(), col(LookKeyRow.id).desc())
    ).all()


def phones_of(db: Session, session_id: str, name: str) -> Sequence[LookPhoneRow]:
    """Return what one phone opens of a session's looks: a row for each key."""
    return db.exec(
        select(LookPhoneRow)
        .join(LookKeyRow, col(LookKeyRow.id) == LookPhoneRow.key_id)
        .where(LookKeyRow.session_id == session_id, LookPhoneRow.phone_name == name)
    ).all()


def keep_days(db: Session, session_id: str) -> int:
    """Return for how many days a session's looks are kept."""
    found = db.get(LookChoiceRow, session_id)
    return found.keep_days if found else KEEP_DAYS_USUAL


def has_pin(db: Session, session_id: str) -> bool:
    """Say whether a PIN stands before a session's looks."""
    found = db.get(LookChoiceRow, session_id)
    return found is not None and bool(found.pin_salt)


def kept(db: Session, session_id: str) -> Sequence[LookRow]:
    """Return a session's looks, the newest first."""
    return db.exec(
        select(LookRow)
        .join(LookKeyRow, col(LookKeyRow.id) == LookRow.key_id)
        .where(LookKeyRow.session_id == session_id, LookRow.state == State.KEPT)
        .order_by(col(LookRow.taken_at).desc(), col(LookRow.id).desc())
    ).all()


def counted(db: Session, session_id: str) -> int:
    """Return how many looks a session has, with those on their way."""
    return db.exec(
        select(func.count())
        .select_from(LookRow)
        .join(LookKeyRow, col(LookKeyRow.id) == LookRow.key_id)
        .where(LookKeyRow.session_id == session_id, LookRow.state != State.GONE)
    ).one()


def own(db: Session, session_id: str, look_id: str, *states: State, lock: bool = False) -> LookRow:
    """Return a look of this session, kept unless other states are asked for.

    Raises:
        UnknownLook: there is none, it is another's, or is in another state.
    """
    asked = (
        select(LookRow)
        .join(LookKeyRow, col(LookKeyRow.id) == LookRow.key_id)
        .where(
            LookRow.id == look_id,
            LookKeyRow.session_id == session_id,
            col(LookRow.state).in_(states or (State.KEPT,)),
        )
        .execution_options(populate_existing=True)
    )
    found = db.exec(asked.with_for_update(of=LookRow) if lock else asked).first()
    if found is None:
        msg = f"this shopper has no look {look_id}"
        raise UnknownLook(msg, look_id=look_id)
    return found


def items(db: Session, look_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the GTINs tried in each look, in their order."""
    rows = db.exec(
        select(LookItemRow)
        .where(col(LookItemRow.look_id).in_(look_ids))
        .order_by(col(LookItemRow.look_id), col(LookItemRow.position))
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.look_id, []).append(row.gtin)
    return found


def asks(db: Session, session_id: str, now: datetime) -> Sequence[LookAskRow]:
    """Return phones that ask to open a session's looks, the first one first."""
    return db.exec(
        select(LookAskRow)
        .where(LookAskRow.session_id == session_id, LookAskRow.expires_at > now)
        .order_by(col(LookAskRow.asked_at), col(LookAskRow.id))
    ).all()


def shares(db: Session, look_id: str, now: datetime) -> Sequence[LookShareRow]:
    """Return a look's links that still lead somewhere, the newest first."""
    return db.exec(
        select(LookShareRow)
        .where(LookShareRow.look_id == look_id, LookShareRow.expires_at > now)
        .order_by(col(LookShareRow.created_at).desc(), LookShareRow.secret_hash)
    ).all()


@dataclass(frozen=True, slots=True)
class Shared:
    """A look that a link leads to."""

    look: LookRow
    share: LookShareRow


def shared(db: Session, secret: str, now: datetime) -> Shared:
    """Return what a link's secret leads to.

    Raises:
        UnknownShare: nowhere: it is wrong, over, withdrawn, or the look is gone.
    """
    share = db.get(LookShareRow, secret_hash(secret))
    look = db.get(LookRow, share.look_id) if share else None
    if share is None or look is None or share.expires_at <= now or look.state != State.KEPT:
        msg = "this link leads to no look"
        raise UnknownShare(msg)
    return Shared(look, share)
