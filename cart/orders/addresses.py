"""Addresses of sales that are over: for how long they are known, and how they are emptied.

Over: nothing has happened to a closed order since a time, no return and no refund either,
and no letter waits; or nobody has paid or touched a checkout since then. The postal address
of an order stays for the books; its copies, and those of what was never bought, do not.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.orders.model import ATTEMPT_OPEN
from cart.orders.tables import AttemptRow, CheckoutRow

_ORDERS: Final = (
    "SELECT o.id FROM placed_order AS o"
    " WHERE o.email <> '' AND o.state NOT IN ('placed', 'picking', 'ready')"
    " AND NOT EXISTS (SELECT 1 FROM order_event AS e WHERE e.order_id = o.id AND e.at >= :before)"
    " AND NOT EXISTS (SELECT 1 FROM order_letter AS l"
    " WHERE l.order_id = o.id AND l.state = 'requested') LIMIT :limit"
)
_CHECKOUTS: Final = (
    "SELECT c.id FROM checkout AS c"
    " WHERE (c.email <> '' OR CAST(c.address AS TEXT) <> '{}')"
    " AND c.state <> 'paying' AND c.changed_at < :before AND NOT EXISTS"
    " (SELECT 1 FROM placed_order AS o WHERE o.checkout_id = c.id AND o.email <> '') LIMIT :limit"
)


def erase(db: Session, before: datetime, limit: int) -> int:
    """Empty addresses of what is over, at most ``limit`` of each kind; return how many rows."""
    values = {"before": before, "limit": limit}
    orders = f"UPDATE placed_order SET email = '' WHERE id IN ({_ORDERS})"  # noqa: S608
    checkouts = f"UPDATE checkout SET email = '', address = '{{}}' WHERE id IN ({_CHECKOUTS})"  # noqa: S608
    gone = sum(
        int(db.connection().execute(_of_time(one), values).rowcount) for one in (orders, checkouts)
    )
    attempts = db.exec(_attempts(before, limit)).all()
    for attempt_id in attempts:  # one by one: JSON is changed in other words by each database
        row = db.get_one(AttemptRow, attempt_id, populate_existing=True)
        row.wanted = {**row.wanted, "email": "", "address": {}}
        db.add(row)
    db.flush()
    return gone + len(attempts)


def _attempts(before: datetime, limit: int) -> SelectOfScalar[str]:
    """Return attempts that are over and whose checkout's address is no longer known."""
    wanted = col(AttemptRow.wanted)
    return (
        select(AttemptRow.id)
        .join(CheckoutRow, col(CheckoutRow.id) == col(AttemptRow.checkout_id))
        .where(
            or_(
                wanted["email"].as_string() != "",
                wanted["address"]["name"].as_string() != "",
            ),
            col(AttemptRow.state).not_in(ATTEMPT_OPEN),
            col(AttemptRow.started_at) < before,
            CheckoutRow.email == "",
            col(CheckoutRow.state) != "paying",
            col(CheckoutRow.changed_at) < before,
        )
        .limit(limit)
    )


def _of_time(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("before", type_=UTCDateTime()))
