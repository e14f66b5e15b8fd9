"""The virtual queue of a serving place: join, be called, come; or leave, or miss it.

Every step is one guarded update: of two who call at once each calls somebody else, and whoever
comes too late changes nothing.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session, col, delete, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import QueueFull, TurnOver, UnknownServingPlace, UnknownTurn
from cart.kernel.ids import Ids
from gateway.floor.model import TurnState
from gateway.floor.tables import ServingZoneRow, TurnRow

# From anywhere in a large shop it is a walk of three minutes; longer, and the place stands empty.
CALL_LASTS: Final = timedelta(minutes=5)
# Who did not come may have her place in front again for so long, and so often.
ASKED_AGAIN_FOR: Final = timedelta(minutes=15)
MISSED_MAX: Final = 2
QUEUE_MAX: Final = 60  # open turns of one place: more are not served in an evening
NUMBER_MAX: Final = 99  # two digits are called out and remembered; more than QUEUE_MAX
KEPT: Final = timedelta(hours=12)  # of an ended turn: until the shop has closed
SWEPT_MAX: Final = 200  # turns of one round
OPEN: Final = (TurnState.WAITING, TurnState.CALLED)
_OPEN: Final = [one.value for one in OPEN]


def join(
    db: Session, clock: Clock, ids: Ids, *, location_id: str, zone_id: str, session_id: str
) -> TurnRow:
    """Return her open turn at a place, a new one if she has none.

    Who missed hers lately has it again, where it was: she is before those who came later.

    Raises:
        UnknownServingPlace: nobody is served there.
        QueueFull: QUEUE_MAX wait already.
    """
    place = db.exec(
        select(ServingZoneRow)
        .where(ServingZoneRow.location_id == location_id, ServingZoneRow.zone_id == zone_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if place is None:
        msg = f"nobody is served in {zone_id} of {location_id}"
        raise UnknownServingPlace(msg)
    hers = latest(db, clock, location_id, session_id).get(zone_id)
    if hers is not None and hers.state in _OPEN:
        return hers
    taken = set(
        db.exec(
            select(TurnRow.number).where(
                TurnRow.location_id == location_id,
                TurnRow.zone_id == zone_id,
                col(TurnRow.state).in_(_OPEN),
            )
        )
    )
    if len(taken) >= QUEUE_MAX:
        msg = f"{QUEUE_MAX} wait at {zone_id} of {location_id}"
        raise QueueFull(msg)
    if hers is not None and may_come_again(hers, clock) and hers.number not in taken:
        hers.state, hers.called_at, hers.ended_at = TurnState.WAITING.value, None, None
        db.add(hers)
        db.flush()
        return hers
    number = place.given % NUMBER_MAX + 1
    while number in taken:
        number = number % NUMBER_MAX + 1
    place.given = number
    turn = TurnRow(
        id=ids.new("turn"),
        location_id=location_id,
        zone_id=zone_id,
        session_id=session_id,
        number=number,
        joined_at=clock.now(),
    )
    db.add_all((place, turn))
    db.flush()
    return turn


def may_come_again(turn: TurnRow, clock: Clock) -> bool:
    """Say whether she is asked if she still wants to: missed lately, and not too often."""
    return (
        turn.state == TurnState.MISSED
        and turn.missed < MISSED_MAX
        and turn.ended_at is not None
        and clock.now() - turn.ended_at <= ASKED_AGAIN_FOR
    )


def leave(db: Session, clock: Clock, *, location_id: str, zone_id: str, session_id: str) -> bool:
    """Give her open turn up; say whether she had one."""
    gone = db.execute(
        update(TurnRow)
        .where(
            col(TurnRow.location_id) == location_id,
            col(TurnRow.zone_id) == zone_id,
            col(TurnRow.session_id) == session_id,
            col(TurnRow.state).in_(_OPEN),
        )
        .values(state=TurnState.GAVE_UP.value, ended_at=clock.now())
        .returning(col(TurnRow.id))
        .execution_options(synchronize_session="fetch")
    )
    return gone.first() is not None


def call_next(db: Session, clock: Clock, *, location_id: str, zone_id: str) -> TurnRow | None:
    """Call who waits longest; None if nobody does. A colleague who calls at once calls another.

    Raises:
        UnknownServingPlace: nobody is served there.
    """
    if db.get(ServingZoneRow, (location_id, zone_id)) is None:
        msg = f"nobody is served in {zone_id} of {location_id}"
        raise UnknownServingPlace(msg)
    turn = db.exec(
        select(TurnRow)
        .where(
            TurnRow.location_id == location_id,
            TurnRow.zone_id == zone_id,
            TurnRow.state == TurnState.WAITING.value,
        )
        .order_by(col(TurnRow.joined_at), col(TurnRow.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if turn is None:
        return None
    turn.state, turn.called_at = TurnState.CALLED.value, clock.now()
    db.add(turn)
    db.flush()
    return turn


def came(db: Session, clock: Clock, *, location_id: str, turn_id: str) -> None:
    """Note that she who was called is there; again changes nothing.

    Raises:
        UnknownTurn: none of this location.
        TurnOver: she was not called, or it is over.
    """
    _end(db, clock, location_id, turn_id, TurnState.CAME)


def not_here(db: Session, clock: Clock, *, location_id: str, turn_id: str) -> None:
    """Note that she who was called is not there; again changes nothing.

    Raises:
        UnknownTurn: none of this location.
        TurnOver: she was not called, or it is over.
    """
    _end(db, clock, location_id, turn_id, TurnState.MISSED)


def arrived(db: Session, clock: Clock, turn_ids: Collection[str]) -> set[str]:
    """Note that these came, of those who were called; return the locations that changed."""
    return {row.location_id for row in _moved(db, clock, turn_ids, TurnState.CAME)}


def miss(db: Session, clock: Clock) -> set[str]:
    """End calls that nobody has followed for CALL_LASTS, and call the next in their place.

    Turns at places that serve no more are closed. Returns the locations whose queues changed.
    """
    late = db.exec(
        select(TurnRow.id)
        .where(
            TurnRow.state == TurnState.CALLED.value,
            col(TurnRow.called_at) <= clock.now() - CALL_LASTS,
        )
        .order_by(col(TurnRow.called_at))
        .limit(SWEPT_MAX)
    ).all()
    missed = _moved(db, clock, late, TurnState.MISSED)
    over = db.exec(
        select(TurnRow.id)
        .join(
            ServingZoneRow,
            (col(ServingZoneRow.location_id) == TurnRow.location_id)
            & (col(ServingZoneRow.zone_id) == TurnRow.zone_id),
            isouter=True,
        )
        .where(col(TurnRow.state).in_(_OPEN), col(ServingZoneRow.zone_id).is_(None))
        .limit(SWEPT_MAX)
    ).all()
    closed = _moved(db, clock, over, TurnState.CLOSED, of=OPEN)
    for row in missed:
        if db.get(ServingZoneRow, (row.location_id, row.zone_id)) is not None:
            call_next(db, clock, location_id=row.location_id, zone_id=row.zone_id)
    return {row.location_id for row in (*missed, *closed)}


def any_open(db: Session) -> bool:
    """Say whether anybody waits anywhere, or was called."""
    found = db.exec(select(TurnRow.id).where(col(TurnRow.state).in_(_OPEN)).limit(1))
    return found.first() is not None


def forget(db: Session, clock: Clock) -> None:
    """Delete turns that ended KEPT ago, and those that nobody called for as long."""
    before = clock.now() - KEPT
    db.exec(delete(TurnRow).where(col(TurnRow.ended_at) < before))
    waits = (col(TurnRow.state) == TurnState.WAITING.value) & (col(TurnRow.joined_at) < before)
    db.exec(delete(TurnRow).where(waits))


def latest(db: Session, clock: Clock, location_id: str, session_id: str) -> dict[str, TurnRow]:
    """Return her open turn at each place of a location, or else the last that ended lately."""
    rows = db.exec(
        select(TurnRow)
        .where(
            TurnRow.location_id == location_id,
            TurnRow.session_id == session_id,
            col(TurnRow.state).in_(_OPEN) | (col(TurnRow.ended_at) > clock.now() - ASKED_AGAIN_FOR),
        )
        .order_by(col(TurnRow.ended_at), col(TurnRow.id))
        .execution_options(populate_existing=True)
    ).all()
    ended = {row.zone_id: row for row in rows if row.state not in _OPEN}
    return ended | {row.zone_id: row for row in rows if row.state in _OPEN}


def open_turns(db: Session, location_id: str) -> list[TurnRow]:
    """Return the open turns of a location: who is called first, then who waits longest."""
    rows = db.exec(
        select(TurnRow)
        .where(TurnRow.location_id == location_id, col(TurnRow.state).in_(_OPEN))
        .order_by(col(TurnRow.state), col(TurnRow.joined_at), col(TurnRow.id))
        .execution_options(populate_existing=True)
    )
    return list(rows)


def _end(db: Session, clock: Clock, location_id: str, turn_id: str, state: TurnState) -> None:
    if _moved(db, clock, [turn_id], state, at=location_id):
        return
    turn = db.get(TurnRow, turn_id, populate_existing=True)
    if turn is None or turn.location_id != location_id:
        msg = f"{location_id} has no turn {turn_id}"
        raise UnknownTurn(msg)
    if turn.state != state:
        msg = f"the turn is {turn.state}"
        raise TurnOver(msg)


def _moved(
    db: Session,
    clock: Clock,
    turn_ids: Collection[str],
    state: TurnState,
    *,
    of: Iterable[TurnState] = (TurnState.CALLED,),
    at: str | None = None,
) -> list[Row[Any]]:
    """End those of these turns that are in one of these states; return where they were."""
    if not turn_ids:
        return []
    missed = col(TurnRow.missed) + (1 if state is TurnState.MISSED else 0)
    found = db.execute(
        update(TurnRow)
        .where(
            col(TurnRow.id).in_(sorted(turn_ids)),
            col(TurnRow.state).in_([one.value for one in of]),
            *([col(TurnRow.location_id) == at] if at is not None else []),
        )
        .values(state=state.value, ended_at=clock.now(), missed=missed)
        .returning(col(TurnRow.location_id), col(TurnRow.zone_id))
        .execution_options(synchronize_session="fetch")
    )
    return list(found.all())
