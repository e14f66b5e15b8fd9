"""How a wristband gets its secret without its being said: both ends make it. Pure.

X25519 (RFC 7748), then HKDF-SHA256 (RFC 5869) over what it gives, bound to both public keys in
the order shop, band. Whoever only listens has nothing; whoever stands in between, at the desk and
in that second, can be each end to the other (docs/wristband.md).
"""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.wire.band import SECRET_BYTES

KEY_BYTES: Final = 32
_PURPOSE: Final = b"carryover wristband secret"


class KeyPair:
    """One end's keys, of one exchange."""

    __slots__ = ("_private", "public")

    def __init__(self, drawn: bytes) -> None:
        """``drawn``: KEY_BYTES, random, of this exchange alone.

        Raises:
            ValueError: another length.
        """
        self._private = X25519PrivateKey.from_private_bytes(drawn)
        self.public: Final = self._private.public_key().public_bytes_raw()

    def secret_with_band(self, band: bytes) -> bytes:
        """Return the secret, at the shop's end; ``band``: its public key.

        Raises:
            ValueError: that is no public key.
        """
        return self._secret(band, self.public + band)

    def secret_with_shop(self, shop: bytes) -> bytes:
        """Return the secret, at the band's end; ``shop``: its public key.

        Raises:
            ValueError: that is no public key.
        """
        return self._secret(shop, shop + self.public)

    def _secret(self, other: bytes, both: bytes) -> bytes:
        shared = self._private.exchange(X25519PublicKey.from_public_bytes(other))
        return HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=_PURPOSE + both).derive(shared)
