"""The second factor of staff: codes of an authenticator app, recovery codes, what is kept of both.

Pure. A secret is sealed with a key that follows from the server's own, and bound to whose it
is: whoever reads the database has neither, and whoever writes to it cannot give a colleague's
account the app of another. Recovery codes are kept as keyed hashes for the same reason.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cart.kernel.clock import to_us
from cart.kernel.ids import Ids, drawn

STEP_S: Final = 30  # RFC 6238, 5.2, and the only one that every app knows
# One step either way: a phone's clock is off by seconds, and typing takes some (RFC 6238, 5.2).
DRIFT_STEPS: Final = 1
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # as long as SHA-1's output: RFC 4226, 4, R6
RECOVERY_CODES: Final = 10  # enough for years of lost phones; fits on a card
RECOVERY_LENGTH: Final = 16  # of base 32: 80 bits
ISSUER: Final = "Carryover"  # as apps show it above the code
_KEY_BYTES, _NONCE_BYTES = 32, 12
_SEAL, _RECOVERY = b"staff second factor: seal", b"staff second factor: recovery"
_MISTAKEN: Final = str.maketrans("oil", "011")  # Crockford: what is not in our alphabet


def fresh_secret(ids: Ids) -> str:
    """Return a secret for an authenticator app: 160 bits in base 32."""
    return base64.b32encode(drawn(ids)[:SECRET_BYTES]).decode()


def uri(secret: str, account: str) -> str:
    """Return what the QR code for an authenticator app holds; ``account`` is shown under ours."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def code_at(secret: str, step: int) -> str:
    """Return the code of a step: RFC 6238 with SHA-1, six digits."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).generate_otp(step)


def step_of(moment: datetime) -> int:
    """Return the step of a moment: half minutes since 1970."""
    return to_us(moment) // (STEP_S * 1_000_000)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the step whose code this is, now or one either way; None: it is of none.

    All are computed, so that the time taken says nothing.
    """
    middle, found = step_of(now), None
    for step in range(middle - DRIFT_STEPS, middle + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def typed(code: str) -> str:
    """Return a code as it is compared: small letters, no spaces or dashes."""
    return "".join(code.split()).replace("-", "").lower()


def is_app_code(code: str) -> bool:
    """Say whether this is six digits, as apps show; anything else may be a recovery code."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def fresh_recovery_codes(ids: Ids) -> list[str]:
    """Return ten codes for a card in a drawer, ``abcd-efgh-jkmn-pqrs``."""
    whole = [ids.token()[-RECOVERY_LENGTH:] for _ in range(RECOVERY_CODES)]
    return ["-".join(one[at : at + 4] for at in range(0, RECOVERY_LENGTH, 4)) for one in whole]


def recovery_hash(server_secret: bytes, staff_id: str, code: str) -> str:
    """Return what is kept of a recovery code, as hex HMAC-SHA256 under a key of the server's."""
    plain = typed(code).translate(_MISTAKEN)
    key = _derived(server_secret, _RECOVERY)
    return hmac.new(key, f"{staff_id}\0{plain}".encode(), hashlib.sha256).hexdigest()


def sealed(server_secret: bytes, ids: Ids, staff_id: str, secret: str) -> str:
    """Return a secret as it is kept: AES-256-GCM, bound to whose it is."""
    nonce = drawn(ids)[:_NONCE_BYTES]
    box = AESGCM(_derived(server_secret, _SEAL)).encrypt(nonce, secret.encode(), staff_id.encode())
    return base64.b64encode(nonce + box).decode()


def opened(server_secret: bytes, staff_id: str, kept: str) -> str | None:
    """Return the secret; None: it was sealed under another key of the server, or is another's."""
    whole = base64.b64decode(kept)
    nonce, box = whole[:_NONCE_BYTES], whole[_NONCE_BYTES:]
    try:
        plain = AESGCM(_derived(server_secret, _SEAL)).decrypt(nonce, box, staff_id.encode())
    except InvalidTag:
        return None
    return plain.decode()


def _derived(server_secret: bytes, purpose: bytes) -> bytes:
    """Return the key for one purpose (RFC 5869)."""
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(server_secret)
