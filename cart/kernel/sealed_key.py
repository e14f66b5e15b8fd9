"""Keys that are sealed to somebody: to a key pair, or under a secret. Pure.

To a key pair by HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM): whoever has the
public half seals, only the private half opens. Under a secret by HKDF and AES-256-GCM. What a
key is for is bound in (``context``), so that one sealed for one thing opens no other.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cart.kernel.errors import SealBroken

KEY_BYTES: Final = 32  # of each half of a pair, and of what is sealed
SEALED_TO_BYTES: Final = 32 + KEY_BYTES + 16  # HPKE's own public key, the key, the tag
SEALED_UNDER_BYTES: Final = KEY_BYTES + 16
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
# A key that is derived for one sealing only has one nonce; RFC 5116 asks for no more.
_ONLY_NONCE: Final = bytes(12)


def private_from(secret: str) -> bytes:
    """Return the private half that follows from a random secret of 128 bits or more."""
    return _derived(secret.encode(), b"carryover looks phone")


def public_of(private: bytes) -> bytes:
    """Return the public half of a pair."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_to(public: bytes, key: bytes, context: str) -> bytes:
    """Return ``key`` sealed to whoever has the private half; another text each time.

    Raises:
        SealBroken: ``public`` is no key of X25519, or one to which nothing can be sealed.
    """
    try:
        return _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public), context.encode())
    except ValueError as error:
        msg = "no key that something can be sealed to"
        raise SealBroken(msg) from error


def open_sealed_to(private: bytes, sealed: bytes, context: str) -> bytes:
    """Return the key that was sealed to this pair for this.

    Raises:
        SealBroken: it was for another pair or thing, or was changed.
    """
    pair = X25519PrivateKey.from_private_bytes(private)
    try:
        return bytes(_SUITE.decrypt(sealed, pair, context.encode()))
    except (InvalidTag, ValueError) as error:
        msg = "a key that was sealed to somebody else, or for something else"
        raise SealBroken(msg) from error


def seal_under(secret: bytes, key: bytes, context: str) -> bytes:
    """Return ``key`` sealed under a secret that seals this one thing in this one context."""
    return AESGCM(_derived(secret, context.encode())).encrypt(_ONLY_NONCE, key, None)


def open_under(secret: bytes, sealed: bytes, context: str) -> bytes:
    """Return the key that was sealed under this secret for this.

    Raises:
        SealBroken: another secret or thing, or it was changed.
    """
    try:
        return AESGCM(_derived(secret, context.encode())).decrypt(_ONLY_NONCE, sealed, None)
    except (InvalidTag, ValueError) as error:
        msg = "a key that was sealed under another secret, or for something else"
        raise SealBroken(msg) from error


def _derived(secret: bytes, context: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=context).derive(secret)
