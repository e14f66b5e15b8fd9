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
from cart.kernel.errors import PairingRefused, Unavailable
from gateway.bands import queries
from gateway.bands.model import PAIRING_DIGITS, PAIRING_LIFETIME
from gateway.bands.tables import BandPairingRow

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
    over = col(BandPairingRow.expires_at) <= now
    write(db, delete(BandPairingRow).where(over | (col(BandPairingRow.session_id) == session_id)))
    for draw in range(DRAWS_MAX):
        expires_at = now + PAIRING_LIFETIME + draw * _STEP
        digits = _digits(secret, session_id, expires_at)
        row = {
            "session_id": session_id,
            "code_hash": _hash(secret, digits),
            "expires_at": expires_at,
        }
        if insert_new(db, BandPairingRow, row, keys=["code_hash"]):
            return Code(digits, expires_at)
    msg = f"{DRAWS_MAX} codes in a row are somebody else's at this moment"
    raise Unavailable(msg)


def shown(db: Session, clock: Clock, secret: bytes, session_id: str) -> Code | None:
    """Return the code that this session's phone shows, None if there is none that is good."""
    row = db.get(BandPairingRow, session_id, populate_existing=True)
    if row is None or row.expires_at <= clock.now():
        return None
    return Code(_digits(secret, session_id, row.expires_at), row.expires_at)


def session_of(db: Session, clock: Clock, secret: bytes, code: str) -> str:
    """Return whose code this is; it stays good.

    Raises:
        PairingRefused: nobody's, or too old.
    """
    plain = "".join(code.split())
    row = queries.paired_session(db, _hash(secret, plain))
    if row is None or row.expires_at <= clock.now():
        msg = "this code is wrong, used or too old"
        raise PairingRefused(msg)
    return row.session_id


def use(db: Session, clock: Clock, secret: bytes, code: str) -> str:
    """Return whose code this is, and let it be good no more; of rivals one gets it.

    Raises:
        PairingRefused: nobody's, or too old.
    """
    session_id = session_of(db, clock, secret, code)
    mine = col(BandPairingRow.session_id) == session_id
    if not write(db, delete(BandPairingRow).where(mine)):
        msg = "this code was used at this moment"
        raise PairingRefused(msg)
    return session_id


def _digits(secret: bytes, session_id: str, expires_at: datetime) -> str:
    said = f"band pairing\0{session_id}\0{to_us(expires_at)}"
    number = int.from_bytes(hmac.digest(secret, said.encode(), hashlib.sha256))
    return f"{number % 10**PAIRING_DIGITS:0{PAIRING_DIGITS}d}"


def _hash(secret: bytes, digits: str) -> str:
    return hmac.new(secret, f"band pairing hash\0{digits}".encode(), hashlib.sha256).hexdigest()
