"""A push service as a browser's maker runs one: takes sealed messages by HTTP, and keeps them.

It also is the browser: the keys of its subscriptions are here, so a test can open what came.
"""

import base64
import http.server
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
    """Listens on loopback; use it in a ``with``. ``answers``: statuses to give first, in turn."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.answers: list[int] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.came.append(Came(self.path, headers, body))
                self.send_response(service.answers.pop(0) if service.answers else 201)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - its own names
                return

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._server.server_port}"

    def browser(self, name: str) -> Browser:
        """Subscribe another browser."""
        return Browser(f"{self.url}/wpush/{name}")
