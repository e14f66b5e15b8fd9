"""Reads the timeline on and moves on whoever is due. ``Rounds`` calls it, in every process.

What waits costs a row and nothing here: a round looks for what is due, and finds mostly nothing.
"""

import asyncio
from typing import Final

from cart.db import reading, unit_of_work
from cart.journeys import enrolling, rounds
from cart.journeys.enrolling import READ_AT_ONCE_MAX
from cart.journeys.news.rounds import watch_and_tell
from inventory_api.stock.shelves import Shelves
from mobile_api.journeys.world import world_of
from mobile_api.wiring import Parts

READS_MAX: Final = 20  # of one round: ten thousand interactions; the next one goes on


class JourneySweep:
    """What one round does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._goods = Shelves(parts.clock.monotonic)

    async def look(self) -> None:
        """Do one round, off the event loop; then have messages sent."""
        if await asyncio.to_thread(self.sweep):
            self._parts.mail_bell()

    def sweep(self) -> int:
        """Read on and move on; return how many runs were due."""
        parts = self._parts
        with reading(parts.engine) as db:
            unread, due = enrolling.unread(db), rounds.any_due(db, parts.clock.now())
        for _ in range(READS_MAX if unread else 0):
            with unit_of_work(parts.engine) as db:
                if enrolling.enrol(db, parts.clock) < READ_AT_ONCE_MAX:
                    break
        watch_and_tell(parts.engine, world_of(parts), self._goods)
        return rounds.move_all(parts.engine, world_of(parts)) if due else 0
