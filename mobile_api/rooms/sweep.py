"""What time ends in fitting rooms. Owns no rule: ``gateway.rooms.sweeping`` does."""

import asyncio
from typing import Final

from cart.db import on_commit, reading, unit_of_work
from gateway.notices import RoomsChanged
from gateway.rooms import sweeping
from mobile_api.wiring import Parts

TIDIED_EVERY_S: Final = 600.0  # what is kept for hours need not go to the second


class RoomSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tidied_s = float("-inf")

    async def look(self) -> None:
        """Do one round, off the event loop."""
        await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """End what nobody met and what a visit left behind; now and then forget what is over."""
        parts = self._parts
        with reading(parts.engine) as db:
            due = sweeping.any_open(db)
        if due:
            with unit_of_work(parts.engine) as db:
                places = sweeping.close_over(db, parts.clock)
                lapsed = sweeping.lapse(db, parts.clock, parts.ids)
                told = [RoomsChanged(one) for one in sorted(places)]
                told += [RoomsChanged(place, device) for place, device in lapsed]
                parts.tell(db, *told)
                on_commit(db, lambda: parts.metrics.rooms.lapsed(place for place, _ in lapsed))
        if parts.clock.monotonic() - self._tidied_s >= TIDIED_EVERY_S:
            self._tidied_s = parts.clock.monotonic()
            with unit_of_work(parts.engine) as db:
                sweeping.forget(db, parts.clock)
