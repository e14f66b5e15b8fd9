"""Words and limits of web push. Pure; no database."""

import base64
import binascii
import hashlib
from enum import StrEnum
from typing import Final

from cart.kernel.errors import InvalidInput

PHONES_MAX: Final = 10  # of one session: her phone, her tablet, and those she has forgotten
POINT_BYTES: Final = 65  # uncompressed, RFC 8291, 3.1
AUTH_BYTES: Final = 16  # RFC 8291, 3.2
_UNCOMPRESSED: Final = 4


class Ring(StrEnum):
    """Why a phone is rung."""

    TURN = "turn"  # it is her turn at a fitting room or desk


def phone_id(endpoint: str) -> str:
    """Return the name of a browser's endpoint: hex SHA-256."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def check_keys(point: str, auth: str) -> None:
    """Take the keys of a browser's subscription.

    Raises:
        InvalidInput: not base64url of 65 and 16 bytes.
    """
    if len(_bytes(auth)) != AUTH_BYTES:
        msg = f"auth: {AUTH_BYTES} bytes in base64url are needed"
        raise InvalidInput(msg)
    found = _bytes(point)
    if len(found) != POINT_BYTES or found[0] != _UNCOMPRESSED:
        msg = f"p256dh: an uncompressed point, {POINT_BYTES} bytes in base64url, is needed"
        raise InvalidInput(msg)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
