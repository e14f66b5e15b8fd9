"""How often something may happen: counted in the database, so for all processes together.

A window begins with the first time and ends after its seconds; the one UPDATE that counts
is the answer, so of rivals no more get through than may. Subjects are kept under a keyed
hash: the rows name neither an address nor a network.
"""

import hashlib
import hmac
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete
from sqlmodel import Session, col, select

from cart.db.guarded import insert_or_change
from cart.kernel.clock import Clock
from cart.kernel.errors import TooManyAttempts
from cart.profile.model import Limit
from cart.profile.tables import RateLimitRow

_LOG = logging.getLogger(__name__)


def count(
    db: Session, clock: Clock, secret: bytes, wanted: Iterable[tuple[Sequence[Limit], str]]
) -> TooManyAttempts | None:
    """Count one more for each (limits, subject), or return why not, to be raised after commit.

    What was counted before the one that refuses stays counted: asking on does not help.
    """
    now = clock.now()
    for limits, subject in wanted:
        for limit in limits:
            name = _hash(secret, limit.what, subject)
            if not _counted(db, name, limit, now):
                msg = f"{limit.what}: {limit.times_max} within {limit.window_s} s are enough"
                # Whose they were is in no log (ASVS 5.0, 16.2.5): what, and which of the hashes.
                _LOG.warning("a limit stops more: %s, subject %s", limit.what, name[:8])
                return TooManyAttempts(msg, retry_after_s=_left_s(db, name, now))
    return None


def wait_s(db: Session, clock: Clock, secret: bytes, limit: Limit, subject: str) -> int | None:
    """Count one more, or return for how many seconds there may be none. No misuse: no warning."""
    name, now = _hash(secret, limit.what, subject), clock.now()
    return None if _counted(db, name, limit, now) else _left_s(db, name, now)


def after(clock: Clock, seconds: int) -> datetime:
    """Return the moment at which so many seconds have passed."""
    return clock.now() + timedelta(seconds=seconds)


def _left_s(db: Session, name: str, now: datetime) -> int:
    ends_at = db.exec(select(RateLimitRow.ends_at).where(RateLimitRow.subject_hash == name)).one()
    return max(1, -int(-(ends_at - now).total_seconds() // 1))


def forget(db: Session, before: datetime) -> int:
    """Delete what no window counts any more; return how many."""
    gone = db.connection().execute(delete(RateLimitRow).where(col(RateLimitRow.ends_at) < before))
    return int(gone.rowcount)


def _counted(db: Session, name: str, limit: Limit, now: datetime) -> bool:
    ends_at = now + timedelta(seconds=limit.window_s)
    over = col(RateLimitRow.ends_at) <= now
    return insert_or_change(
        db,
        RateLimitRow,
        {"subject_hash": name, "began_at": now, "ends_at": ends_at, "times": 1},
        keys=["subject_hash"],
        change={
            "began_at": case((over, now), else_=col(RateLimitRow.began_at)),
            "ends_at": case((over, ends_at), else_=col(RateLimitRow.ends_at)),
            "times": case((over, 1), else_=col(RateLimitRow.times) + 1),
        },
        where=over | (col(RateLimitRow.times) < limit.times_max),
    )


def _hash(secret: bytes, what: str, subject: str) -> str:
    return hmac.new(secret, f"limit\0{what}\0{subject}".encode(), hashlib.sha256).hexdigest()
