"""Follows stock and tells those who show it: devices by topic, phones through the API.

Reads what is committed, so a change is told also when the process that made it
died right after, and when it was made by a command line.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.kernel.clock import Clock, to_us
from cart.kernel.gtin import Gtin
from gateway.fanout import Fanout
from gateway.notices import StockChanged
from gateway.wire.downlink import StockNotice
from inventory_api.stock.queries import StockChange
from inventory_api.stock.tail import Tail

logger = logging.getLogger(__name__)

# How often the database is asked for changes: one indexed query that mostly finds nothing.
# A person does not see a quarter of a second; eight queries a second would not be felt either.
LOOK_EVERY_S = 0.2
STOP_WAIT_S = 5
# How far back a new follower looks, besides the tail's own overlap: a lease ends after 3 s, and
# a look may wait for a loaded database. What is told twice hurts nobody.
TAKEOVER_US = 10_000_000


class StockTail:
    """One thread between the stock table and the fan-out."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        fanout: Fanout,
        *,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """``is_ours``: whether we do it just now, of several gateways that could."""
        self._engine = engine
        self._clock = clock
        self._is_ours = is_ours
        self._fanout = fanout
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stock-tail", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join(STOP_WAIT_S)

    def _run(self) -> None:
        tail: Tail | None = None
        while not self._stopping.wait(LOOK_EVERY_S):
            if not self._is_ours():
                tail = None
                continue
            try:
                # Whoever did it before us may have died a while ago.
                tail = tail or Tail(
                    self._engine, to_us(self._clock.now()) - TAKEOVER_US, self._clock.monotonic
                )
                for page in tail.pages():
                    self._fanout.publish(*map(_notice, page))
            except SQLAlchemyError as error:
                logger.warning("stock cannot be read just now: %s", error)


def _notice(change: StockChange) -> StockChanged:
    return StockChanged(
        StockNotice(
            product_id=change.product_id,
            sku=change.sku,
            gtin=Gtin(change.gtin),
            location_id=change.location_id,
            available=change.available,
            version=change.version,
            as_of=change.as_of,
        )
    )
