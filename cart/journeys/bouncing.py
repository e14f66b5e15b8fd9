"""What came back for a reminder: noted, and the end of an address if it is enough.

As for letters about topics; a complaint ends reminders in the consent ledger, and mail of any
sort by suppression.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from cart.journeys import people
from cart.journeys.tables import JourneyMessageRow
from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Source
from cart.profile.subscriptions import queries, suppression
from cart.profile.subscriptions.bouncing import WEIGHT
from cart.profile.subscriptions.model import (
    LETTERS_LOOKED_AT_MAX,
    SOFT_IN_A_ROW_MAX,
    Bounce,
    Reason,
    SentLetter,
    address_hash,
    soft_in_a_row,
)


def came_back(
    db: Session, clock: Clock, ids: Ids, secret: bytes, *, mark: str, bounce: Bounce, status: str
) -> bool:
    """Note what came back for the reminder with this mark; say whether there is one.

    The same again changes nothing. It was taken, then, also if we never heard so.
    """
    asked = select(JourneyMessageRow).where(JourneyMessageRow.mark == mark)
    row = db.exec(asked.with_for_update()).first()
    if row is None or row.handed_at is None:
        return False
    if WEIGHT[bounce] > WEIGHT[row.bounce]:
        row.bounce, row.bounced_at = bounce, clock.now()
        row.sent_at = row.sent_at or row.handed_at
        row.state = "sent" if row.state == "unknown" else row.state
        db.add(row)
        db.flush()
    if bounce is Bounce.HARD:
        _suppress(db, clock, row, Reason.HARD_BOUNCE, status)
    elif bounce is Bounce.COMPLAINT:
        _suppress(db, clock, row, Reason.COMPLAINT, status)
        subject, how = people.person_of(db, row.session_id).subject, How(Source.MAIL_LINK)
        consents.withdraw(db, clock, ids, subject, Purpose.REMINDERS, how=how)
    elif soft_in_a_row(_sent_to(db, secret, row), clock.now()) >= SOFT_IN_A_ROW_MAX:
        _suppress(db, clock, row, Reason.SOFT_BOUNCES, status)
    return True


def _suppress(
    db: Session, clock: Clock, row: JourneyMessageRow, reason: Reason, status: str
) -> None:
    suppression.suppress_hashed(db, clock, row.to_hash, reason, status=status)


def _sent_to(db: Session, secret: bytes, row: JourneyMessageRow) -> list[SentLetter]:
    """Return the reminders and letters that were taken for an address, the newest first."""
    rows = db.exec(
        select(JourneyMessageRow.sent_at, JourneyMessageRow.bounce)
        .where(
            JourneyMessageRow.to_hash == row.to_hash, col(JourneyMessageRow.sent_at).is_not(None)
        )
        .order_by(col(JourneyMessageRow.sent_at).desc(), col(JourneyMessageRow.id).desc())
        .limit(LETTERS_LOOKED_AT_MAX)
    ).all()
    found = [SentLetter(at, bool(bounce)) for at, bounce in rows if at is not None]
    for address in people.person_of(db, row.session_id).addresses:
        if address_hash(secret, address) == row.to_hash:
            found += queries.sent_to(db, address)
    return sorted(found, key=_sent_at, reverse=True)


def _sent_at(one: SentLetter) -> datetime:
    return one.sent_at
