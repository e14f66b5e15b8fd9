"""Lets the timeline be collected, again and again. Owns no rule: ``cart.journeys`` does."""

import asyncio
from typing import Final

from cart.journeys.collecting.carts import Lists, ListWishes, Operations
from cart.journeys.collecting.collecting import collect
from cart.journeys.collecting.letters import MAILS, OPENINGS, PRESSES, JourneyMessages, SignIns
from cart.journeys.collecting.looks import Looks
from cart.journeys.collecting.model import Source
from cart.journeys.collecting.orders import Checkouts, Orders
from gateway.touches import ShopDevices, Sizes, Tried
from mobile_api.wiring import Parts

# Nobody waits for it; the last five minutes are looked through each time.
EVERY_S: Final = 10.0

SOURCES: Final[tuple[Source, ...]] = (
    Operations(ShopDevices()),
    Lists(),
    ListWishes(),
    Checkouts(),
    Orders(),
    *MAILS,
    JourneyMessages(),
    OPENINGS,
    PRESSES,
    SignIns(),
    Looks(),
    Tried(),
    Sizes(),
)


class TimelineSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._collected_s = float("-inf")

    async def look(self) -> None:
        """Do one round, off the event loop, if it is due."""
        clock = self._parts.clock
        if clock.monotonic() - self._collected_s >= EVERY_S:
            self._collected_s = clock.monotonic()
            await asyncio.to_thread(collect, self._parts.engine, clock, SOURCES)
