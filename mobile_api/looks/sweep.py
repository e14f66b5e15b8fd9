"""Ends looks: what was deleted, is over, or never came in whole; and what has no other half.

``Rounds`` calls it; a deleted look is gone for good within seconds, also after a crash.
"""

import asyncio
import logging
from typing import Final

from cart.db import reading, unit_of_work
from cart.looks import ending
from cart.objects.model import Objects
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
ORPHANS_EVERY_S: Final = 3_600.0  # both directions read the whole list of objects


class LooksSweep:
    """What one round does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._orphans_s = float("-inf")

    async def look(self) -> None:
        """Do one round, off the event loop."""
        await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """End what is over; every hour look for halves."""
        parts = self._parts
        with unit_of_work(parts.engine) as db:
            ending.shred(db, parts.clock)
        self.clear()
        if parts.clock.monotonic() - self._orphans_s >= ORPHANS_EVERY_S:
            self._orphans_s = parts.clock.monotonic()
            with unit_of_work(parts.engine) as db:
                ending.forget_uploads(db, parts.clock)
            self.orphans()
            self.clear()

    def clear(self) -> None:
        """Delete objects, then rows, of looks that are gone; pieces of those that are kept."""
        parts = self._parts
        with reading(parts.engine) as db:
            gone = ending.gone(db)
            uploads = [*ending.finished(db), *ending.uploads_of(db, gone)]
        if not gone and not uploads:
            return
        ending.delete_objects(parts.objects, gone, uploads)
        parts.marked("looks deleted")
        with unit_of_work(parts.engine) as db:
            ending.delete_rows(db, gone, uploads)

    def orphans(self) -> None:
        """Delete objects without rows; show looks no more that lack an object."""
        parts, objects = self._parts, self._parts.objects
        before = parts.clock.now() - ending.ORPHANED_AFTER
        with reading(parts.engine) as db:
            left = ending.without_rows(db, objects, before)
        for name in left:
            objects.delete(name)
        if left:
            logger.warning("%d objects belonged to no look; deleted", len(left))
        objects.tidy(before)
        self._lost(objects)

    def _lost(self, objects: Objects) -> None:
        after = ""
        while True:
            with reading(self._parts.engine) as db:
                lost, after = ending.without_objects(db, objects, after)
            if lost:
                with unit_of_work(self._parts.engine) as db:
                    ending.give_up_lost(db, lost)
            if not after:
                return
