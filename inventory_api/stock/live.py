"""Stock changes as they happen, from whoever hears of them to whoever shows them.

Knows no network: the process that has the fan-out calls ``tell``. What is told
here may be lost; streams look into the database now and then all the same.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from inventory_api.stock.queries import StockChange

Deliver = Callable[[StockChange | None], None]


class StockFeed(Protocol):
    """Where a stream hears of changes at once."""

    def subscribe(self, deliver: Deliver) -> Callable[[], None]:
        """Call ``deliver`` with every change, in any thread, until the returned is called.

        None means that the process is going down.
        """
        ...


class LiveStock:
    """Gives every change to every subscriber. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[object, Deliver] = {}

    def subscribe(self, deliver: Deliver) -> Callable[[], None]:
        """Call ``deliver`` with every change until the returned function is called."""
        key = object()
        with self._lock:
            self._subscribers[key] = deliver

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.pop(key, None)

        return unsubscribe

    def tell(self, change: StockChange | None) -> None:
        """Pass a change on; None ends every stream."""
        with self._lock:
            subscribers = list(self._subscribers.values())
        for deliver in subscribers:
            deliver(change)
