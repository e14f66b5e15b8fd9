"""Anonymous shopper sessions that nobody comes back to: found, and emptied as by an erasure.

Idle: it is nobody's own, no phone has a key to it, no device works for it, it was given no band and
nothing was done to its cart, its lists or its checkout since a time, and no order of it is open or
has an address. One that only a wristband opened is emptied as the band comes back.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.db import is_sqlite
from cart.kernel.clock import to_us
from cart.personal.erasing import erase
from cart.personal.finding import follow
from cart.personal.model import Scope
from gateway.bands.model import EndReason
from gateway.bands.service import end_loans
from mobile_api.rights.registry import REGISTRY

_IDLE: Final = (
    "SELECT s.id, s.cart_id FROM shopper_session AS s JOIN cart AS c ON c.id = s.cart_id"
    " WHERE s.emptied_at IS NULL AND s.customer_id IS NULL AND s.created_at < :before"
    " AND c.latest_at_us < :before_us"
    " AND NOT EXISTS (SELECT 1 FROM session_key AS k"
    " WHERE k.session_id = s.id AND k.expires_at > :now)"
    " AND NOT EXISTS (SELECT 1 FROM binding AS b"
    " WHERE b.session_id = s.id AND (b.ended_at IS NULL OR b.last_event_at_us >= :before_us))"
    " AND NOT EXISTS (SELECT 1 FROM band_loan AS w"
    " WHERE w.session_id = s.id AND w.handed_out_at >= :before)"
    " AND NOT EXISTS (SELECT 1 FROM saved_list AS l"
    " WHERE l.session_id = s.id AND l.created_at >= :before)"
    " AND NOT EXISTS (SELECT 1 FROM checkout AS p"
    " WHERE p.session_id = s.id AND (p.state = 'paying' OR p.changed_at >= :before))"
    " AND NOT EXISTS (SELECT 1 FROM placed_order AS o WHERE o.session_id = s.id"
    " AND (o.email <> '' OR o.state IN ('placed', 'picking', 'ready')))"
    " ORDER BY s.created_at, s.id LIMIT :limit"
)
# Nobody can open it any more, and nothing of it waits for anybody.
_CLOSED: Final = (
    "SELECT s.id, s.cart_id FROM shopper_session AS s"
    " WHERE s.id = :id AND s.emptied_at IS NULL AND s.customer_id IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM session_key AS k"
    " WHERE k.session_id = s.id AND k.expires_at > :now)"
    " AND NOT EXISTS (SELECT 1 FROM binding AS b WHERE b.session_id = s.id AND b.ended_at IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM checkout AS p"
    " WHERE p.session_id = s.id AND p.state = 'paying')"
    " AND NOT EXISTS (SELECT 1 FROM placed_order AS o WHERE o.session_id = s.id"
    " AND (o.email <> '' OR o.state IN ('placed', 'picking', 'ready')))"
)
_EMPTIED: Final = text(
    "UPDATE shopper_session SET emptied_at = :now, ended_at = COALESCE(ended_at, :now)"
    " WHERE id = :id"
).bindparams(bindparam("now", type_=UTCDateTime()))
# What belongs to somebody else is not followed: the cart that a tablet had before it was hers, an
# address that somebody typed.
_OTHERS: Final = (Scope.SESSION, Scope.CART, Scope.CUSTOMER, Scope.ADDRESS)
_NOT_INTO: Final = (*_OTHERS, Scope.VISIT)  # dead letters of it are younger than any idle session


def empty(db: Session, now: datetime, before: datetime, limit: int) -> int:
    """Empty at most ``limit`` sessions that are idle since ``before``; return how many."""
    # Whoever is at it in another process has these rows; the next round finds the others.
    rows = _IDLE if is_sqlite(db.get_bind()) else f"{_IDLE} FOR UPDATE OF s SKIP LOCKED"
    times = [bindparam(name, type_=UTCDateTime()) for name in ("before", "now")]
    values = {"before": before, "before_us": to_us(before), "now": now, "limit": limit}
    idle = db.connection().execute(text(rows).bindparams(*times), values).all()
    if not idle:
        return 0
    end_loans(db, now, sorted(row[0] for row in idle), EndReason.ERASED)  # never brought back
    _empty(db, now, {row[0]: row[1] for row in idle}, _NOT_INTO)
    return len(idle)


def empty_closed(db: Session, now: datetime, session_id: str) -> bool:
    """Empty an anonymous session that nobody can open any more; False: somebody can, or waits.

    For a session whose wristband was handed back: without a phone's key it was the only one.
    """
    rows = _CLOSED if is_sqlite(db.get_bind()) else f"{_CLOSED} FOR UPDATE OF s"
    asked = text(rows).bindparams(bindparam("now", type_=UTCDateTime()))
    found = db.connection().execute(asked, {"id": session_id, "now": now}).all()
    if found:
        _empty(db, now, {row[0]: row[1] for row in found}, _OTHERS)
    return bool(found)


def _empty(
    db: Session, now: datetime, carts: Mapping[str, str], not_into: Collection[Scope]
) -> None:
    """Empty sessions; ``carts``: by session."""
    begun = {Scope.SESSION: set(carts), Scope.CART: set(carts.values())}
    erase(db, REGISTRY, follow(db, REGISTRY, begun, not_into=not_into))
    for session_id in carts:
        db.connection().execute(_EMPTIED, {"id": session_id, "now": now})
