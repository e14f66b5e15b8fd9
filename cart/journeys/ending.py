"""Ends what is kept of runs when its time is over."""

from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from cart.db.guarded import write
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.clock import Clock

KEPT: Final = timedelta(days=400)  # thirteen months: a season and the one before it


def forget(db: Session, clock: Clock, limit: int) -> int:
    """Delete at most ``limit`` runs that ended so long ago, with their messages; say how many."""
    old = (
        select(JourneyRunRow.id)
        .where(col(JourneyRunRow.ended_at) < clock.now() - KEPT)
        .order_by(col(JourneyRunRow.ended_at), col(JourneyRunRow.id))
        .limit(limit)
    )
    ids = list(db.exec(old).all())
    if ids:
        write(db, delete(JourneyMessageRow).where(col(JourneyMessageRow.run_id).in_(ids)))
        write(db, delete(JourneyRunRow).where(col(JourneyRunRow.id).in_(ids)))
    return len(ids)
