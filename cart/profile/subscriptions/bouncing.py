"""What came back for a letter: counted, and the end of an address if it is enough."""

from typing import Final

from sqlmodel import Session

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Source, Subject
from cart.profile.subscriptions import queries, service, suppression
from cart.profile.subscriptions.model import (
    SOFT_IN_A_ROW_MAX,
    Bounce,
    Reason,
    soft_in_a_row,
)
from cart.profile.subscriptions.tables import TopicLetterRow

WEIGHT: Final = {"": 0, Bounce.SOFT: 1, Bounce.HARD: 2, Bounce.COMPLAINT: 3}


def came_back(
    db: Session, clock: Clock, ids: Ids, secret: bytes, *, mark: str, bounce: Bounce, status: str
) -> bool:
    """Note what came back for the letter with this mark; say whether there is one.

    The same again changes nothing. A complaint is a refusal of the purpose, in the ledger too.
    """
    row = queries.by_mark(db, mark)
    if row is None:
        return False
    if WEIGHT[bounce] > WEIGHT[row.bounce]:
        row.bounce, row.bounced_at = bounce, clock.now()
        row.sent_at = row.sent_at or row.requested_at  # it was taken, whatever we heard
        db.add(row)
        db.flush()
    if bounce is Bounce.HARD:
        suppression.suppress(db, clock, secret, row.address, Reason.HARD_BOUNCE, status=status)
    elif bounce is Bounce.COMPLAINT:
        suppression.suppress(db, clock, secret, row.address, Reason.COMPLAINT, status=status)
        _refused(db, clock, ids, row)
    elif soft_in_a_row(queries.sent_to(db, row.address), clock.now()) >= SOFT_IN_A_ROW_MAX:
        suppression.suppress(db, clock, secret, row.address, Reason.SOFT_BOUNCES, status=status)
    return True


def _refused(db: Session, clock: Clock, ids: Ids, row: TopicLetterRow) -> None:
    if row.customer_id is None:
        return
    service.leave_all(db, clock, row.customer_id)
    subject, how = Subject(customer_id=row.customer_id), How(Source.MAIL_LINK)
    consents.withdraw(db, clock, ids, subject, service.PURPOSE, how=how)
