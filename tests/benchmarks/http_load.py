"""Clients that keep a connection each and send requests that were written beforehand.

A client costs little, so that the two cores of a small machine are the
server's: raw sockets on one event loop, no HTTP library. Owns the clock.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
ANSWER_WAIT_S: Final = 60.0


@dataclass(slots=True)
class Measured:
    """What one measurement found. ``seconds``: each request's time."""

    took_s: float
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests (or whole acts) per second."""
        return len(self.seconds) / self.took_s

    def percentile_ms(self, share: float) -> float:
        """Return the time within which ``share`` of the requests were answered."""
        ordered = sorted(self.seconds)
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection:
    """One kept connection to ``host:port``; ``cookie`` goes along once the server gave one."""

    def __init__(self, host: str, port: int, cookie: str = "") -> None:
        self._host, self._port = host, port
        self.cookie = cookie
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, *, body: bytes = b"", key: str = "", extra: str = ""
    ) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{extra}"
        if self.cookie:
            head += f"Cookie: {self.cookie}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        elif method != "GET":
            head += "Content-Length: 0\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        raw = await asyncio.wait_for(self._reader.readuntil(HEAD_END), ANSWER_WAIT_S)
        status = int(raw[9:12])
        length = 0
        for line in raw.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"set-cookie":
                    self.cookie = value.partition(b";")[0].decode()
        return status, await self._reader.readexactly(length)

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()


Act = Callable[[Connection, int], Awaitable[str]]


async def measured(
    host: str, ports: Sequence[int], *, clients: int, acts: int, act: Act
) -> Measured:
    """Let ``clients`` do ``acts`` acts together; an act returns what was wrong.

    Each of ``ports`` has its share of the clients, as a balancer would deal them out.

    Numbers are 0 to ``acts`` - 1, each given once.
    """
    numbers = iter(range(acts))
    found = Measured(0.0)

    async def client(place: int) -> None:
        connection = Connection(host, ports[place % len(ports)])
        for number in numbers:
            begun = time.perf_counter()
            wrong = await act(connection, number)
            found.seconds.append(time.perf_counter() - begun)
            if wrong:
                found.wrong.append(wrong)
        await connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client(place) for place in range(clients)))
    found.took_s = time.perf_counter() - begun
    return found
