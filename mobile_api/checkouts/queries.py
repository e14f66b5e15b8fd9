"""Selects on checkouts for the phone: whose it is, which one is open, how the last try ended."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session, col, select

from cart.kernel.errors import UnknownCheckout
from cart.orders.model import CheckoutState, Method
from cart.orders.tables import AttemptRow, CheckoutRow


def own(db: Session, checkout_id: str, session_id: str) -> CheckoutRow:
    """Return a shopper's own checkout.

    Raises:
        UnknownCheckout: there is none of this id, or it is another shopper's; which is not said.
    """
    found = db.exec(
        select(CheckoutRow).where(
            CheckoutRow.id == checkout_id, CheckoutRow.session_id == session_id
        )
    ).first()
    if found is None:
        msg = f"this phone has no checkout {checkout_id}"
        raise UnknownCheckout(msg, checkout_id=checkout_id)
    return found


_WANTED = text(
    "SELECT c.location_id, c.state, c.method, c.version, COALESCE(SUM(l.quantity), 0)"
    " FROM checkout AS c LEFT JOIN cart_line AS l ON l.cart_id = c.cart_id AND l.quantity > 0"
    " WHERE c.id = :id GROUP BY c.id"
)


@dataclass(frozen=True, slots=True)
class Gist:
    """The little of a checkout that says what else is to be asked."""

    location_id: str
    state: CheckoutState
    method: Method
    version: int
    pieces: int


def gist(db: Session, checkout_id: str) -> Gist:
    """Return the gist of a checkout, with the pieces of its cart.

    Raises:
        UnknownCheckout: there is none of this id.
    """
    found = db.connection().execute(_WANTED, {"id": checkout_id}).first()
    if found is None:
        msg = f"there is no checkout {checkout_id}"
        raise UnknownCheckout(msg, checkout_id=checkout_id)
    location_id, state, method, version, pieces = found
    return Gist(location_id, CheckoutState(state), Method(method), version, int(pieces))


def open_of_cart(db: Session, cart_id: str) -> CheckoutRow | None:
    """Return the checkout of a cart that is open or being paid."""
    return db.exec(
        select(CheckoutRow).where(
            CheckoutRow.cart_id == cart_id,
            col(CheckoutRow.state).in_([CheckoutState.OPEN, CheckoutState.PAYING]),
        )
    ).first()


def last_attempt(db: Session, checkout_id: str) -> AttemptRow | None:
    """Return the latest try to pay a checkout."""
    return db.exec(
        select(AttemptRow)
        .where(AttemptRow.checkout_id == checkout_id)
        .order_by(col(AttemptRow.started_at).desc(), col(AttemptRow.id).desc())
        .limit(1)
    ).first()
