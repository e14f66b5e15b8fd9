"""How looks end: the key first, then the objects, then the rows. Each step may be done again.

Once the sealed key is overwritten nothing opens the objects, wherever copies of them are. Also
looks for what has no other half: objects without rows, rows without objects.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, or_
from sqlmodel import Session, col, select, update

from cart.kernel.clock import Clock
from cart.kernel.errors import ObjectGone
from cart.looks.model import GRANTED_FOR, UNDO_FOR, Part, State, object_name
from cart.looks.tables import (
    LookAskRow,
    LookItemRow,
    LookPieceRow,
    LookRow,
    LookShareRow,
    LookUploadRow,
)
from cart.objects.model import Objects

logger = logging.getLogger(__name__)
AT_ONCE_MAX: Final = 100  # looks; each is a handful of objects
# An object is written before its row says so: what is younger may still get one.
ORPHANED_AFTER: Final = timedelta(hours=2)


def shred(db: Session, clock: Clock, limit: int = AT_ONCE_MAX) -> int:
    """Overwrite the keys of looks whose time is over; return how many.

    Deleted, and not undone in time; kept for as long as she chose; granted, and never uploaded.
    """
    now = clock.now()
    over: ColumnElement[bool] = or_(
        (col(LookRow.state) == State.DELETED) & (col(LookRow.deleted_at) <= now - UNDO_FOR),
        col(LookRow.state).in_([State.KEPT, State.GRANTED]) & (col(LookRow.expires_at) <= now),
    )
    due = db.exec(select(LookRow.id).where(over).order_by(col(LookRow.id)).limit(limit)).all()
    if due:
        db.exec(delete(LookShareRow).where(col(LookShareRow.look_id).in_(due)))
        db.exec(
            update(LookRow)
            .where(col(LookRow.id).in_(due), over)
            .values(state=State.GONE.value, sealed_key="")
            .execution_options(synchronize_session=False)
        )
    db.exec(delete(LookAskRow).where(col(LookAskRow.expires_at) <= now))
    db.exec(delete(LookShareRow).where(col(LookShareRow.expires_at) <= now))
    return len(due)


def gone(db: Session, limit: int = AT_ONCE_MAX) -> Sequence[str]:
    """Return looks whose objects are to be deleted."""
    return db.exec(
        select(LookRow.id).where(LookRow.state == State.GONE).order_by(col(LookRow.id)).limit(limit)
    ).all()


def finished(db: Session, limit: int = AT_ONCE_MAX) -> Sequence[str]:
    """Return uploads of looks that are kept, whose pieces are of no use any more."""
    return db.exec(
        select(LookPieceRow.upload_id)
        .join(LookUploadRow, col(LookUploadRow.id) == LookPieceRow.upload_id)
        .join(LookRow, col(LookRow.id) == LookUploadRow.look_id)
        .where(LookRow.state == State.KEPT)
        .distinct()
        .limit(limit)
    ).all()


def forget_uploads(db: Session, clock: Clock) -> None:
    """Forget how looks came in, once their grant is over: until then their mirror may ask."""
    old = select(LookRow.id).where(
        LookRow.state == State.KEPT, LookRow.taken_at <= clock.now() - GRANTED_FOR
    )
    without = col(LookUploadRow.id).not_in(select(LookPieceRow.upload_id))
    db.exec(delete(LookUploadRow).where(col(LookUploadRow.look_id).in_(old), without))


def uploads_of(db: Session, look_ids: Iterable[str]) -> Sequence[str]:
    """Return all uploads of these looks."""
    wanted = col(LookUploadRow.look_id).in_(list(look_ids))
    return db.exec(select(LookUploadRow.id).where(wanted)).all()


def delete_objects(objects: Objects, look_ids: Iterable[str], upload_ids: Iterable[str]) -> None:
    """Delete the parts of looks and the pieces of uploads."""
    for look_id in look_ids:
        for part in Part:
            objects.delete(object_name(look_id, part))
    for upload_id in upload_ids:
        for one in list(objects.listed(f"uploads/{upload_id}")):
            objects.delete(one.name)


def delete_rows(db: Session, look_ids: Iterable[str], upload_ids: Iterable[str]) -> None:
    """Delete the rows of looks, and of pieces, whose objects are gone."""
    looks, uploads = list(look_ids), list(upload_ids)
    db.exec(delete(LookPieceRow).where(col(LookPieceRow.upload_id).in_(uploads)))
    for table in (LookItemRow, LookShareRow, LookUploadRow):
        db.exec(delete(table).where(col(table.look_id).in_(looks)))
    db.exec(delete(LookRow).where(col(LookRow.id).in_(looks), col(LookRow.state) == State.GONE))


def without_rows(db: Session, objects: Objects, before: datetime) -> list[str]:
    """Return objects that were written before then and belong to no row."""
    old = [
        one.name
        for prefix in ("looks", "uploads")
        for one in objects.listed(prefix)
        if one.changed_at < before
    ]
    known: set[str] = set()
    owners = sorted({name.split("/")[1] for name in old})
    for start in range(0, len(owners), AT_ONCE_MAX):
        some = owners[start : start + AT_ONCE_MAX]
        for table in (LookRow, LookUploadRow):
            known |= set(db.exec(select(table.id).where(col(table.id).in_(some))).all())
    return [name for name in old if name.split("/")[1] not in known]


def without_objects(db: Session, objects: Objects, after: str = "") -> tuple[list[str], str]:
    """Return looks that are shown and lack a part, of one page; and where the next begins."""
    page = db.exec(
        select(LookRow.id)
        .where(LookRow.state == State.KEPT, LookRow.id > after)
        .order_by(col(LookRow.id))
        .limit(AT_ONCE_MAX)
    ).all()
    lost = [look_id for look_id in page if not _whole(objects, look_id)]
    return lost, page[-1] if len(page) == AT_ONCE_MAX else ""


def give_up_lost(db: Session, look_ids: Iterable[str]) -> None:
    """Show looks no more whose objects are lost; an operator is told."""
    for look_id in look_ids:
        logger.error("look %s is not shown any more: its objects are lost", look_id)
        db.exec(
            update(LookRow)
            .where(col(LookRow.id) == look_id, col(LookRow.state) == State.KEPT)
            .values(state=State.GONE.value, sealed_key="")
        )


def _whole(objects: Objects, look_id: str) -> bool:
    try:
        return all(objects.read(object_name(look_id, part), 0, 1) for part in Part)
    except ObjectGone:
        return False
