"""Sealed turns on their way to the server: a short queue in memory, one at a time.

Owns the sending after a turn was kept. What is here only the shopper's phones can open. It is
in memory alone: switched off, it is lost. Half a minute after a visit's end what is not there
yet is dropped.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final, Literal

import httpx2

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from store_devices.mirror.sealing import SealedTurn
from store_devices.mirror.uploading import Grant, Uploads

WAITING_MAX: Final = 3
"""Turns that wait or are sent: nine megabytes; on a network this slow nobody waits for more."""

AFTER_END_S: Final = 30.0
"""How long what she kept may still be on its way when she has gone."""

ENDED_MAX: Final = 8
"""Visits that are over and remembered: of three turns on their way, and of one to be added."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One sealed turn, and the visit that it is of."""

    visit: str
    granted: Grant
    sealed: SealedTurn

    @property
    def size_bytes(self) -> int:
        """Of both parts."""
        return sum(len(part.content) for part in self.sealed.parts)


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """How far things are. ``percent``: of the one that is sent; ``done``, ``lost``: of a visit."""

    waiting: int = 0
    percent: int = 0
    done: int = 0
    lost: int = 0


class BrokenOff(Exception):
    """The upload is not wanted any more."""


class Outbox:
    """Sends parcels with this client in a thread of its own."""

    def __init__(
        self, http: httpx2.Client, randomness: Callable[[int], bytes], clock: Clock
    ) -> None:
        self._uploads = Uploads(http, self._pause, randomness, goes_on=self._check)
        self._clock = clock
        self._changed: Callable[[], None] = lambda: None
        self._news = Condition()
        self._parcels: deque[Parcel] = deque()
        self._until_s: dict[str, float] = {}  # the last visits over: how long theirs may be sent
        self._told: dict[Literal["done", "lost"], int] = {"done": 0, "lost": 0}
        self._stopping = False
        self._thread = Thread(target=self._work, name="outbox", daemon=True)

    def listen(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when the page should be drawn again."""
        self._changed = changed

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Drop what is not sent, and end."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._parcels.clear()

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        with self._news:
            return len(self._parcels) >= WAITING_MAX

    def add(self, parcel: Parcel) -> None:
        """Send one more, after those that wait; also of a visit that has just ended."""
        with self._news:
            self._parcels.append(parcel)
            self._news.notify_all()
        self._changed()

    def end(self, visit: str | None) -> None:
        """Note that a visit is over: its parcels have ``AFTER_END_S`` left."""
        with self._news:
            self._told = {"done": 0, "lost": 0}
            if visit is not None:
                self._until_s[visit] = self._clock.monotonic() + AFTER_END_S
                while len(self._until_s) > ENDED_MAX:
                    del self._until_s[next(iter(self._until_s))]
            self._news.notify_all()

    def on_the_way(self) -> OnTheWay:
        """Return how far things are."""
        with self._news:
            size = self._parcels[0].size_bytes if self._parcels else 0
            percent = min(99, 100 * self._uploads.sent_bytes // size) if size else 0
            return OnTheWay(len(self._parcels), percent, self._told["done"], self._told["lost"])

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._stopping or bool(self._parcels))
                if self._stopping:
                    return
                parcel = self._parcels[0]
            word = self._sent(parcel)
            with self._news:
                self._parcels.popleft()
                self._uploads.sent_bytes = 0
                if parcel.visit not in self._until_s:  # else the next one would be told of hers
                    self._told[word] += 1
            self._changed()

    def _sent(self, parcel: Parcel) -> Literal["done", "lost"]:
        try:
            self._uploads.send(parcel.granted, parcel.sealed)
        except BrokenOff:
            _LOG.warning("a kept turn is dropped: its visit is over, the network too slow")
            return "lost"
        except CarryoverError as error:
            _LOG.warning("a kept turn is lost: %s", error.message)
            return "lost"
        return "done"

    def _check(self) -> None:
        self._pause(0)
        self._changed()

    def _pause(self, seconds: float) -> None:
        """Wait; sooner broken off.

        Raises:
            BrokenOff: it is not to be sent any more.
        """
        until_s = self._clock.monotonic() + seconds
        with self._news:
            while True:
                now_s = self._clock.monotonic()
                visit = self._parcels[0].visit if self._parcels else ""
                over_s = self._until_s.get(visit)
                if self._stopping or (over_s is not None and now_s >= over_s):
                    raise BrokenOff
                if now_s >= until_s:
                    return
                self._news.wait(min(until_s, over_s or until_s) - now_s)
