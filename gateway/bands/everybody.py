"""Who has which band and may be followed, of all bands at once: asked every few seconds.

The same as :func:`gateway.bands.queries.holders_of` says of each, in one statement instead of
two for each few hundred. What takes weighing, decisions that somebody brought along from
another session, is left to that one: it is rare, and the rule stands in one place.
"""

from dataclasses import dataclass

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from cart.carts.tables import ShopperSessionRow
from cart.profile.consent import queries as consents
from cart.profile.consent.model import VERSIONS, Purpose
from gateway.bands import queries
from gateway.bands.model import State
from gateway.bands.tables import BandLoanRow, BandRow

FOLLOWING = Purpose.LOCATION_IN_SHOP


@dataclass(frozen=True, slots=True)
class Lent:
    """That somebody has a band, and whether she may be followed at this moment."""

    loan_id: str
    follow: bool


def lent(db: Session, known: dict[int, Lent] | None = None) -> dict[int, Lent]:
    """Return by number every band that somebody has.

    ``known``: what was returned before. Of what has not changed the same objects come back.
    """
    bands = (
        sa_select(
            col(BandLoanRow.number),
            col(BandLoanRow.id),
            col(BandLoanRow.follow),
            col(ShopperSessionRow.customer_id),
        )
        .join(BandRow, col(BandRow.number) == BandLoanRow.number)
        .join(ShopperSessionRow, col(ShopperSessionRow.id) == BandLoanRow.session_id)
        .where(col(BandLoanRow.ended_at).is_(None), col(BandRow.state) == State.OUT.value)
    )
    rows = db.execute(
        consents.with_newest(
            bands,
            FOLLOWING,
            customer_id=col(ShopperSessionRow.customer_id),
            session_id=col(BandLoanRow.session_id),
            asked=col(BandLoanRow.follow),
        )
    )
    before = known or {}
    good_since = VERSIONS[FOLLOWING].good_since
    found: dict[int, Lent] = {}
    to_weigh = []
    for number, loan_id, allowed, customer_id, granted, version, along in rows:
        if allowed and along:
            to_weigh.append(number)
        silent = granted is None and customer_id is None
        follow = bool(allowed and (silent or (granted and (version or 0) >= good_since)))
        same = before.get(number)
        if same is None or same.loan_id != loan_id or same.follow is not follow:
            same = Lent(loan_id, follow)
        found[number] = same
    for number, holder in queries.holders_of(db, to_weigh).items():
        found[number] = Lent(holder.loan_id, holder.follow)
    return found
