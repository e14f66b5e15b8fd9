"""Selects of attempts and payments, for the routes and the workflows."""

from datetime import datetime

from sqlmodel import Session, and_, col, select

from cart.orders.model import AttemptState, TenderKind, TenderState
from cart.orders.paying import HeldPayment
from cart.orders.tables import AttemptRow, CheckoutRow, TenderRow


def checkout_of(db: Session, attempt_id: str) -> str:
    """Return the id of an attempt's checkout."""
    return db.exec(select(AttemptRow.checkout_id).where(AttemptRow.id == attempt_id)).one()


def version_of(db: Session, checkout_id: str) -> int:
    """Return a checkout's version within this transaction, whatever the session has read."""
    found = select(CheckoutRow.version).where(CheckoutRow.id == checkout_id)
    return int(db.connection().execute(found).scalar_one())


def standing(db: Session, attempt_id: str) -> tuple[CheckoutRow, AttemptRow, TenderRow | None]:
    """Return an attempt, its checkout, and the part that a provider is asked for; one select."""
    checkout, attempt, payment = db.exec(
        select(CheckoutRow, AttemptRow, TenderRow)
        .join(AttemptRow, col(AttemptRow.checkout_id) == col(CheckoutRow.id))
        .outerjoin(
            TenderRow,
            and_(
                col(TenderRow.attempt_id) == col(AttemptRow.id),
                col(TenderRow.kind) == TenderKind.PROVIDER,
            ),
        )
        .where(AttemptRow.id == attempt_id)
    ).one()
    return checkout, attempt, payment


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


def unclosed(db: Session, before: datetime, limit: int) -> list[HeldPayment]:
    """Return payments that are open at a provider though their attempt ended ``before``."""
    found = db.exec(
        select(TenderRow)
        .join(AttemptRow, col(AttemptRow.id) == col(TenderRow.attempt_id))
        .where(
            col(AttemptRow.ended_at) < before,
            TenderRow.state == TenderState.HELD,
            col(TenderRow.provider_ref).is_not(None),
        )
        .order_by(col(AttemptRow.ended_at), col(TenderRow.id))
        .limit(limit)
    )
    return [
        HeldPayment(row.attempt_id, row.id, row.provider or "", row.provider_ref or "")
        for row in found
    ]


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
