"""Adds up orders, money and promised pieces, and says of every difference what it is.

Changes nothing. Joins what the domain adds up for itself with what only the two
together show: pieces that orders wait for, and pieces that stock has allocated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, select

from cart.orders import queries
from cart.orders.model import Method, OrderState
from cart.orders.paying import expired_attempts
from cart.orders.tables import OrderRow, RefundRow
from mobile_api.payment.queries import unclosed

LIMIT: Final = 1_000  # of each kind; a report that long is a disaster, and the first rows tell
# The sweep looks every few seconds, and a refund is tried again for hours only while a
# provider is away.
SWEPT_WITHIN: Final = timedelta(minutes=5)
CLOSED_WITHIN: Final = timedelta(hours=1)
REFUNDED_WITHIN: Final = timedelta(hours=1)
SENT_WITHIN: Final = timedelta(days=2)  # carriers come every working day; over a weekend not
_PIECES: Final = text(
    "SELECT b.reference, b.sku, SUM(b.waited) AS waited, SUM(b.allocated) AS allocated FROM ("
    " SELECT stock_reference AS reference, sku, quantity - cancelled - handed_over AS waited,"
    " 0 AS allocated FROM order_line WHERE quantity - cancelled - handed_over <> 0"
    " UNION ALL SELECT reference, sku, 0, allocated FROM reservation WHERE allocated <> 0"
    " ) AS b GROUP BY b.reference, b.sku HAVING SUM(b.waited) <> SUM(b.allocated)"
    " ORDER BY b.reference, b.sku LIMIT :limit"
)
_PICKED: Final = text(
    "SELECT b.location_id, b.sku, SUM(b.picked) AS picked, SUM(b.ledger) AS ledger FROM ("
    " SELECT t.location_id, l.sku, l.picked, 0 AS ledger"
    " FROM pick_line AS l JOIN pick_task AS t ON t.id = l.task_id WHERE l.picked > 0"
    " UNION ALL SELECT location_id, sku, 0, picked_delta FROM movement WHERE picked_delta <> 0"
    " ) AS b GROUP BY b.location_id, b.sku HAVING SUM(b.picked) <> SUM(b.ledger)"
    " ORDER BY b.location_id, b.sku LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an operator should look at, in words. ``wrong`` false: it is on its way."""

    what: str
    id: str
    words: str
    wrong: bool = True


def findings(db: Session, now: datetime) -> Iterator[Finding]:
    """Yield all that does not add up, then what waits."""
    for one in queries.differences(db, LIMIT):
        words = f"should be {one.expected_minor}, is {one.found_minor}"
        yield Finding(one.what, one.id, words)
    for row in db.connection().execute(_PIECES, {"limit": LIMIT}):
        words = f"{row[1]}: orders wait for {int(row[2])} pieces, {int(row[3])} are allocated"
        yield Finding("pieces", row[0], words)
    for row in db.connection().execute(_PICKED, {"limit": LIMIT}):
        words = f"{row[1]}: pick lines say {int(row[2])} pieces, the ledger {int(row[3])}"
        yield Finding("picked", row[0], words)
    for attempt_id in expired_attempts(db, now - SWEPT_WITHIN, LIMIT):
        yield Finding("attempt", attempt_id, "is open though its time has passed")
    for held in unclosed(db, now - CLOSED_WITHIN, LIMIT):
        words = f"is over, its page at {held.provider} ({held.provider_ref}) is open; tried hourly"
        yield Finding("payment", held.attempt_id, words)
    packed = (
        select(OrderRow)
        .where(
            OrderRow.state == OrderState.READY,
            OrderRow.method == Method.SHIP,
            col(OrderRow.ready_at) < now - SENT_WITHIN,
        )
        .order_by(col(OrderRow.ready_at), col(OrderRow.id))
        .limit(LIMIT)
    )
    for order in db.exec(packed):
        words = f"{order.ticket} at {order.location_id} is packed since {order.ready_at:%Y-%m-%d}"
        yield Finding("parcel", order.id, f"{words}, and nobody has said who carries it")
    waiting = (
        select(RefundRow)
        .where(col(RefundRow.state).in_(("due", "failed")))
        .order_by(col(RefundRow.created_at), col(RefundRow.id))
        .limit(LIMIT)
    )
    for refund in db.exec(waiting):
        late = refund.state == "failed" or refund.created_at < now - REFUNDED_WITHIN
        why = f": {refund.failure}" if refund.failure else ""
        words = f"{refund.amount_minor} {refund.currency} {refund.state} ({refund.reason}){why}"
        yield Finding("refund", refund.id, words, wrong=late)
