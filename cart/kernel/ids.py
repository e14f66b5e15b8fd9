"""Ids and secrets are passed in, so that tests and simulations repeat."""

import hashlib
import random
import secrets
import time
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_TIME_BITS, _RANDOM_BITS = 48, 72
TOKEN_CHARACTERS = 39  # 195 bits: not to be guessed, and short enough for a QR code


class Ids(Protocol):
    """What code that needs a fresh id asks for."""

    def new(self, prefix: str) -> str:
        """Return a fresh id such as ``cart_06c...``; later ids sort after earlier ones."""
        ...

    def token(self) -> str:
        """Return a fresh secret for a link or a credential: small letters and digits only."""
        ...


def _base32(value: int, digits: int) -> str:
    return "".join(_ALPHABET[value >> 5 * i & 31] for i in reversed(range(digits)))


class RandomIds:
    """Ids from the clock and the system's randomness."""

    def new(self, prefix: str) -> str:
        """Return ``prefix_`` and 24 characters: 48 bits of milliseconds, 72 random bits."""
        value = time.time_ns() // 1_000_000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return f"{prefix}_{_base32(value, (_TIME_BITS + _RANDOM_BITS) // 5)}"

    def token(self) -> str:
        """Return 195 random bits. No dash: a command line would take it for an option."""
        return _base32(secrets.randbits(5 * TOKEN_CHARACTERS), TOKEN_CHARACTERS)


class SeededIds:
    """Ids that repeat for a seed: for simulations and tests, never for secrets that matter."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._count = 0

    def new(self, prefix: str) -> str:
        """Return ``prefix_`` and 24 characters that count up."""
        self._count += 1
        value = self._count << _RANDOM_BITS | self._random.getrandbits(_RANDOM_BITS)
        return f"{prefix}_{_base32(value, (_TIME_BITS + _RANDOM_BITS) // 5)}"

    def token(self) -> str:
        """Return a repeatable stand-in for a secret."""
        return _base32(self._random.getrandbits(5 * TOKEN_CHARACTERS), TOKEN_CHARACTERS)


def drawn(ids: Ids) -> bytes:
    """Return 32 bytes made from a secret of 195 bits."""
    return hashlib.sha256(ids.token().encode()).digest()


def drawn_digits(ids: Ids, count: int) -> str:
    """Return that many digits, none likelier than another."""
    return f"{int.from_bytes(drawn(ids)) % 10**count:0{count}d}"


def secret_hash(secret: str) -> str:
    """Return the hex SHA-256 of a random secret, for keeping at rest.

    Enough for secrets of 128 bits or more, which cannot be found by trying; it
    is not for passwords that people choose.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
