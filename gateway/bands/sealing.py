"""How a wristband's secret is kept: sealed with a key that follows from the server's own. Pure.

AES-256-GCM, bound to the band's number: whoever reads the database has no secret, and
whoever writes to it cannot let one band pass for another.
"""

import base64
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cart.kernel.ids import Ids, drawn
from gateway.wire.band_exchange import KeyPair

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12  # 96 bits: SP 800-38D, 8.2
_PURPOSE: Final = b"wristband: seal"
_EXCHANGES: Final = b"wristband: exchange"


class Sealing:
    """Seals and opens secrets of bands, for a process that has the server's secret."""

    __slots__ = ("_cipher", "_exchanges")

    def __init__(self, server_secret: bytes) -> None:
        """``server_secret``: :meth:`cart.settings.KeySettings.key`."""
        key = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(server_secret)
        self._cipher = AESGCM(key)
        exchanges = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_EXCHANGES)
        self._exchanges = exchanges.derive(server_secret)

    def exchange(self, command_id: str) -> KeyPair:
        """Return our keys of one setting up; each process with the server's secret has the same."""
        return KeyPair(hmac.digest(self._exchanges, command_id.encode(), "sha256"))

    def sealed(self, ids: Ids, number: int, secret: bytes) -> str:
        """Return the secret of the band ``number`` as it is kept: base 64."""
        nonce = drawn(ids)[:_NONCE_BYTES]
        return base64.b64encode(
            nonce + self._cipher.encrypt(nonce, secret, _whose(number))
        ).decode()

    def opened(self, number: int, kept: str) -> bytes | None:
        """Return the secret; None: sealed under another server's key, or another band's."""
        whole = base64.b64decode(kept)
        try:
            return self._cipher.decrypt(whole[:_NONCE_BYTES], whole[_NONCE_BYTES:], _whose(number))
        except InvalidTag:
            return None


def _whose(number: int) -> bytes:
    return str(number).encode()
