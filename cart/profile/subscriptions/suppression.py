"""Whom nobody may write to: kept by a keyed hash, so it outlives an erasure and names nobody."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, func, select

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.profile.subscriptions.model import Reason, address_hash
from cart.profile.subscriptions.tables import FAILURE_LENGTH_MAX, SuppressionRow


def suppress(
    db: Session, clock: Clock, secret: bytes, address: str, reason: Reason, *, status: str = ""
) -> bool:
    """Write no more to an address; say whether that is new. The first reason stays."""
    return suppress_hashed(db, clock, address_hash(secret, address), reason, status=status)


def suppress_hashed(
    db: Session, clock: Clock, hashed: str, reason: Reason, *, status: str = ""
) -> bool:
    """Write no more to the address with this :func:`address_hash`; say whether that is new."""
    values = {
        "address_hash": hashed,
        "reason": reason.value,
        "status": status[:FAILURE_LENGTH_MAX],
        "since_at": clock.now(),
    }
    return insert_new(db, SuppressionRow, values, keys=["address_hash"])


def reason_of(db: Session, secret: bytes, address: str) -> Reason | None:
    """Return why nobody may write to an address; None: one may."""
    found = db.exec(
        select(SuppressionRow.reason).where(
            SuppressionRow.address_hash == address_hash(secret, address)
        )
    ).first()
    return None if found is None else Reason(found)


def lift(db: Session, secret: bytes, address: str) -> bool:
    """Let letters go to an address again, because its owner says so; say whether they might not."""
    hers = col(SuppressionRow.address_hash) == address_hash(secret, address)
    return bool(write(db, delete(SuppressionRow).where(hers)))


def counted(db: Session) -> Sequence[tuple[Reason, int]]:
    """Return how many addresses are on the list, by reason."""
    rows = db.exec(
        select(SuppressionRow.reason, func.count()).group_by(SuppressionRow.reason)
    ).all()
    return sorted((Reason(reason), number) for reason, number in rows)
