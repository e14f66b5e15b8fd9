"""Who of those who were called has a wristband, and stands where she was called to.

Only of those who were called: who waits, or is there for herself, is nobody here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from gateway.bands.tables import BandLoanRow
from gateway.floor import turns
from gateway.floor.model import TurnState
from gateway.floor.tables import BandPresenceRow, TurnRow


@dataclass(frozen=True, slots=True)
class CalledBand:
    """A turn that was called, and the band of whose it is.

    ``since``: from when on it is in that very zone, None if it is not.
    """

    turn_id: str
    location_id: str
    called_at: datetime
    number: int
    greeting: str
    since: datetime | None

    def has_come(self, now: datetime) -> bool:
        """Say whether she came when she was called.

        Who stood there before is only looking in, maybe, until the call is over: her phone is
        to call her first.
        """
        if self.since is None:
            return False
        return self.since >= self.called_at or now - self.called_at >= turns.CALL_LASTS


def called_bands(
    db: Session,
    location_ids: Collection[str] | None = None,
    *,
    after: datetime | None = None,
) -> list[CalledBand]:
    """Return the bands of those who were called at these locations (at all without), ``after``."""
    there = (
        (col(BandPresenceRow.loan_id) == BandLoanRow.id)
        & (col(BandPresenceRow.location_id) == TurnRow.location_id)
        & (col(BandPresenceRow.zone_id) == TurnRow.zone_id)
    )
    rows = db.execute(
        select(TurnRow, BandLoanRow, BandPresenceRow.since)
        .join(BandLoanRow, col(BandLoanRow.session_id) == TurnRow.session_id)
        .join(BandPresenceRow, there, isouter=True)
        .where(
            TurnRow.state == TurnState.CALLED.value,
            col(BandLoanRow.ended_at).is_(None),
            *([] if location_ids is None else [col(TurnRow.location_id).in_(location_ids)]),
            *([] if after is None else [col(TurnRow.called_at) > after]),
        )
        .order_by(col(TurnRow.id))
        .limit(turns.SWEPT_MAX)
    )
    return [
        CalledBand(
            turn_id=turn.id,
            location_id=turn.location_id,
            called_at=turn.called_at or turn.joined_at,
            number=loan.number,
            greeting=loan.greeting,
            since=since,
        )
        for turn, loan, since in rows
    ]


def arrive(db: Session, clock: Clock, location_ids: Collection[str] | None = None) -> set[str]:
    """Let those have come who were called and are there; return whose queues changed."""
    now = clock.now()
    come = [one.turn_id for one in called_bands(db, location_ids) if one.has_come(now)]
    return turns.arrived(db, clock, come)
