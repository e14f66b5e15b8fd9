"""How the test bank signs its webhooks: Stripe's scheme, so that one reader knows both.

``t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``. The time is signed too:
an old message that somebody recorded is refused. Pure.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from cart.kernel.errors import SignatureRefused

HEADER: Final = "sandbox-signature"
# A message is signed anew for each delivery; more than this is a replay, or a broken clock.
TOLERANCE_S: Final = 300


def secret_of(key: bytes) -> bytes:
    """Return the secret that bank and shop share, made from the process's own key."""
    return hmac.digest(key, b"sandbox bank webhook", hashlib.sha256)


def sign(secret: bytes, body: bytes, at: datetime) -> str:
    """Return the header's value for a delivery at ``at``."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_mac(secret, seconds, body)}"


def verify(secret: bytes, header: str, body: bytes, now: datetime) -> None:
    """Pass if the message is from who has the secret, and fresh.

    Raises:
        SignatureRefused: no header of this form, another secret or body, or too old.
    """
    fields = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in fields if name == "t" and value.isascii()]
    if len(times) != 1 or not times[0].isdigit():
        msg = "the webhook carries no signature that can be read"
        raise SignatureRefused(msg)
    genuine = _mac(secret, int(times[0]), body).encode()
    given = [value.encode() for name, value in fields if name == "v1"]
    if not any([hmac.compare_digest(genuine, one) for one in given]):  # noqa: C419 - all: no early end
        msg = "the webhook's signature is not that of who may send it"
        raise SignatureRefused(msg)
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_S:
        msg = f"the webhook was signed more than {TOLERANCE_S} s ago"
        raise SignatureRefused(msg)


def _mac(secret: bytes, seconds: int, body: bytes) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
