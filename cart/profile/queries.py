"""Selects on customers and on codes that wait for their mail."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from cart.profile.tables import CustomerEmailRow, SignInCodeRow


def customer_of(db: Session, address: str) -> str | None:
    """Return the customer who has proved this address, in its normal form."""
    return db.exec(
        select(CustomerEmailRow.customer_id).where(CustomerEmailRow.address == address)
    ).first()


def addresses_of(db: Session, customer_id: str) -> Sequence[str]:
    """Return a customer's addresses, the first one first."""
    return db.exec(
        select(CustomerEmailRow.address)
        .where(CustomerEmailRow.customer_id == customer_id)
        .order_by(col(CustomerEmailRow.verified_at), col(CustomerEmailRow.address))
    ).all()


def code_of_browser(db: Session, browser_hash: str) -> SignInCodeRow | None:
    """Return what the browser with this cookie has asked for."""
    return db.exec(select(SignInCodeRow).where(SignInCodeRow.browser_hash == browser_hash)).first()


def waiting(db: Session, before: datetime, limit: int) -> Sequence[str]:
    """Return codes asked for before ``before``, not sent yet and still good, oldest first."""
    return db.exec(
        select(SignInCodeRow.id)
        .where(
            SignInCodeRow.state == "requested",
            SignInCodeRow.requested_at <= before,
            SignInCodeRow.expires_at > before,
        )
        .order_by(col(SignInCodeRow.requested_at), col(SignInCodeRow.id))
        .limit(limit)
    ).all()
