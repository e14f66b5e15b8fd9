"""What a push service needs: who we are (VAPID, RFC 8292), and a message it cannot read (RFC 8291).

Our key pair follows from the server's secret: nothing more to set up or to back up. With another
``SECRET_KEY`` browsers have to be asked anew, and their services say so (403).
"""

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

CURVE: Final = ec.SECP256R1()
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SCALAR_BYTES: Final = 48  # 128 bits more than the order, so that the remainder is even (FIPS 186-5)
SAYS_WHO_FOR: Final = timedelta(hours=12)  # RFC 8292, 2: at most 24
MESSAGE_MAX_BYTES: Final = 3_993  # RFC 8291, 4: one record of 4096, less what sealing adds


@lru_cache(maxsize=4)
def own_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Return our key pair."""
    drawn = HKDF(SHA256(), SCALAR_BYTES, salt=None, info=b"carryover web push").derive(secret)
    return ec.derive_private_key(int.from_bytes(drawn) % (ORDER - 1) + 1, CURVE)


def public_key(secret: bytes) -> str:
    """Return what a browser is given when it subscribes: base64url of the uncompressed point."""
    point = own_key(secret).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def headers(
    secret: bytes, endpoint: str, contact: str, now: datetime, ttl_s: int
) -> dict[str, str]:
    """Return the headers of a message for ``endpoint``.

    ``contact``: whom its maker may write to, an ``https:`` or ``mailto:`` address. ``ttl_s``: for
    how long the service keeps it for a phone that is off.
    """
    from joserfc import jwt  # noqa: PLC0415 - eight megabytes, for who rings
    from joserfc.jwk import ECKey  # noqa: PLC0415 - likewise

    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + SAYS_WHO_FOR).timestamp()),
        "sub": contact,
    }
    pem = own_key(secret).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, ECKey.import_key(pem))
    return {
        "authorization": f"vapid t={token}, k={public_key(secret)}",
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(ttl_s),
        "urgency": "high",
    }


def sealed(message: Mapping[str, Any], point: str, auth: str) -> bytes:
    """Return ``message`` as JSON, to be opened by the browser alone.

    Raises:
        ValueError: it is too long, or these are no keys of a browser.
    """
    import http_ece  # noqa: PLC0415 - likewise

    plain = json.dumps(message, ensure_ascii=False).encode()
    if len(plain) > MESSAGE_MAX_BYTES:
        msg = f"a push message has at most {MESSAGE_MAX_BYTES} bytes, this one {len(plain)}"
        raise ValueError(msg)
    whole: bytes = http_ece.encrypt(
        plain,
        salt=os.urandom(16),  # RFC 8188, 2.1: never twice under one key
        private_key=ec.generate_private_key(CURVE),
        dh=_bytes(point),
        auth_secret=_bytes(auth),
        version="aes128gcm",
    )
    return whole


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
