"""Phones that let themselves be rung, and rings that are asked for. Commits with what it tells."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select, update

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.profile.push.model import PHONES_MAX, Ring, check_keys, phone_id
from cart.profile.push.tables import PushPhoneRow, PushRingRow

FAILURE_LENGTH_MAX: Final = 200
RINGS_KEPT: Final = timedelta(days=1)  # to answer "my phone did not ring"


def subscribe(
    db: Session,
    clock: Clock,
    *,
    session_id: str,
    endpoint: str,
    point: str,
    auth: str,
    locale: str,
    reminders: bool | None = None,
) -> bool:
    """Let a browser be rung for this session from now on, and for no other.

    The same browser again takes its new keys and language; of more than PHONES_MAX the one that
    was let longest ago goes. ``reminders``: also for these, or not any more; None: as it was for
    this session. Returns whether it is.

    Raises:
        InvalidInput: keys that are none.
    """
    check_keys(point, auth)
    name = phone_id(endpoint)
    if reminders is None:
        reminders = name in reminded(db, session_id)
    _forget(db, [name])
    others = db.exec(
        select(PushPhoneRow.id)
        .where(PushPhoneRow.session_id == session_id)
        .order_by(col(PushPhoneRow.created_at).desc(), col(PushPhoneRow.id))
        .offset(PHONES_MAX - 1)
    ).all()
    _forget(db, others)
    db.add(
        PushPhoneRow(
            id=name,
            session_id=session_id,
            endpoint=endpoint,
            point=point,
            auth=auth,
            locale=locale,
            reminders=reminders,
            created_at=clock.now(),
        )
    )
    db.flush()
    return reminders


def reminded(db: Session, session_id: str) -> Sequence[str]:
    """Return the phones of a session that were let for reminders."""
    asked = select(PushPhoneRow.id).where(
        PushPhoneRow.session_id == session_id, col(PushPhoneRow.reminders)
    )
    return db.exec(asked.order_by(col(PushPhoneRow.id))).all()


def unsubscribe(db: Session, *, session_id: str, endpoint: str) -> bool:
    """Ring a browser of this session no more; say whether it was one."""
    name = phone_id(endpoint)
    hers = select(PushPhoneRow.id).where(
        PushPhoneRow.id == name, PushPhoneRow.session_id == session_id
    )
    return _forget(db, db.exec(hers).all()) > 0


def gone(db: Session, name: str) -> None:
    """Forget a browser of which its push service says that it is not there any more."""
    _forget(db, [name])


def ask(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    session_id: str,
    kind: Ring,
    location_id: str,
    about: str,
    number: int,
    ends_at: datetime,
) -> int:
    """Have every phone of a session rung; return how many."""
    phones = db.exec(select(PushPhoneRow.id).where(PushPhoneRow.session_id == session_id)).all()
    db.add_all(
        PushRingRow(
            id=ids.new("ring"),
            phone_id=one,
            kind=kind.value,
            location_id=location_id,
            about=about,
            number=number,
            requested_at=clock.now(),
            ends_at=ends_at,
        )
        for one in phones
    )
    db.flush()
    return len(phones)


def waiting(db: Session, limit: int) -> Sequence[str]:
    """Return rings that nobody has settled yet, the oldest first."""
    return db.exec(
        select(PushRingRow.id)
        .where(PushRingRow.state == "requested")
        .order_by(col(PushRingRow.requested_at), col(PushRingRow.id))
        .limit(limit)
    ).all()


def settle(db: Session, clock: Clock, ring_id: str, failure: str) -> None:
    """Note that a ring was taken, or (with a ``failure``) that it will not be."""
    db.execute(
        update(PushRingRow)
        .where(col(PushRingRow.id) == ring_id, col(PushRingRow.state) == "requested")
        .values(
            state="failed" if failure else "sent",
            sent_at=None if failure else clock.now(),
            failure=failure[:FAILURE_LENGTH_MAX],
        )
    )


def forget(db: Session, clock: Clock) -> int:
    """Delete rings that are a day old; return how many."""
    old = delete(PushRingRow).where(col(PushRingRow.requested_at) < clock.now() - RINGS_KEPT)
    return int(db.connection().execute(old).rowcount)


def _forget(db: Session, names: Sequence[str]) -> int:
    if not names:
        return 0
    db.execute(delete(PushRingRow).where(col(PushRingRow.phone_id).in_(names)))
    found = db.execute(delete(PushPhoneRow).where(col(PushPhoneRow.id).in_(names)))
    return int(found.rowcount)  # type: ignore[attr-defined]  # a delete has one
