"""A web server on loopback that takes what is posted to it, and answers as a test says."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Webhook:
    """What came: headers and body of each request. ``answers``: statuses to come, then ``usual``.

    ``paths``: of the same requests, what they were posted to.
    """

    port: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    usual: int = 200
    location: str = ""
    retry_after: str = ""
    answer: bytes = b"{}"


@contextmanager
def webhook(tls: ssl.SSLContext | None = None) -> Iterator[Webhook]:
    """Serve until the block ends; ``tls``: speak it."""
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            said = {name.lower(): value for name, value in self.headers.items()}
            kept.got.append((said, self.rfile.read(length)))
            kept.paths.append(self.path)
            self.send_response(kept.answers.pop(0) if kept.answers else kept.usual)
            if kept.location:
                self.send_header("Location", kept.location)
            if kept.retry_after:
                self.send_header("Retry-After", kept.retry_after)
            self.send_header("Content-Length", str(len(kept.answer)))
            self.end_headers()
            try:
                self.wfile.write(kept.answer)
            except OSError:
                return  # whoever asked had enough

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
