"""When each event was made, so that its way to a phone can be timed on one clock.

Owns moments by event id, bounded. Nothing travels with the events for it.
"""

import threading
import time
from collections import OrderedDict
from typing import Final

from cart.kernel.ids import Ids

MOMENTS_MAX: Final = 20_000
EVENT_PREFIX: Final = "evt"


class Moments:
    """Monotonic seconds by event id."""

    def __init__(self) -> None:
        self._made_s: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, event_id: str) -> None:
        """Note that this event is being made."""
        with self._lock:
            self._made_s[event_id] = time.monotonic()
            if len(self._made_s) > MOMENTS_MAX:
                self._made_s.popitem(last=False)

    def since_ms(self, event_id: str, at_s: float) -> float | None:
        """Return the milliseconds from there to ``at_s``, None for an event of somebody else."""
        with self._lock:
            made_s = self._made_s.get(event_id)
        return None if made_s is None else (at_s - made_s) * 1000


class TimedIds:
    """Satisfies ``cart.kernel.ids.Ids``; notes when an event's id is asked for.

    That is before the event is in the spool, so the device's disk is in the figure.
    """

    def __init__(self, ids: Ids, moments: Moments) -> None:
        self._ids = ids
        self._moments = moments

    def new(self, prefix: str) -> str:
        """Return a fresh id."""
        made = self._ids.new(prefix)
        if prefix == EVENT_PREFIX:
            self._moments.note(made)
        return made

    def token(self) -> str:
        """Return a fresh secret."""
        return self._ids.token()


def percentile(values: list[float], share: float) -> float | None:
    """Return the nearest-rank percentile, None of nothing. ``share`` 0.95 is p95."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
