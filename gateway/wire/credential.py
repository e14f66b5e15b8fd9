"""A credential's hash, as brokers, registry and devices write it: Mosquitto's own form."""

import hashlib
import re
import secrets
from base64 import b64encode
from typing import Final

# A credential is 192 random bits, so nothing is gained by trying and slow hashing only costs:
# this is Mosquitto's own number. A fleet that reconnects together must not stall the broker.
HASH_ITERATIONS: Final = 101
SALT_BYTES: Final = 12  # what Mosquitto 2.0 reads; another length makes it refuse the file
# 12 bytes of salt and 64 of SHA-512, in base64.
HASH: Final = re.compile(rf"\$7\${HASH_ITERATIONS}\$[A-Za-z0-9+/]{{16}}\$[A-Za-z0-9+/]{{86}}==")


def credential_hash(credential: str, salt: bytes | None = None) -> str:
    """Return ``$7$iterations$salt$hash``: PBKDF2-HMAC-SHA512, as ``mosquitto_passwd`` writes it."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", credential.encode(), salt, HASH_ITERATIONS)
    return f"$7${HASH_ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"
