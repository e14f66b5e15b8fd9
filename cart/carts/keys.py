"""The keys that phones have to a customer's own session: given, listed, used, taken back.

Owns the rows of keys of sessions that have a customer; an anonymous phone's one key is
made with its session (``service.py``). A key that is taken back is deleted: whoever asks
with it is nobody from that commit on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, delete
from sqlmodel import Session, col, select, update

from cart.carts.tables import DEVICE_LENGTH_MAX, CartRow, SessionKeyRow, ShopperSessionRow
from cart.db.guarded import insert_new
from cart.db.rows import TEXT, run
from cart.kernel.clock import Clock
from cart.kernel.ids import Ids, secret_hash

# ASVS 5.0, 7.3: a shop is visited monthly, not daily; what a lost phone opens is a cart and its
# orders, and "sign out everywhere" is there. After the absolute time a code is asked for anew.
IDLE: Final = timedelta(days=30)
ABSOLUTE: Final = timedelta(days=90)
TOUCHED_EVERY: Final = timedelta(minutes=10)  # a page asks often; the list of phones need not know
FRESH: Final = timedelta(minutes=15)  # ASVS 5.0, 7.5.1: what changes who may come in asks anew
KEYS_SHOWN_MAX: Final = 50  # of one person; she has not so many phones
NAME_LENGTH: Final = 16  # 64 bits of the key's hash: a name in a form, no way back to the key


@dataclass(frozen=True, slots=True)
class Key:
    """A phone on which a customer is signed in. ``name``: to end it by; ``device``: in words."""

    name: str
    token_hash: str
    device: str
    created_at: datetime
    seen_at: datetime


def own_session(
    db: Session, clock: Clock, ids: Ids, *, customer_id: str, locale: str
) -> ShopperSessionRow:
    """Return a customer's own session, its row locked; the first time it begins, with a cart."""
    found = _own(db, customer_id)
    if found is not None:
        return found
    now = clock.now()
    cart = CartRow(id=ids.new("cart"), created_at=now)
    db.add(cart)
    db.flush()
    values = {
        "id": ids.new("session"),
        "cart_id": cart.id,
        "locale": locale,
        "created_at": now,
        "customer_id": customer_id,
    }
    if not insert_new(db, ShopperSessionRow, values, keys=["customer_id"]):
        db.delete(cart)  # another of her phones was faster at this very moment
        db.flush()
    begun = _own(db, customer_id)
    assert begun is not None  # noqa: S101 - ours, or the one that stood in its way
    return begun


def _own(db: Session, customer_id: str) -> ShopperSessionRow | None:
    return db.exec(
        select(ShopperSessionRow)
        .where(ShopperSessionRow.customer_id == customer_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()


def give(
    db: Session,
    clock: Clock,
    *,
    token: str,
    session_id: str,
    device: str,
    prior_session_id: str | None = None,
) -> None:
    """Let ``token`` open a customer's session. ``prior_session_id``: what the phone had before."""
    now = clock.now()
    db.add(
        SessionKeyRow(
            token_hash=secret_hash(token),
            session_id=session_id,
            created_at=now,
            expires_at=now + IDLE,
            device=device[:DEVICE_LENGTH_MAX],
            seen_at=now,
            ends_at=now + ABSOLUTE,
            prior_session_id=prior_session_id,
        )
    )
    db.flush()


def touch(db: Session, clock: Clock, token: str) -> bool:
    """Note that a customer's key was used, at most once in TOUCHED_EVERY; say whether it was.

    An idle key is not woken, an anonymous phone's is left alone.
    """
    now = clock.now()
    later = now + IDLE
    over = col(SessionKeyRow.ends_at) < later
    noted = db.exec(
        update(SessionKeyRow)
        .where(
            col(SessionKeyRow.token_hash) == secret_hash(token),
            col(SessionKeyRow.seen_at) <= now - TOUCHED_EVERY,
            col(SessionKeyRow.expires_at) > now,
        )
        .values(seen_at=now, expires_at=case((over, col(SessionKeyRow.ends_at)), else_=later))
    )
    return bool(noted.rowcount)


def touch_due(db: Session, clock: Clock, token: str) -> bool:
    """Say whether :func:`touch` would note anything: reads only."""
    found = db.exec(
        select(SessionKeyRow.seen_at).where(
            SessionKeyRow.token_hash == secret_hash(token),
            col(SessionKeyRow.seen_at) <= clock.now() - TOUCHED_EVERY,
        )
    ).first()
    return found is not None


def fresh(db: Session, clock: Clock, token: str) -> bool:
    """Say whether a customer signed in with this key within FRESH."""
    found = db.exec(
        select(SessionKeyRow.token_hash).where(
            SessionKeyRow.token_hash == secret_hash(token),
            col(SessionKeyRow.ends_at).is_not(None),
            SessionKeyRow.created_at > clock.now() - FRESH,
        )
    ).first()
    return found is not None


def of_session(db: Session, session_id: str, now: datetime) -> list[Key]:
    """Return the phones on which a customer is signed in, the one used last first."""
    rows = db.exec(
        select(SessionKeyRow)
        .where(SessionKeyRow.session_id == session_id, SessionKeyRow.expires_at > now)
        .order_by(col(SessionKeyRow.seen_at).desc(), col(SessionKeyRow.token_hash))
        .limit(KEYS_SHOWN_MAX)
    )
    return [
        Key(name_of(row.token_hash), row.token_hash, row.device, row.created_at, row.seen_at)
        for row in rows
        if row.seen_at is not None
    ]


def name_of(token_hash: str) -> str:
    """Return the name by which a phone is ended: the key cannot be had back from it."""
    return secret_hash(f"name\0{token_hash}")[:NAME_LENGTH]


def end(db: Session, *, session_id: str, token_hashes: Iterable[str] | None = None) -> int:
    """Take keys of one session back, all of them if none is named; return how many.

    Once more changes nothing. Another session's keys are not touched, whatever is named.
    """
    gone = delete(SessionKeyRow).where(col(SessionKeyRow.session_id) == session_id)
    if token_hashes is not None:
        gone = gone.where(col(SessionKeyRow.token_hash).in_(list(token_hashes)))
    return int(db.connection().execute(gone).rowcount)


def good(db: Session, token_hashes: Iterable[str], now: datetime) -> set[str]:
    """Return those keys that open something now, in one statement."""
    found = run(
        db,
        "SELECT k.token_hash FROM {rows} JOIN session_key AS k ON k.token_hash = d.token_hash"
        " AND k.expires_at > :now JOIN shopper_session AS s ON s.id = k.session_id"
        " AND s.ended_at IS NULL",
        (("token_hash", TEXT),),
        [(one,) for one in token_hashes],
        {"now": now},
    )
    return {row[0] for row in found}


def forget(db: Session, clock: Clock) -> int:
    """Delete customers' keys that are too old to open anything; return how many."""
    gone = delete(SessionKeyRow).where(
        col(SessionKeyRow.expires_at) < clock.now(), col(SessionKeyRow.ends_at).is_not(None)
    )
    return int(db.connection().execute(gone).rowcount)
