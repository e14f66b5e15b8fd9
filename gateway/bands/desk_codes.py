"""Codes by which the welcome desk is told which shopper stands there: six digits, five minutes.

Her phone shows one, staff type it. The code follows from the session and its end by the
server's key, so the phone can be shown it again; the database keeps a keyed hash.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlmodel import Session, col

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import DeskCodeRefused, Unavailable
from gateway.bands import queries
from gateway.bands.model import DESK_CODE_DIGITS, DESK_CODE_LIFETIME
from gateway.bands.tables import DeskCodeRow

# Of a hundred codes that are good at the same moment the next is one in ten thousand times.
DRAWS_MAX: Final = 8
_STEP: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Code:
    """What her phone shows."""

    digits: str
    expires_at: datetime


def show(db: Session, clock: Clock, secret: bytes, session_id: str) -> Code:
    """Return a fresh code for a session; the one before is good no more."""
    now = clock.now()
    over = col(DeskCodeRow.expires_at) <= now
    write(db, delete(DeskCodeRow).where(over | (col(DeskCodeRow.session_id) == session_id)))
    for draw in range(DRAWS_MAX):
        expires_at = now + DESK_CODE_LIFETIME + draw * _STEP
        digits = _digits(secret, session_id, expires_at)
        row = {
            "session_id": session_id,
            "code_hash": _hash(secret, digits),
            "expires_at": expires_at,
        }
        if insert_new(db, DeskCodeRow, row, keys=["code_hash"]):
            return Code(digits, expires_at)
    msg = f"{DRAWS_MAX} codes in a row are somebody else's at this moment"
    raise Unavailable(msg)


def shown(db: Session, clock: Clock, secret: bytes, session_id: str) -> Code | None:
    """Return the code that this session's phone shows, None if there is none that is good."""
    row = db.get(DeskCodeRow, session_id, populate_existing=True)
    if row is None or row.expires_at <= clock.now():
        return None
    return Code(_digits(secret, session_id, row.expires_at), row.expires_at)


def session_of(db: Session, clock: Clock, secret: bytes, code: str) -> str:
    """Return whose code this is; it stays good.

    Raises:
        DeskCodeRefused: nobody's, or too old.
    """
    plain = "".join(code.split())
    row = queries.session_of_desk_code(db, _hash(secret, plain))
    if row is None or row.expires_at <= clock.now():
        msg = "this code is wrong, used or too old"
        raise DeskCodeRefused(msg)
    return row.session_id


def use(db: Session, clock: Clock, secret: bytes, code: str) -> str:
    """Return whose code this is, and let it be good no more; of rivals one gets it.

    Raises:
        DeskCodeRefused: nobody's, or too old.
    """
    session_id = session_of(db, clock, secret, code)
    this = col(DeskCodeRow.code_hash) == _hash(secret, "".join(code.split()))
    if not write(db, delete(DeskCodeRow).where(this)):
        msg = "this code was used at this moment"
        raise DeskCodeRefused(msg)
    return session_id


def _digits(secret: bytes, session_id: str, expires_at: datetime) -> str:
    said = f"desk code\0{session_id}\0{to_us(expires_at)}"
    number = int.from_bytes(hmac.digest(secret, said.encode(), hashlib.sha256))
    return f"{number % 10**DESK_CODE_DIGITS:0{DESK_CODE_DIGITS}d}"


def _hash(secret: bytes, digits: str) -> str:
    return hmac.new(secret, f"desk code hash\0{digits}".encode(), hashlib.sha256).hexdigest()
