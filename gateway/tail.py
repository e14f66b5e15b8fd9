"""Follows stock and tells those who show it: devices by topic, phones through the API.

Reads what is committed, so a change is told also when the process that made it
died right after, and when it was made by a command line.
"""

import logging
import threading

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


class StockTail:
    """One thread between the stock table and the fan-out."""

    def __init__(self, engine: Engine, clock: Clock, fanout: Fanout) -> None:
        self._tail = Tail(engine, to_us(clock.now()))
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
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                for page in self._tail.pages():
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
