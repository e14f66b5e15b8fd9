"""A task that looks for what is to be done, again and again: a doorbell only makes it quick."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

logger = logging.getLogger(__name__)
ROUND_S: Final = 3.0  # what no doorbell told of is found this soon
# At the busiest hour the bell rings without end: one look then finds what many rang for.
BREATH_S: Final = 0.2


class Rounds:
    """Calls ``look`` on the event loop; ``what`` names it in the log."""

    def __init__(self, what: str, look: Callable[[], Awaitable[None]]) -> None:
        self._what, self._look = what, look
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first look is at once."""
        self._bell.set()
        self._task = self._loop.create_task(self._run())

    def ring(self) -> None:
        """Look now; from any thread."""
        self._loop.call_soon_threadsafe(self._bell.set)

    async def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self._look()
            except Exception:  # whatever it was, the next round may find it gone
                logger.exception("looking for %s; trying again", self._what)
            await asyncio.sleep(BREATH_S)
            try:
                async with asyncio.timeout(ROUND_S):
                    await self._bell.wait()
            except TimeoutError:
                continue
