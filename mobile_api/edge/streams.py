"""Streams that are open under a phone's key end when the key does.

A key is looked at when a stream begins; from then on here: at once when keys are taken
back (a doorbell, of whichever process), and every few seconds for doorbells that were
missed and keys that have become too old. All open keys are one question to the database.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.carts import keys
from cart.db import reading
from cart.kernel.clock import Clock
from cart.kernel.ids import secret_hash

logger = logging.getLogger(__name__)
LOOK_S: Final = 15.0  # as the beat of a stream; a doorbell makes it at once


class OpenStreams:
    """The streams of this process, by the key that they were opened with."""

    def __init__(self, engine: Engine, clock: Clock, *, look_s: float = LOOK_S) -> None:
        self._engine, self._clock, self._look_s = engine, clock, look_s
        self._open: dict[str, set[asyncio.Event]] = {}
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._bell = asyncio.Event()
        self._task = self._loop.create_task(self._run())

    async def stop(self) -> None:
        """End looking; streams end by themselves."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def ring(self) -> None:
        """Look now; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._bell.set)

    async def while_good(
        self, token: str | None, stream: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """Yield what ``stream`` does, as long as ``token`` opens its session."""
        name, ended = secret_hash(token or ""), asyncio.Event()
        self._open.setdefault(name, set()).add(ended)
        over = asyncio.ensure_future(ended.wait())
        step: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                step = asyncio.ensure_future(_next(stream))
                await asyncio.wait({step, over}, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    return
                chunk = step.result()
                if chunk is None:
                    return
                yield chunk
        finally:
            self._open[name].discard(ended)
            if not self._open[name]:
                del self._open[name]
            over.cancel()
            if step is not None and not step.done():
                step.cancel()
                with suppress(asyncio.CancelledError):
                    await step
            await stream.aclose()  # type: ignore[attr-defined]  # every stream is a generator

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._bell.wait()
            self._bell.clear()
            try:
                await self._look()
            except SQLAlchemyError:
                logger.exception("looking whether keys of open streams are good; trying again")

    async def _look(self) -> None:
        asked = set(self._open)
        if not asked:
            return
        good = await asyncio.to_thread(self._good, asked)
        for name in asked - good:
            for ended in self._open.get(name, ()):
                ended.set()

    def _good(self, asked: set[str]) -> set[str]:
        with reading(self._engine) as db:
            return keys.good(db, asked, self._clock.now())


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, None)
