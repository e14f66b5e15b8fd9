"""Commands of a shopper on her looks: keep for how long, share, withdraw, delete, undo."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, update

from cart.kernel import sealed_key
from cart.kernel.clock import Clock
from cart.kernel.errors import InvalidInput, LooksClosed, TooManyLooks, UnknownLook
from cart.kernel.ids import Ids, secret_hash
from cart.looks import queries
from cart.looks.keys import Opened
from cart.looks.model import (
    KEEP_DAYS,
    SHARE_DAYS,
    SHARES_MAX,
    UNDO_FOR,
    State,
    as_bytes,
    as_text,
    look_context,
)
from cart.looks.queries import Shared
from cart.looks.tables import LookChoiceRow, LookRow, LookShareRow


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh link. ``secret`` is said once: with it goes what opens the look."""

    secret: str
    expires_at: datetime


def content_key(look: LookRow, held: Opened) -> bytes:
    """Return what opens a look's files.

    Raises:
        LooksClosed: it was sealed to a key that this phone does not open.
        SealBroken: the row is not as the mirror sealed it.
    """
    private = held.get(look.key_id)
    if private is None:
        msg = f"look {look.id} is sealed to another phone's key"
        raise LooksClosed(msg)
    return sealed_key.open_sealed_to(private, as_bytes(look.sealed_key), look_context(look.id))


def shared_key(found: Shared, secret: str) -> bytes:
    """Return what opens the files of a look that somebody has a link to.

    Raises:
        SealBroken: the row is not as it was made.
    """
    context = look_context(found.look.id)
    return sealed_key.open_under(secret.encode(), as_bytes(found.share.sealed), context)


def keep_for(db: Session, session_id: str, days: int) -> None:
    """Keep this shopper's looks for so many days after they were taken, also those she has.

    Raises:
        InvalidInput: not one of KEEP_DAYS.
    """
    if days not in KEEP_DAYS:
        msg = f"looks are kept for {', '.join(map(str, KEEP_DAYS))} days, not {days}"
        raise InvalidInput(msg)
    choice = db.get(LookChoiceRow, session_id, with_for_update=True)
    choice = choice or LookChoiceRow(session_id=session_id, keep_days=days)
    choice.keep_days = days
    db.add(choice)
    for look in queries.kept(db, session_id):
        look.expires_at = look.taken_at + timedelta(days=days)
        db.add(look)
    db.flush()


def share(
    db: Session, clock: Clock, ids: Ids, *, session_id: str, look_id: str, held: Opened, days: int
) -> Link:
    """Make a link to a look that is good for so many days.

    Raises:
        UnknownLook, LooksClosed: as they say.
        InvalidInput: not one of SHARE_DAYS.
        TooManyLooks: SHARES_MAX links lead to it.
    """
    if days not in SHARE_DAYS:
        msg = f"a link is good for {', '.join(map(str, SHARE_DAYS))} days, not {days}"
        raise InvalidInput(msg)
    look = queries.own(db, session_id, look_id, lock=True)
    now, secret = clock.now(), ids.token()
    if len(queries.shares(db, look_id, now)) >= SHARES_MAX:
        msg = f"{SHARES_MAX} links lead to this look"
        raise TooManyLooks(msg)
    key = content_key(look, held)
    sealed = sealed_key.seal_under(secret.encode(), key, look_context(look_id))
    expires_at = min(now + timedelta(days=days), look.expires_at)
    db.add(
        LookShareRow(
            secret_hash=secret_hash(secret),
            look_id=look_id,
            sealed=as_text(sealed),
            created_at=now,
            expires_at=expires_at,
        )
    )
    db.flush()
    return Link(secret, expires_at)


def withdraw(db: Session, *, session_id: str, look_id: str) -> None:
    """Let no link lead to this look any more, from the commit on.

    Raises:
        UnknownLook: as it says.
    """
    queries.own(db, session_id, look_id)
    db.exec(delete(LookShareRow).where(col(LookShareRow.look_id) == look_id))


def remove(db: Session, clock: Clock, *, session_id: str, look_id: str) -> None:
    """Delete a look: nobody sees it any more. Within UNDO_FOR it can be had back.

    Links to it are withdrawn for good.

    Raises:
        UnknownLook: as it says.
    """
    look = queries.own(db, session_id, look_id, State.KEPT, State.DELETED, lock=True)
    if look.state == State.DELETED:
        return
    look.state, look.deleted_at = State.DELETED.value, clock.now()
    db.add(look)
    db.exec(delete(LookShareRow).where(col(LookShareRow.look_id) == look_id))
    db.flush()


def undo(db: Session, clock: Clock, *, session_id: str, look_id: str) -> None:
    """Have a look back that was deleted just now.

    Raises:
        UnknownLook: it is too late, or as it says.
    """
    queries.own(db, session_id, look_id, State.KEPT, State.DELETED)
    db.exec(
        update(LookRow)
        .where(
            col(LookRow.id) == look_id,
            col(LookRow.state) == State.DELETED,
            col(LookRow.deleted_at) > clock.now() - UNDO_FOR,
        )
        .values(state=State.KEPT.value, deleted_at=None)
        .execution_options(synchronize_session=False)
    )
    if queries.own(db, session_id, look_id, State.KEPT, State.DELETED).state != State.KEPT:
        msg = f"look {look_id} was deleted for good"
        raise UnknownLook(msg, look_id=look_id)
