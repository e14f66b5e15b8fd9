"""Every select on desks and who stands there."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cart.carts.tables import ShopperSessionRow
from gateway.bands.tables import BandLoanRow
from gateway.desks.model import Standing
from gateway.desks.tables import BandAtDeskRow
from gateway.floor.tables import FloorReceiverRow

DESKS_MAX = 50  # of one location


@dataclass(frozen=True, slots=True)
class AtDesk:
    """What was held to a desk within TAP_LIVES. ``loan_id`` "" unless ``standing`` is ONE."""

    desk: str
    standing: Standing
    loan_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose band it is. ``customer_id`` None: an anonymous one, which pays nothing."""

    loan_id: str
    number: int
    greeting: str
    locale: str
    session_id: str
    cart_id: str
    customer_id: str | None


def desk_of(db: Session, receiver_id: str) -> tuple[str, str] | None:
    """Return location and name of the desk at which this receiver stands, None if at none."""
    found = db.exec(
        select(FloorReceiverRow.location_id, FloorReceiverRow.desk).where(
            FloorReceiverRow.device_id == receiver_id, col(FloorReceiverRow.desk).is_not(None)
        )
    ).first()
    return None if found is None else (found[0], found[1] or "")


def at_desks(db: Session, location_id: str, now: datetime) -> list[AtDesk]:
    """Return what was held to the desks of a location lately, by desk."""
    rows = db.exec(
        select(BandAtDeskRow)
        .where(BandAtDeskRow.location_id == location_id, BandAtDeskRow.expires_at > now)
        .order_by(col(BandAtDeskRow.desk))
        .limit(DESKS_MAX)
        .execution_options(populate_existing=True)
    )
    return [AtDesk(row.desk, Standing(row.state), row.loan_id, row.expires_at) for row in rows]


def at_desk(db: Session, location_id: str, desk: str, now: datetime) -> AtDesk | None:
    """Return what was held to one desk lately."""
    found = at_desks(db, location_id, now)
    return next((one for one in found if one.desk == desk), None)


def payer(db: Session, loan_id: str, *, lock: bool = False) -> Payer | None:
    """Return who has a band by this loan; None: it has ended.

    ``lock``: keep it from ending until the commit. Lock carts and checkouts first: whoever moves
    a loan to another session does too.
    """
    asked = (
        select(BandLoanRow, ShopperSessionRow.cart_id, ShopperSessionRow.customer_id)
        .join(ShopperSessionRow, col(ShopperSessionRow.id) == BandLoanRow.session_id)
        .where(
            BandLoanRow.id == loan_id,
            col(BandLoanRow.ended_at).is_(None),
            col(ShopperSessionRow.ended_at).is_(None),
        )
        .execution_options(populate_existing=True)
    )
    found = db.exec(asked.with_for_update(of=BandLoanRow) if lock else asked).first()
    if found is None:
        return None
    loan, cart_id, customer_id = found
    return Payer(
        loan.id, loan.number, loan.greeting, loan.locale, loan.session_id, cart_id, customer_id
    )
