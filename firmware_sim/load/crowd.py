"""Many phones with open streams in one process of their own, timed on the machine's one clock.

``Crowd`` starts and ends the process; ``python -m firmware_sim.load.crowd`` is it. The
process claims the visits as a browser does, holds the streams, and notes when each
operation came; what was sent when is known to whoever publishes.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import urlsplit

from cart.kernel.errors import Unavailable
from firmware_sim.phone import Phone

READY_S: Final = 300.0  # a thousand phones come one after the other, at twenty a second or more
OPEN_S: Final = 30.0
END_S: Final = 30.0
STRAGGLE_S: Final = 10.0
READ_BYTES: Final = 262_144
PATH: Final = "/api/v1/cart/events"
_OPERATION: Final = b"event: operation\ndata: "
_CART: Final = b"event: cart\n"


@dataclass(frozen=True, slots=True)
class Gathering:
    """Who comes: at which API, with which claim secrets; ``html``: as the cart page asks."""

    url: str
    secrets: Sequence[str]
    html: bool = False


@dataclass(slots=True)
class Arrivals:
    """What came. ``at_s``: event id to monotonic seconds; ``broken``: streams that ended."""

    at_s: dict[str, float] = field(default_factory=dict)
    carts: int = 0
    broken: int = 0


class Crowd:
    """The process: started with the phones at their streams, ended with what they heard."""

    def __init__(self, gathering: Gathering) -> None:
        """Start it and wait until every phone has its cart.

        Raises:
            Unavailable: one cannot claim, or the API gives no stream.
        """
        self._process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-m", "firmware_sim.load.crowd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(json.dumps(asdict(gathering)))
        said = self._hear()
        if said != "ready":
            self.close()
            msg = f"the phones did not come: {said or 'their process has ended'}"
            raise Unavailable(msg)

    def arrivals(self, expected: int) -> Arrivals:
        """End the streams; return what came: ``expected`` operations, or all within STRAGGLE_S.

        Raises:
            Unavailable: the process has ended by itself.
        """
        self._say(str(expected))
        said = self._hear()
        if not said:
            msg = "the phones' process has ended by itself"
            raise Unavailable(msg)
        return Arrivals(**json.loads(said))

    def close(self) -> None:
        """End the process in any case."""
        self._process.kill()
        self._process.communicate(timeout=END_S)  # closes the pipes too

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _say(self, line: str) -> None:
        with suppress(BrokenPipeError):  # what it has left to say is read next
            print(line, file=self._process.stdin, flush=True)

    def _hear(self) -> str:
        return next(iter(self._process.stdout or ()), "").strip()


class _Stream:
    """One phone's stream. The server writes whole events, so a block never straddles a chunk."""

    def __init__(self, arrivals: Arrivals, moved: asyncio.Event) -> None:
        self._arrivals = arrivals
        self._moved = moved
        self.told = asyncio.Event()
        self._rest = b""

    async def run(self, host: str, port: int, request: bytes) -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        try:
            writer.write(request)
            while data := await reader.read(READ_BYTES):
                self._take(data, time.monotonic())
        finally:
            writer.close()
        self._arrivals.broken += 1

    def _take(self, data: bytes, at_s: float) -> None:
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            place = block.find(_OPERATION)
            if place >= 0:
                line = block[place + len(_OPERATION) :].partition(b"\n")[0]
                event_id = str(json.loads(line)["id"]).rpartition(":")[2]
                self._arrivals.at_s.setdefault(event_id, at_s)
                self._moved.set()
            elif _CART in block:
                self._arrivals.carts += 1
                self.told.set()


def _claimed(gathering: Gathering) -> list[str]:
    """Let every phone claim its visit; return their cookies."""
    cookies = []
    for secret in gathering.secrets:
        phone = Phone(gathering.url)
        try:
            phone.claim(f"/c/{secret}")
            cookies.append(phone.cookies)
        finally:
            phone.close()
    return cookies


async def _gather(gathering: Gathering, cookies: Sequence[str]) -> None:
    parts = urlsplit(gathering.url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    arrivals = Arrivals()
    path = f"{PATH}?html=true" if gathering.html else PATH
    moved = asyncio.Event()
    streams = [_Stream(arrivals, moved) for _ in cookies]
    async with asyncio.TaskGroup() as group:
        tasks = []
        for stream, cookie in zip(streams, cookies, strict=True):
            request = (
                f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n"
                f"Accept-Language: en\r\nCookie: {cookie}\r\n\r\n"
            )
            tasks.append(group.create_task(stream.run(host, port, request.encode())))
            async with asyncio.timeout(OPEN_S):
                await stream.told.wait()
        _say("ready")
        expected = int(await asyncio.to_thread(sys.stdin.readline) or 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(STRAGGLE_S):
                while len(arrivals.at_s) < expected:
                    moved.clear()
                    await moved.wait()
        for task in tasks:
            task.cancel()
    _say(json.dumps(asdict(arrivals)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Read who comes, let them come, hold their streams until a line or the end of input."""
    asked = json.loads(sys.stdin.readline())
    gathering = Gathering(**asked)
    try:
        asyncio.run(_gather(gathering, _claimed(gathering)))
    except* (Unavailable, OSError, TimeoutError) as failed:
        _say("; ".join(f"{type(one).__name__}: {one}" for one in failed.exceptions))


if __name__ == "__main__":
    main()
