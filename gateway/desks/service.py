"""Commands on desks: a band was held there, a PIN is tried there, somebody has paid."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, case, col, delete, or_, update

from cart.db.guarded import insert_or_change, write
from cart.kernel.clock import Clock
from gateway.desks.model import TAP_LIVES, WRONG_PINS_MAX, WRONG_PINS_WITHIN, Standing, judge
from gateway.desks.tables import BandAtDeskRow
from gateway.ports import Holder


def present(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    desk: str,
    holders: Sequence[Holder],
    strangers: int,
    at: datetime,
    pressed: bool,
) -> Standing:
    """Note that bands were held to a desk ``at``, by its reader's clock.

    ``holders``: who has those that were near; ``strangers``: how many were nobody's.
    """
    loans = {one.loan_id for one in holders}
    standing, now = judge(loans, strangers, pressed=pressed), clock.now()
    change = {
        "state": standing.value,
        "loan_id": next(iter(loans)) if standing is Standing.ONE else "",
        "tapped_at": at,
        "expires_at": now + TAP_LIVES,
    }
    insert_or_change(
        db,
        BandAtDeskRow,
        {"location_id": location_id, "desk": desk, "wrong_pins": 0, **change},
        keys=["location_id", "desk"],
        change=change,
    )
    return standing


def take_try(db: Session, clock: Clock, *, location_id: str, desk: str) -> bool:
    """Count a PIN that is tried at a desk as wrong; False: too many were. Commit it first."""
    now = clock.now()
    over = or_(
        col(BandAtDeskRow.wrong_since).is_(None),
        col(BandAtDeskRow.wrong_since) <= now - WRONG_PINS_WITHIN,
    )
    counted = write(
        db,
        update(BandAtDeskRow)
        .where(
            col(BandAtDeskRow.location_id) == location_id,
            col(BandAtDeskRow.desk) == desk,
            or_(over, col(BandAtDeskRow.wrong_pins) < WRONG_PINS_MAX),
        )
        .values(
            wrong_pins=case((over, 1), else_=col(BandAtDeskRow.wrong_pins) + 1),
            wrong_since=case((over, now), else_=col(BandAtDeskRow.wrong_since)),
        ),
    )
    return counted == 1


def was_right(db: Session, *, location_id: str, desk: str) -> None:
    """Take a try off the count: it was the right PIN."""
    write(
        db,
        update(BandAtDeskRow)
        .where(
            col(BandAtDeskRow.location_id) == location_id,
            col(BandAtDeskRow.desk) == desk,
            col(BandAtDeskRow.wrong_pins) > 0,
        )
        .values(wrong_pins=BandAtDeskRow.wrong_pins - 1),
    )


def leave(db: Session, clock: Clock, *, location_id: str, desk: str, loan_id: str) -> bool:
    """Let the band at a desk be gone from it; False: it is there no more, or another is."""
    now = clock.now()
    left = write(
        db,
        update(BandAtDeskRow)
        .where(
            col(BandAtDeskRow.location_id) == location_id,
            col(BandAtDeskRow.desk) == desk,
            col(BandAtDeskRow.loan_id) == loan_id,
            col(BandAtDeskRow.state) == Standing.ONE.value,
            col(BandAtDeskRow.expires_at) > now,
        )
        .values(state=Standing.NOBODY.value, loan_id="", expires_at=now),
    )
    return left == 1


def forget(db: Session, clock: Clock) -> None:
    """Forget bands whose time at a desk is over, and the tries there with the last of them."""
    write(
        db,
        delete(BandAtDeskRow).where(
            col(BandAtDeskRow.expires_at) <= clock.now() - WRONG_PINS_WITHIN
        ),
    )
