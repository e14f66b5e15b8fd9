"""What stands before several API processes: one port, and whoever is alive behind it.

Passes bytes on and knows no HTTP. A connection whose backend dies is closed, as a
proxy in a shop does; the next one goes to another that answers.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

CHUNK_BYTES = 65_536
CONNECT_S = 1.0


class Balancer:
    """Listens on ``port``; ``backends`` are ports on loopback, asked in turn."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self._backends: list[int] = []
        self._open: set[socket.socket] = set()
        self._turn = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="balancer", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where phones go."""
        return f"http://127.0.0.1:{self.port}/"

    def serve(self, backends: Sequence[int]) -> None:
        """Pass connections on to these from now on."""
        with self._lock:
            self._backends = list(backends)

    def cut(self) -> None:
        """Pull the cable: what is open ends, and what comes is closed, until it serves again."""
        with self._lock:
            self._backends = []
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no connections any more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(CONNECT_S)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client:
            backend = self._connected()
            if backend is None:
                return
            with backend, self._kept(client):
                back = threading.Thread(target=_pump, args=(backend, client), daemon=True)
                back.start()
                _pump(client, backend)
                back.join()

    @contextmanager
    def _kept(self, client: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(client)
            if not self._backends:  # cut between two of its steps
                client.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            with self._lock:
                self._open.remove(client)

    def _connected(self) -> socket.socket | None:
        with self._lock:
            self._turn += 1
            start = self._turn % max(1, len(self._backends))
            ports = self._backends[start:] + self._backends[:start]
        for port in ports:
            with suppress(OSError):
                made = socket.create_connection(("127.0.0.1", port), CONNECT_S)
                made.settimeout(None)
                return made
        return None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one end is gone; then neither is waited for."""
    with suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            sink.sendall(chunk)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
