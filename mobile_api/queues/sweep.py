"""What comes of being called: who is there has come, who is not in time is missed, the next is.

Owns no rule: ``gateway.floor.turns`` does.
"""

import asyncio
from typing import Final

from cart.db import reading, unit_of_work
from gateway.floor import serving, there, turns
from gateway.notices import TurnsChanged
from mobile_api.wiring import Parts

TIDIED_EVERY_S: Final = 600.0  # what is kept for hours need not go to the second


class TurnSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tidied_s = float("-inf")

    async def look(self) -> None:
        """Do one round, off the event loop."""
        await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """End calls that are over and call the next; now and then forget what is over."""
        parts = self._parts
        with reading(parts.engine) as db:
            due = turns.any_open(db)
        if due:
            with unit_of_work(parts.engine) as db:
                # First who is there: whose call is over and who stands there is not missed.
                changed = there.arrive(db, parts.clock) | turns.miss(db, parts.clock)
                parts.tell(db, *(TurnsChanged(one) for one in sorted(changed)))
        if parts.clock.monotonic() - self._tidied_s >= TIDIED_EVERY_S:
            self._tidied_s = parts.clock.monotonic()
            with unit_of_work(parts.engine) as db:
                turns.forget(db, parts.clock)
                serving.forget_stays(db, parts.clock)
