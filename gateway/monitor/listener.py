"""A small HTTP listener beside a process's own work: health and metrics, for machines.

Its own port, because what it tells is the operator's: the public one never has to
be guarded for it. Its own threads, because it must answer while the rest is busy.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from gateway.monitor.health import Health

READ_WAIT_S: Final = 5.0  # somebody who connects and says nothing goes
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path says."""

    status: HTTPStatus
    kind: str
    body: bytes


Page = Callable[[], Answer]


def health_pages(live: Health, ready: Health) -> dict[str, Page]:
    """Return the two pages: ``live`` asks to be started anew, ``ready`` to be left alone."""
    return {
        "/health/live": lambda: _told(live, "live"),
        "/health/ready": lambda: _told(ready, "ready"),
    }


def _told(health: Health, word: str) -> Answer:
    verdict = health.look()
    parts = {part: verdict.reasons.get(part, "ok") for part in verdict.parts}
    body = json.dumps({word: verdict.ready, **parts}).encode()
    status = HTTPStatus.OK if verdict.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, JSON, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class Monitor:
    """The listener: bound when it is made, answering from :meth:`start` to :meth:`stop`."""

    def __init__(self, pages: Mapping[str, Page], *, host: str, port: int) -> None:
        """Listen at once: a taken port is an error of the start.

        Raises:
            OSError: the address cannot be listened on.
        """

        class Handler(BaseHTTPRequestHandler):
            timeout = READ_WAIT_S

            def do_GET(self) -> None:
                page = pages.get(self.path.partition("?")[0])
                if page is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                answer = page()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(answer.body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing: a probe comes every few seconds."""

        self._server = _Server((host, port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="monitor", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
