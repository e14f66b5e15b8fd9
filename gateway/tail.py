"""Follows stock and tells those who show it: devices by topic, phones through the API.

Reads what is committed, so a change is told also when the process that made it
died right after, and when it was made by a command line. How far it has come is kept in
the database: whoever follows next goes on from there, whatever its clock says.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading, unit_of_work
from cart.kernel.gtin import Gtin
from gateway.notices import Notice, StockChanged
from gateway.wire.downlink import StockNotice
from inventory_api.stock.following import mark_of, note_mark
from inventory_api.stock.queries import StockChange
from inventory_api.stock.tail import Tail

logger = logging.getLogger(__name__)

# How often the database is asked for changes: one indexed query that mostly finds nothing.
# A person does not see a quarter of a second; eight queries a second would not be felt either.
LOOK_EVERY_S = 0.2
STOP_WAIT_S = 5
FOLLOWER: Final = "gateway"
# How far back a new follower looks, besides the tail's own overlap: what the one before has told
# may not have left its process when it died, and a broker on a loaded network takes seconds.
# What is told twice hurts nobody.
TAKEOVER_US: Final = 10_000_000
# How far it has come is noted this seldom, a transaction that nobody waits for: who takes over
# tells so much more again. Also while nothing changes, or it would tell the last of an import.
NOTE_EVERY_US: Final = 5_000_000


class Tells(Protocol):
    """Whoever passes notices on."""

    def publish(self, *notices: Notice) -> None:
        """Send them; need not wait until they have arrived."""
        ...


class StockTail:
    """One thread between the stock table and the fan-out."""

    def __init__(
        self,
        engine: Engine,
        monotonic: Callable[[], float],
        fanout: Tells,
        *,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """``is_ours``: whether we do it just now, of several gateways that could.

        ``monotonic``: seconds that grow evenly; no clock on a wall is asked.
        """
        self._engine = engine
        self._monotonic = monotonic
        self._tail: Tail | None = None
        self._noted_us = 0
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
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.look()
            except SQLAlchemyError as error:
                logger.warning("stock cannot be read just now: %s", error)

    def look(self) -> None:
        """Tell what has changed since the last look of whoever followed; nothing unless it is ours.

        How far that is, is noted afterwards: killed in between, it is told again.
        """
        if not self._is_ours():
            self._tail = None
            return
        tail = self._tail = self._tail or self._taken_over()
        for page in tail.pages():
            self._fanout.publish(*map(_notice, page))
        if tail.mark_us - self._noted_us >= NOTE_EVERY_US:
            self._note(tail.mark_us)

    def _taken_over(self) -> Tail:
        with reading(self._engine) as db:
            mark_us = mark_of(db, FOLLOWER)
        self._note(mark_us)  # of the first one there is: its successor may come after more changes
        return Tail(self._engine, mark_us - TAKEOVER_US, self._monotonic)

    def _note(self, mark_us: int) -> None:
        with unit_of_work(self._engine) as db:
            note_mark(db, FOLLOWER, mark_us)
        self._noted_us = mark_us


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
