"""Selects of attempts and payments, for the routes and the workflows."""

from datetime import datetime

from sqlmodel import Session, col, select

from cart.orders.model import AttemptState, TenderKind
from cart.orders.tables import AttemptRow, TenderRow


def checkout_of(db: Session, attempt_id: str) -> str:
    """Return the id of an attempt's checkout."""
    return db.exec(select(AttemptRow.checkout_id).where(AttemptRow.id == attempt_id)).one()


def is_reserved(db: Session, attempt_id: str) -> bool:
    """Say whether an attempt still waits for its page."""
    state = db.exec(select(AttemptRow.state).where(AttemptRow.id == attempt_id)).first()
    return state == AttemptState.RESERVED


def payment_of(db: Session, attempt_id: str) -> TenderRow | None:
    """Return the part of an attempt that a provider is asked for, if there is one."""
    return db.exec(
        select(TenderRow).where(
            TenderRow.attempt_id == attempt_id, TenderRow.kind == TenderKind.PROVIDER
        )
    ).first()


def unasked_attempts(db: Session, before: datetime, limit: int) -> list[str]:
    """Return attempts for which the provider should have been asked since ``before``."""
    return list(
        db.exec(
            select(AttemptRow.id)
            .where(AttemptRow.state == AttemptState.RESERVED, AttemptRow.started_at <= before)
            .order_by(col(AttemptRow.started_at), col(AttemptRow.id))
            .limit(limit)
        )
    )
