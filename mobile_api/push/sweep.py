"""Finds rings that nobody has started yet."""

import asyncio
from collections.abc import Sequence
from typing import Final

from cart.db import reading, unit_of_work
from cart.profile.push import service
from mobile_api.wiring import Parts

STARTED_AT_ONCE_MAX: Final = 100


class PushSweep:
    """Starts what was asked for, here or elsewhere. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def look(self) -> None:
        """Do one round."""
        from mobile_api.push.workflow import ensure_started  # noqa: PLC0415 - DBOS is large

        for ring_id in await asyncio.to_thread(self._waiting):
            if not await ensure_started(ring_id):
                await asyncio.to_thread(self._give_up, ring_id)

    def _waiting(self) -> Sequence[str]:
        with reading(self._parts.engine) as db:
            return service.waiting(db, STARTED_AT_ONCE_MAX)

    def _give_up(self, ring_id: str) -> None:
        with unit_of_work(self._parts.engine) as db:
            service.settle(db, self._parts.clock, ring_id, "it could not be composed; see the log")
