"""What is kept of a PIN: a salted scrypt hash. Pure.

A few digits can be tried through by whoever has the hash; the salt and the work of scrypt
make that slow, and whoever asks for the PIN counts the tries.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Work:
    """What a hash costs: memory is 128 * n * r bytes, time grows with n * r * p."""

    n: int
    r: int
    p: int


# OWASP's list (Password Storage Cheat Sheet): 16 MiB, about a third of a second.
WORK: Final = Work(2**14, 8, 5)
# What we asked for once: replaced when its PIN is next entered rightly.
BEFORE: Final = frozenset({Work(2**14, 8, 1)})
SCRYPT_MEMORY_MAX: Final = 64 * 1024 * 1024  # bytes; room to ask for more work later


def hashed(pin: str, salt: str, work: Work = WORK) -> str:
    """Return ``scrypt$n$r$p$salt$hash``: what it takes to check a PIN, also after we ask for more.

    Source: RFC 7914; parameters OWASP Password Storage Cheat Sheet.
    """
    return f"scrypt${work.n}${work.r}${work.p}${salt}${_scrypt(pin, salt, work)}"


def matches(pin: str, kept: str) -> bool:
    """Say whether ``pin`` is what ``kept`` was made from; takes the same time either way."""
    work, salt, digest = _parts(kept)
    return hmac.compare_digest(_scrypt(pin, salt, work), digest)


def renewed(pin: str, kept: str) -> str:
    """Return what to keep of a PIN that was right: ``kept``, or a fresh hash if it is of BEFORE."""
    work, salt, _ = _parts(kept)
    return hashed(pin, salt) if work in BEFORE else kept


def _parts(kept: str) -> tuple[Work, str, str]:
    _, n, r, p, salt, digest = kept.split("$")
    return Work(int(n), int(r), int(p)), salt, digest


def _scrypt(pin: str, salt: str, work: Work) -> str:
    return hashlib.scrypt(
        pin.encode(),
        salt=salt.encode(),
        n=work.n,
        r=work.r,
        p=work.p,
        maxmem=SCRYPT_MEMORY_MAX,
        dklen=32,
    ).hex()
