"""Between the network thread and the database: bounded, and batches by itself.

While one batch is being committed the next one gathers, so batches grow with
the load and a single message never waits for others.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from gateway.mqtt import Incoming

FULL_WAIT_S = 0.05  # how often a full inbox looks whether the gateway is stopping


class Inbox:
    """About ``limit`` messages at most. One consumer.

    Producers are the network threads: of several, each may bring one too many.
    """

    def __init__(self, limit: int, arrived: threading.Event | None = None) -> None:
        self._limit = limit
        self._waiting: deque[Incoming] = deque()
        self._arrived = arrived or threading.Event()
        self._closed = False

    @property
    def limit(self) -> int:
        """How many may wait."""
        return self._limit

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def put(self, message: Incoming, unwanted: Callable[[], bool] = lambda: False) -> None:
        """Add a message; while full, wait: the broker is held back, nothing is dropped.

        Unless it is ``unwanted`` meanwhile: its connection is being closed, and it
        comes again to whoever has the next one.
        """
        while len(self._waiting) >= self._limit and not self._closed:
            if unwanted():
                return
            time.sleep(FULL_WAIT_S)
        self._waiting.append(message)
        if not self._arrived.is_set():
            self._arrived.set()

    def take(self, most: int, wait_s: float) -> list[Incoming]:
        """Return up to ``most`` messages, waiting ``wait_s`` for the first; maybe none."""
        if not self._waiting:
            self._arrived.clear()
            # Between the look and the clear one may have come.
            if not self._waiting:
                self._arrived.wait(wait_s)
        return self.take_now(most)

    def take_now(self, most: int) -> list[Incoming]:
        """Return up to ``most`` of the messages that wait, the first ones; maybe none."""
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(most, len(waiting)))]

    def close(self) -> None:
        """Let a waiting producer go; what it brings comes again from the broker."""
        self._closed = True
        self._arrived.set()
