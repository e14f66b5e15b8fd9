"""A network that drops: a small TCP proxy between a tablet and what it talks to.

Owns the pipes and what is done to them: ``open``, ``refuse`` (nobody listens),
``stall`` (taken, and nothing passes: the shop's Wi-Fi behind a shelf). It looks
at no byte.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Literal

CHUNK_BYTES: Final = 65_536
START_S: Final = 20.0  # a moment; on a busy machine longer
HOST: Final = "127.0.0.1"

State = Literal["open", "refuse", "stall"]


class Proxy:
    """Forwards a loopback port of its own to ``target`` as long as the network is open.

    ``target`` may be a function: a server that comes back on another port is found.
    ``lasts``: after how many bytes towards the target each connection is cut; None, and once
    there are no more: it is not. ``on_cut`` is called before, in the network's thread.
    """

    def __init__(
        self,
        target: tuple[str, int] | Callable[[], tuple[str, int]],
        lasts: Iterable[int | None] = (),
        on_cut: Callable[[], None] = lambda: None,
    ) -> None:
        self._target = target if callable(target) else lambda: target
        self._state: State = "open"
        self._passing = asyncio.Event()
        self._passing.set()
        self._pipes: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="network", daemon=True)
        self.port = 0
        self.cuts = 0  # by ``lasts``
        self._lasts, self._on_cut = iter(lasts), on_cut

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._thread.start()
        if not self._ready.wait(START_S):
            msg = "the simulated network did not start"
            raise RuntimeError(msg)

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_S)

    def cut(self) -> None:
        """Drop every connection at once, and refuse new ones, until :meth:`restore`."""
        self.become("refuse")

    def stall(self) -> None:
        """Let nothing pass and close nothing, until :meth:`restore`."""
        self.become("stall")

    def restore(self) -> None:
        """Be a good network again."""
        self.become("open")

    @property
    def state(self) -> State:
        """What the network is like at the moment."""
        return self._state

    def become(self, state: State) -> None:
        """Change the state; it holds when this returns.

        Raises:
            RuntimeError: the network's thread does not come to it.
        """
        done = threading.Event()

        def apply() -> None:
            self._state = state
            if state == "stall":
                self._passing.clear()
            else:
                self._passing.set()
            if state == "refuse":
                self._drop_all()
            done.set()

        self._loop.call_soon_threadsafe(apply)
        if not done.wait(START_S):
            msg = f"the simulated network did not become {state}"
            raise RuntimeError(msg)

    def _drop_all(self) -> None:
        for writer in tuple(self._pipes):
            writer.transport.abort()

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._taken, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        self._passing.set()
        self._drop_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only our own end cancels it; Python 3.11 logs a traceback for a cancelled handler.
        with suppress(asyncio.CancelledError):
            await self._join(reader, writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._state == "refuse":
            writer.transport.abort()
            return
        self._pipes.add(writer)
        try:
            await self._passing.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target())
        except OSError:
            self._pipes.discard(writer)
            writer.transport.abort()
            return
        self._pipes.add(far_writer)
        lasts = next(self._lasts, None)
        try:
            ways = [
                asyncio.ensure_future(self._pass(reader, far_writer, lasts)),
                asyncio.ensure_future(self._pass(far_reader, writer)),
            ]
            await asyncio.wait(
                ways, return_when=asyncio.FIRST_COMPLETED if lasts else asyncio.ALL_COMPLETED
            )
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, far_writer):
                self._pipes.discard(end)
                end.transport.abort()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        left: int | None = None,
    ) -> None:
        with suppress(OSError, RuntimeError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._passing.wait()
                writer.write(chunk if left is None else chunk[:left])
                await writer.drain()
                if left is not None and len(chunk) >= left:
                    self._on_cut()
                    self.cuts += 1
                    return  # both ends are aborted
                left = left and left - len(chunk)
            if writer.can_write_eof():
                writer.write_eof()
