"""Requests that wait for their payment page: woken in this process, and looking for themselves.

The workflow that makes the page may run in another process after a crash, so a
waiting request also looks into the database; it never asks the workflow.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

LOOK_S: Final = 1.0  # for what another process has done


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was made, and the version that its checkout came to with it."""

    version: int
    redirect_url: str


class Awaited:
    """Who waits for which attempt."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[Page | None]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, attempt_id: str, page: Page | None = None) -> None:
        """Wake who waits for an attempt; from any thread. ``page``: what was kept just now."""
        loop = self._loop
        if attempt_id in self._waiting and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake, attempt_id, page)

    async def until(
        self,
        attempt_id: str,
        done: Callable[[], Awaitable[bool]],
        timeout_s: float,
        *,
        start: Callable[[], Awaitable[object]],
    ) -> Page | None:
        """``start``; return when :meth:`tell` was called or ``done`` says so, or after a time.

        Who tells has committed: then there is nothing to look at. The page is given where
        the one who told had made it.
        """
        self._loop = asyncio.get_running_loop()
        told: asyncio.Future[Page | None] = self._loop.create_future()
        self._waiting.setdefault(attempt_id, set()).add(told)
        try:
            await start()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while not (await self._told(told) or await done()):
                        pass
        finally:
            others = self._waiting[attempt_id]
            others.discard(told)
            if not others:
                del self._waiting[attempt_id]
        return told.result() if told.done() else None

    @staticmethod
    async def _told(told: "asyncio.Future[Page | None]") -> bool:
        await asyncio.wait([told], timeout=LOOK_S)
        return told.done()

    def _wake(self, attempt_id: str, page: Page | None) -> None:
        for told in self._waiting.get(attempt_id, ()):
            if not told.done():
                told.set_result(page)
