"""Every select on wristbands and loans."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from sqlmodel import Session, and_, col, func, select

from cart.carts.tables import ShopperSessionRow
from cart.profile.consent import queries as consents
from cart.profile.consent.model import Purpose, Subject, holds
from gateway.bands.model import ListedBand, OutBand, State
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow, BandRow, DeskCodeRow
from gateway.ports import Holder
from gateway.wire.band import BandKey

_LOG = logging.getLogger(__name__)
LIST_MAX: Final = 5_000  # bands in one answer; a department store has hundreds
LOST_MAX: Final = 5_000  # listened for; a chain that loses more has other worries
HOLDERS_AT_ONCE: Final = 500  # numbers bound to one statement


def numbers_out(db: Session) -> list[int]:
    """Return the number of every band that somebody has."""
    return list(db.exec(select(BandRow.number).where(BandRow.state == State.OUT.value)))


def numbers_lost(db: Session) -> list[int]:
    """Return the number of every band that was reported lost, those heard last first."""
    lost = select(BandRow.number).where(BandRow.state == State.LOST.value)
    newest = col(BandRow.heard_at).desc().nulls_last()
    return list(db.exec(lost.order_by(newest, col(BandRow.number)).limit(LOST_MAX)))


def bands_out(
    db: Session,
    sealing: Sealing,
    only: Collection[int] | None = None,
    *,
    state: State = State.OUT,
) -> list[OutBand]:
    """Return every band that somebody has, by number, with its secret opened; ``only`` these.

    ``state``: those in another one, which have to be named.

    One whose secret cannot be opened is left out, and said to the log.
    """
    every = sorted(numbers_out(db) if only is None else only)
    return [
        band
        for start in range(0, len(every), HOLDERS_AT_ONCE)
        for row in db.exec(
            select(BandRow)
            .where(
                col(BandRow.number).in_(every[start : start + HOLDERS_AT_ONCE]),
                BandRow.state == state.value,
            )
            .order_by(col(BandRow.number))
        )
        if (band := _opened(row, sealing)) is not None
    ]


def band_out(db: Session, sealing: Sealing, number: int) -> OutBand | None:
    """Return this band if somebody has it, as :func:`bands_out` does."""
    row = db.get(BandRow, number, populate_existing=True)
    if row is None or row.state != State.OUT.value:
        return None
    return _opened(row, sealing)


def holder_of(db: Session, number: int) -> Holder | None:
    """Return who has a band, None for nobody; ``follow`` as it may be done at this moment."""
    return holders_of(db, [number]).get(number)


def holders_of(db: Session, numbers: Iterable[int]) -> dict[int, Holder]:
    """Return who has each of these bands; two statements for each HOLDERS_AT_ONCE of them.

    She may be followed if that was allowed at the desk and, of a customer, her consent
    holds; of an anonymous session, if it has not refused since.
    """
    every = sorted(set(numbers))
    return {
        one.number: one
        for start in range(0, len(every), HOLDERS_AT_ONCE)
        for one in _holders(db, every[start : start + HOLDERS_AT_ONCE])
    }


def loan_of_session(db: Session, session_id: str) -> BandLoanRow | None:
    """Return the live loan of a shopper session."""
    return db.exec(
        select(BandLoanRow)
        .where(BandLoanRow.session_id == session_id, col(BandLoanRow.ended_at).is_(None))
        .execution_options(populate_existing=True)
    ).first()


def band_of_session(db: Session, session_id: str) -> tuple[BandRow, Holder] | None:
    """Return the band that a shopper session has, with its holder."""
    loan = loan_of_session(db, session_id)
    holder = holder_of(db, loan.number) if loan is not None else None
    return None if holder is None else (db.get_one(BandRow, holder.number), holder)


def listed(
    db: Session,
    *,
    location_id: str | None = None,
    states: Sequence[State] = tuple(State),
    numbers: Sequence[int] | None = None,
) -> list[ListedBand]:
    """Return the bands (of a location, of these numbers), by number, with their live loans."""
    statement = (
        select(BandRow, BandLoanRow)
        .join(
            BandLoanRow,
            and_(col(BandLoanRow.number) == BandRow.number, col(BandLoanRow.ended_at).is_(None)),
            isouter=True,
        )
        .where(col(BandRow.state).in_([one.value for one in states]))
        .order_by(col(BandRow.number))
        .limit(LIST_MAX)
    )
    if location_id is not None:
        statement = statement.where(BandRow.location_id == location_id)
    if numbers is not None:
        statement = statement.where(col(BandRow.number).in_(numbers))
    return [
        ListedBand(
            number=band.number,
            state=State(band.state),
            location_id=band.location_id,
            battery_percent=band.battery_percent,
            firmware=band.firmware,
            made_at=band.made_at,
            heard_at=band.heard_at,
            handed_out_at=loan.handed_out_at if loan else None,
            greeting=loan.greeting if loan else "",
            follow=loan.follow if loan else False,
        )
        for band, loan in db.exec(statement)
    ]


def highest_number(db: Session) -> int:
    """Return the highest number that a band has, 0 if there is none."""
    return db.exec(select(func.max(BandRow.number))).one() or 0


def session_of_desk_code(db: Session, code_hash: str) -> DeskCodeRow | None:
    """Return the desk code that this is."""
    return db.exec(select(DeskCodeRow).where(DeskCodeRow.code_hash == code_hash)).first()


def _holders(db: Session, numbers: Sequence[int]) -> Iterator[Holder]:
    rows = db.exec(
        select(BandLoanRow, ShopperSessionRow.customer_id)
        .join(ShopperSessionRow)
        .where(col(BandLoanRow.number).in_(numbers), col(BandLoanRow.ended_at).is_(None))
        .execution_options(populate_existing=True)
    ).all()
    asked = [_subject(loan, customer_id) for loan, customer_id in rows if loan.follow]
    decided = consents.standing_of(db, asked, Purpose.LOCATION_IN_SHOP)
    for loan, customer_id in rows:
        decision = decided.get(_subject(loan, customer_id))
        silent = decision is None and customer_id is None
        yield Holder(
            number=loan.number,
            session_id=loan.session_id,
            customer_id=customer_id,
            greeting=loan.greeting,
            locale=loan.locale,
            follow=loan.follow and (silent or holds(decision)),
            loan_id=loan.id,
        )


def _subject(loan: BandLoanRow, customer_id: str | None) -> Subject:
    if customer_id is not None:
        return Subject(customer_id=customer_id)
    return Subject(session_id=loan.session_id)


def _opened(row: BandRow, sealing: Sealing) -> OutBand | None:
    secret = sealing.opened(row.number, row.secret_sealed)
    if secret is None:
        _LOG.warning("band %s cannot be opened: has SECRET_KEY changed?", row.number)
        return None
    return OutBand(
        number=row.number,
        key=BandKey(secret),
        clock_s=(row.clock_low_s + row.clock_high_s) / 2,
        off_s=(row.clock_high_s - row.clock_low_s) / 2,
        at=row.clock_at,
        location_id=row.location_id,
    )
