"""Live stock of the product on the screen, here and in the nearest shops.

Owns what was last heard and whether it is still live. It never guesses: what
was not heard since the line last came up is unknown, with the time of the last
word. Asking happens in a thread of its own; one product at a time.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cart.kernel.errors import CarryoverError
from gateway.wire.downlink import StockNotice
from store_devices.tablet.fetching import StockFigure

KEPT_MAX: Final = 5_000  # figures; a day's walk through a shop, some 500 kB
REFRESH_S: Final = 60.0
"""A change between the answer and the subscription would be missed: so it is asked again."""
RETRY_S: Final = 5.0  # how long a product without an answer waits before it is asked for again

_LOG = logging.getLogger(__name__)


class Asked(Protocol):
    """Who answers; the server, over HTTP."""

    def availability(self, skus: list[str], location_ids: list[str]) -> list[StockFigure]:
        """Return the figures."""
        ...


@dataclass(frozen=True, slots=True)
class Stock:
    """Pieces that may be promised. ``available`` None: unknown; ``as_of``: the last word."""

    available: int | None
    as_of: datetime | None = None


UNKNOWN: Final = Stock(None)


@dataclass(frozen=True, slots=True)
class _Question:
    product_id: str
    skus: tuple[str, ...]
    location_ids: tuple[str, ...]


class Availability:
    """Say :meth:`show` when a product comes on the screen; read with :meth:`of`."""

    def __init__(self, asked: Asked, *, changed: Callable[[], None]) -> None:
        self._asked = asked
        self._changed = changed
        self._lock = threading.Lock()
        self._figures: OrderedDict[tuple[str, str], StockFigure] = OrderedDict()
        self._live: set[tuple[str, str]] = set()
        self._online = False
        self._question: _Question | None = None
        self._news = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="availability", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the request it may be in."""
        self._stopping = True
        self._news.set()
        self._thread.join()

    def show(self, product_id: str, skus: tuple[str, ...], location_ids: tuple[str, ...]) -> None:
        """Keep the stock of this product live, and of no other."""
        question = _Question(product_id, skus, location_ids)
        with self._lock:
            if question == self._question:
                return
            self._question = question
            self._live.clear()  # the topic of the one before is not heard any more
        self._news.set()

    def forget(self) -> None:
        """Nothing is on the screen."""
        with self._lock:
            self._question = None
            self._live.clear()

    def line(self, *, online: bool) -> None:
        """The broker came or went: what was live is no more, and is asked for again."""
        with self._lock:
            self._online = online
            self._live.clear()
        self._news.set()

    def hear(self, notice: StockNotice) -> None:
        """Take a notice from the product's topic; an older version changes nothing."""
        figure = StockFigure(
            location_id=notice.location_id,
            sku=notice.sku,
            available=notice.available,
            version=notice.version,
            as_of=notice.as_of,
        )
        with self._lock:
            if self._question is None or notice.product_id != self._question.product_id:
                return
            self._take([figure])
        self._changed()

    def of(self, sku: str, location_id: str) -> Stock:
        """Return what is known of this SKU there."""
        key = (sku, location_id)
        with self._lock:
            figure = self._figures.get(key)
            if figure is None:
                return UNKNOWN
            live = self._online and key in self._live
            return Stock(figure.available if live else None, figure.as_of)

    def _take(self, figures: list[StockFigure]) -> None:
        for figure in figures:
            key = (figure.sku, figure.location_id)
            held = self._figures.get(key)
            if held is None or figure.version >= held.version:
                self._figures[key] = figure
                self._figures.move_to_end(key)
            self._live.add(key)
        while len(self._figures) > KEPT_MAX:
            self._figures.popitem(last=False)

    def _work(self) -> None:
        wait_s = REFRESH_S
        while True:
            self._news.wait(wait_s)
            self._news.clear()
            if self._stopping:
                return
            wait_s = REFRESH_S if self._ask() else RETRY_S

    def _ask(self) -> bool:
        """Ask for what is on the screen; return False to try again soon."""
        with self._lock:
            question, online = self._question, self._online
        if question is None or not online:
            return True  # without the topic an answer would be stale at once: wait for the line
        try:
            figures = self._asked.availability(list(question.skus), list(question.location_ids))
        except CarryoverError as error:
            _LOG.info("stock is unknown: %s", error.message)
            return False
        with self._lock:
            if self._question != question or not self._online:
                return True
            self._take(figures)
        self._changed()
        return True
