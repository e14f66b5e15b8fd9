"""Who has which band and may be followed, of all bands at once: asked every few seconds.

The same as :func:`gateway.bands.queries.holders_of` says of each, in one statement instead of
two for each few hundred. What takes weighing, decisions that somebody brought along from
another session, is left to that one: it is rare, and the rule stands in one place.
"""

from dataclasses import dataclass

from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, select

from cart.carts.tables import ShopperSessionRow
from cart.profile.consent.model import VERSIONS, Purpose
from cart.profile.consent.tables import ConsentRow, ConsentSubjectRow, ConsentWordingRow
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
    of_her, of_session = aliased(ConsentSubjectRow), aliased(ConsentSubjectRow)
    joined, later = aliased(ConsentSubjectRow), aliased(ConsentRow)
    subject_id = func.coalesce(of_her.id, of_session.id)
    newest = (
        select(func.max(later.number))
        .where(later.subject_id == subject_id, later.purpose == FOLLOWING.value)
        .scalar_subquery()
    )
    brought = select(joined.id).where(joined.joined_id == of_her.id).exists()
    rows = db.execute(
        select(  # type: ignore[call-overload]  # sqlmodel types four columns at most
            BandLoanRow.number,
            BandLoanRow.id,
            BandLoanRow.follow,
            ShopperSessionRow.customer_id,
            ConsentRow.granted,
            ConsentWordingRow.version,
            brought,
        )
        .join(BandRow, col(BandRow.number) == BandLoanRow.number)
        .join(ShopperSessionRow, col(ShopperSessionRow.id) == BandLoanRow.session_id)
        .outerjoin(
            of_her,
            and_(col(BandLoanRow.follow), of_her.customer_id == ShopperSessionRow.customer_id),
        )
        .outerjoin(
            of_session,
            and_(
                col(BandLoanRow.follow),
                of_session.session_id == BandLoanRow.session_id,
                col(ShopperSessionRow.customer_id).is_(None),
            ),
        )
        .outerjoin(
            ConsentRow,
            and_(
                col(ConsentRow.subject_id) == subject_id,
                ConsentRow.purpose == FOLLOWING.value,
                col(ConsentRow.number) == newest,
            ),
        )
        .outerjoin(ConsentWordingRow, col(ConsentWordingRow.hash) == ConsentRow.wording_hash)
        .where(col(BandLoanRow.ended_at).is_(None), BandRow.state == State.OUT.value)
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
