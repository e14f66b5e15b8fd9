"""A push service as a browser's maker runs one: takes sealed messages by HTTP, and keeps them.

It also is the browser: the keys of its subscriptions are here, so a test can open what came.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.real.webhook import Webhook, webhook

HOST: Final = "127.0.0.1"


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Came:
    """One message."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Browser:
    """A browser that lets itself be rung at ``endpoint``."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint: Final = endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    @property
    def subscription(self) -> dict[str, Any]:
        """Return what its page sends to our server."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": self.endpoint,
            "keys": {"p256dh": _text(point), "auth": _text(self._auth)},
        }

    def opened(self, body: bytes) -> bytes:
        """Open a message."""
        plain: bytes = http_ece.decrypt(
            body, private_key=self._key, auth_secret=self._auth, version="aes128gcm"
        )
        return plain


class PushService:
    """What came, and what is answered."""

    def __init__(self, kept: Webhook) -> None:
        self._kept: Final = kept
        kept.usual, kept.answer = 201, b""

    @property
    def came(self) -> list[Came]:
        """Return the messages, in their order."""
        paths = self._kept.paths
        return [Came(path, *one) for path, one in zip(paths, self._kept.got, strict=True)]

    def answer(self, *statuses: int) -> None:
        """Answer so the next times."""
        self._kept.answers = list(statuses)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._kept.port}"

    def browser(self, name: str) -> Browser:
        """Subscribe another browser."""
        return Browser(f"{self.url}/wpush/{name}")


@contextmanager
def push_service() -> Iterator[PushService]:
    """Serve until the block ends."""
    with webhook() as kept:
        yield PushService(kept)
