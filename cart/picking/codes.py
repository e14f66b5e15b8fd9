"""What a shopper shows at the desk: six digits to say, or a token in a QR code. Pure.

Both are made from the server's secret and the order's id, so nothing is kept that
could be read out of the database; each for a purpose of its own, so neither can be
made from the other. Who tries six digits is stopped by the count in ``handover``.
"""

import hashlib
import hmac
from typing import Final

from cart.kernel.errors import CodeRefused

CODE_DIGITS: Final = 6
TOKEN_MAC_BYTES: Final = 16  # 128 bits: not to be guessed, and the QR stays coarse
TOKEN_PREFIX: Final = "co:"  # noqa: S105 - tells a scanner's line from a ticket that was typed
TOKEN_LENGTH_MAX: Final = 200
_CODE, _TOKEN = b"carryover handover code\0", b"carryover handover token\0"


def handover_code(secret: bytes, order_id: str) -> str:
    """Return the six digits of an order. 64 bits are drawn, so no digit is likelier."""
    drawn = int.from_bytes(_mac(secret, _CODE, order_id)[:8])
    return f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def handover_token(secret: bytes, order_id: str) -> str:
    """Return what the QR code of an order says."""
    return f"{TOKEN_PREFIX}{order_id}.{_mac(secret, _TOKEN, order_id)[:TOKEN_MAC_BYTES].hex()}"


def order_of_token(secret: bytes, token: str) -> str:
    """Return the order that a token was made for.

    Raises:
        CodeRefused: not made by us.
    """
    order_id = token.removeprefix(TOKEN_PREFIX).rpartition(".")[0]
    fits = len(token) <= TOKEN_LENGTH_MAX and token.isascii()
    if not fits or not hmac.compare_digest(handover_token(secret, order_id), token):
        msg = "this is no code of ours"
        raise CodeRefused(msg)
    return order_id


def proves(secret: bytes, order_id: str, proof: str) -> bool:
    """Say whether ``proof`` is the order's code (spaces do not count) or its token."""
    shown = proof.strip()
    if not shown.isascii():
        return False
    code = handover_code(secret, order_id)
    is_code = hmac.compare_digest(code, "".join(shown.split()))
    return hmac.compare_digest(handover_token(secret, order_id), shown) or is_code


def _mac(secret: bytes, purpose: bytes, order_id: str) -> bytes:
    return hmac.new(secret, purpose + order_id.encode(), hashlib.sha256).digest()
