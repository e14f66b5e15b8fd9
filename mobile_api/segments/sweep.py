"""The rounds that keep segments: new touches, what time brings, and rules that are new.

Owns no rule: ``cart.journeys.segments`` does. Several processes may do this beside each other:
they take turns at a row's lock.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from cart.db import reading, unit_of_work
from cart.journeys.audiences.rounds import bring
from cart.journeys.segments import filling, keeping, queries
from cart.kernel.errors import InvalidInput
from inventory_api.kinds import Kinds
from mobile_api.segments.targets import targets
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
TENDED_EVERY_S: Final = 10.0  # decisions on consent and joinings are heard of so late at most
ROUNDS_MAX: Final = 100  # of the timeline in one look; the rest comes with the next, in seconds


class SegmentSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._catalogue = Kinds()
        self._tended_s = float("-inf")

    async def look(self) -> None:
        """Do one round, off the event loop."""
        await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """Follow the timeline to its end; now and then do what no touch tells of."""
        engine, clock, catalogue = self._parts.engine, self._parts.clock, self._catalogue
        with reading(engine) as db:
            if not queries.any_kept(db):
                return
        for _ in range(ROUNDS_MAX):
            with unit_of_work(engine) as db:
                moved = keeping.follow(db, clock, catalogue)
            if moved.read < keeping.FOLLOWED_MAX:
                break
        if clock.monotonic() - self._tended_s < TENDED_EVERY_S:
            return
        self._tended_s = clock.monotonic()
        with unit_of_work(engine) as db:
            keeping.tend(db, clock, catalogue)
        with reading(engine) as db:
            stale = filling.stale(db, clock, catalogue)
        self._fill(stale)
        bring(engine, clock, targets(self._parts.settings, self._parts.outgoing))

    def _fill(self, stale: Sequence[str]) -> None:
        engine, clock, catalogue = self._parts.engine, self._parts.clock, self._catalogue
        for segment_id in stale:
            try:
                with unit_of_work(engine) as db:
                    filling.fill(db, clock, catalogue, segment_id)
            except InvalidInput:
                logger.exception("segment %s asks for too much; it stays as it was", segment_id)
