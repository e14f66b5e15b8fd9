"""What is kept of a PIN: a salted scrypt hash. Pure.

A few digits can be tried through by whoever has the hash; the salt and the work of scrypt
make that slow, and whoever asks for the PIN counts the tries.
"""

import hashlib
import hmac
from typing import Final

# OWASP's least for scrypt on a login that is limited in other ways too: 16 MiB, about 50 ms.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1
SCRYPT_MEMORY_MAX: Final = 64 * 1024 * 1024  # bytes; room to ask for more work later


def hashed(pin: str, salt: str) -> str:
    """Return ``scrypt$n$r$p$salt$hash``: what it takes to check a PIN, also after we ask for more.

    Source: RFC 7914; parameters OWASP Password Storage Cheat Sheet.
    """
    digest = _scrypt(pin, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    return f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${salt}${digest}"


def matches(pin: str, kept: str) -> bool:
    """Say whether ``pin`` is what ``kept`` was made from; takes the same time either way."""
    _, n, r, p, salt, digest = kept.split("$")
    return hmac.compare_digest(_scrypt(pin, salt, int(n), int(r), int(p)), digest)


def _scrypt(pin: str, salt: str, n: int, r: int, p: int) -> str:
    return hashlib.scrypt(
        pin.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=SCRYPT_MEMORY_MAX, dklen=32
    ).hex()
