"""Selects of the report: people by step and time, and how many orders there were."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, and_, col, func, or_, select

from cart.db import is_sqlite
from cart.db.rows import BIGINT, TEXT, run
from cart.journeys.report.model import Counted, Step, Window, bounds_us
from cart.journeys.report.setwise import statement
from cart.kernel.clock import to_us
from cart.orders.tables import OrderEventRow, OrderRow
from cart.profile.consent.holders import holders
from cart.profile.consent.model import Purpose

READ_MAX_MS: Final = 60_000  # a marketer waits no longer, and PostgreSQL does not either
WORK_MEM: Final = "128MB"  # of one such statement: some hundred thousand people without a disk
_COLUMNS: Final = (("location_id", TEXT), ("since_us", BIGINT), ("until_us", BIGINT))
_PLACED: Final = "placed"  # as an order's history has it
_US_PER_S: Final = 1_000_000


def counted(db: Session, chosen: Sequence[Window]) -> list[Counted]:
    """Return the groups of these locations in their times that somebody is in.

    Of each location, and of them all under EVERYWHERE; of each kind of device, and of any under
    ALL_SEEN. Exact: what is shown of it goes through ``coarse``.
    """
    _bounded(db)
    since_us, until_us = bounds_us(chosen)
    holds = holders("holds", Purpose.ANALYTICS)
    rows = run(
        db,
        statement(holds),
        _COLUMNS,
        [(one.location_id, to_us(one.since), to_us(one.until)) for one in chosen],
        {**holds.bound, "since_us": since_us, "until_us": until_us},
    )
    after = 2 + len(Step)
    return [
        Counted(
            location_id=row[0],
            seen=row[1],
            reached=tuple(int(one) for one in row[2:after]),
            timed=int(row[after]),
            median_s=_seconds(row[after + 1]),
            p90_s=_seconds(row[after + 2]),
            spans=tuple(int(one) for one in row[after + 3 :]),
        )
        for row in rows
    ]


def orders(db: Session, chosen: Sequence[Window]) -> dict[str, int]:
    """Return how many orders were placed, by location: everybody's, whatever she allows."""
    if not chosen:
        return {}
    _bounded(db)
    # In most chains there is one time zone: one part for each pair of ends.
    parts = {
        (one.since, one.until): and_(
            col(OrderEventRow.at) >= one.since,
            col(OrderEventRow.at) < one.until,
            col(OrderRow.location_id).in_(
                [
                    other.location_id
                    for other in chosen
                    if (other.since, other.until) == (one.since, one.until)
                ]
            ),
        )
        for one in chosen
    }
    found = db.exec(
        select(OrderRow.location_id, func.count())
        .join(OrderEventRow, col(OrderEventRow.order_id) == col(OrderRow.id))
        .where(
            OrderEventRow.what == _PLACED,
            # The plain bound: it is what the index is asked for.
            col(OrderEventRow.at) >= min(one.since for one in chosen),
            col(OrderEventRow.at) < max(one.until for one in chosen),
            or_(*parts.values()),
        )
        .group_by(col(OrderRow.location_id))
    )
    return dict(found.all())


def _seconds(value: int | None) -> int | None:
    return None if value is None else int(value) // _US_PER_S


def _bounded(db: Session) -> None:
    if not is_sqlite(db.connection()):
        db.execute(text(f"SET LOCAL work_mem = '{WORK_MEM}'"))
        db.execute(text(f"SET LOCAL statement_timeout = {READ_MAX_MS}"))
