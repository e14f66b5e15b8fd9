"""Requests that wait for their payment page: woken in this process, and looking for themselves.

The workflow that makes the page may run in another process after a crash, so a
waiting request also looks into the database; it never asks the workflow.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

LOOK_S: Final = 1.0  # for what another process has done


class Awaited:
    """Who waits for which attempt."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, attempt_id: str) -> None:
        """Wake who waits for an attempt; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake, attempt_id)

    async def until(
        self,
        attempt_id: str,
        done: Callable[[], Awaitable[bool]],
        timeout_s: float,
        *,
        start: Callable[[], Awaitable[object]],
    ) -> None:
        """``start``; return when :meth:`tell` was called or ``done`` says so, or after a time.

        Who tells has committed: then there is nothing to look at.
        """
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting.setdefault(attempt_id, set()).add(event)
        try:
            await start()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while not (await self._told(event) or await done()):
                        pass
        finally:
            others = self._waiting[attempt_id]
            others.discard(event)
            if not others:
                del self._waiting[attempt_id]

    @staticmethod
    async def _told(event: asyncio.Event) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await event.wait()
        return event.is_set()

    def _wake(self, attempt_id: str) -> None:
        for event in self._waiting.get(attempt_id, ()):
            event.set()
