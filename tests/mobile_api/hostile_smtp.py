"""A mail server on a socket that misbehaves as it is told, and notes what it had in hand."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import BinaryIO, Final

END: Final = b"\r\n.\r\n"
WAIT_S: Final = 20  # for a client that is itself too slow: the test has failed then


class HostileServer:
    """``plans``: what to do at which command, of each connection in turn.

    A plan maps a command (``MAIL``, ``RCPT``, ``DATA``, ``END``, ``HELLO``) to a reply, or to
    ``drop`` (hang up), ``silent`` (never answer), ``drip`` (a letter now and then).
    """

    def __init__(self) -> None:
        self.plans: list[dict[str, str]] = []
        self.whole: list[bytes] = []  # messages whose end came, whatever was answered
        self.kept: list[bytes] = []  # messages that were answered with 250, or would have been
        self.senders: list[str] = []  # return paths
        self.silence_s: float = WAIT_S  # then it hangs up
        self.begun = 0
        self._over = Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._over.set()
        self._socket.close()
        with socket.socket() as last:  # wakes accept where closing does not
            last.settimeout(0.1)
            last.connect_ex(("127.0.0.1", int(self.url.rpartition(":")[2])))
        self._thread.join(WAIT_S)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            plan = self.plans.pop(0) if self.plans else {}
            connection.settimeout(WAIT_S)
            Thread(target=self._hold, args=(connection, plan), daemon=True).start()

    def _hold(self, connection: socket.socket, plan: dict[str, str]) -> None:
        with connection, suppress(OSError):
            self._talk(connection, plan)

    def _talk(self, connection: socket.socket, plan: dict[str, str]) -> None:
        self.begun += 1
        lines = connection.makefile("rb")
        if not self._answer(connection, plan.get("HELLO", "220 here")):
            return
        while line := lines.readline():
            verb = line[:4].upper().strip().decode()
            if verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            if verb == "MAIL":
                self.senders.append(line.partition(b":")[2].decode().strip())
            default = {"DATA": "354 go on", "EHLO": "250 here"}.get(verb, "250 fine")
            if not self._answer(connection, plan.get(verb, default)):
                return
            taking = verb == "DATA" and plan.get("DATA", default).startswith("354")
            if taking and not self._take(connection, lines, plan):
                return

    def _take(self, connection: socket.socket, lines: BinaryIO, plan: dict[str, str]) -> bool:
        if plan.get("BODY") == "drop":
            lines.readline()
            return False
        content = b""
        while not content.endswith(END) and (more := lines.readline()):
            content += more
        self.whole.append(content)
        answer = plan.get("END", "250 taken")
        if answer.startswith(("250", "drop", "silent")):
            self.kept.append(content)
        return self._answer(connection, answer)

    def _answer(self, connection: socket.socket, answer: str) -> bool:
        if answer == "drop":
            return False
        if answer == "silent":
            self._over.wait(self.silence_s)
            return False
        if answer == "drip":
            for letter in b"250-so slow " * 100:
                connection.sendall(bytes([letter]))
                if self._over.wait(0.05):
                    return False
            return False
        connection.sendall(f"{answer}\r\n".encode())
        return True


@contextmanager
def hostile() -> Iterator[HostileServer]:
    """Run one."""
    server = HostileServer()
    try:
        yield server
    finally:
        server.close()
