"""The till and the delivery van: stock that moves without any device of ours.

Owns what is sold when, from a seeded source. It books as a till's export does:
by the retailer's own command line.
"""

import logging
import threading
from collections.abc import Callable
from random import Random
from typing import Final

from cart.kernel.errors import Unavailable
from firmware_sim.shop import Shop

EVERY_S: Final = (7.0, 14.0)
DELIVERY_SHARE: Final = 0.3
DELIVERY_PIECES: Final = 3

_LOG = logging.getLogger(__name__)


class Till:
    """Sells, now and then, a piece of what ``wanted()`` names: (location, sku)."""

    def __init__(
        self,
        shop: Shop,
        rng: Random,
        wanted: Callable[[], tuple[str, str]],
        stopping: threading.Event,
    ) -> None:
        self._shop = shop
        self._rng = rng
        self._wanted = wanted
        self._stopping = stopping
        self.movements = 0
        self._thread = threading.Thread(target=self._work, name="till", daemon=True)

    def start(self) -> None:
        """Open."""
        self._thread.start()

    def join(self, wait_s: float) -> None:
        """Wait for the last receipt."""
        self._thread.join(wait_s)

    def _work(self) -> None:
        while not self._stopping.wait(self._rng.uniform(*EVERY_S)):
            location, sku = self._wanted()
            delta = DELIVERY_PIECES if self._rng.random() < DELIVERY_SHARE else -1
            try:
                self._shop.move(location, sku, delta)
            except Unavailable as error:  # sold out: the next customer wants something else
                _LOG.info("the till: %s", error.message)
            else:
                self.movements += 1
