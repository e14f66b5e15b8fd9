"""Follows the changes of stock without missing one that commits late.

Owns a position in time, nothing in the database. State-based: what comes out is
the present state of a row, at least once, never an older one after a newer.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Engine

from cart.db import reading
from inventory_api.stock.queries import Pair, StockChange, changed_since

# A row carries the time of its statement and is seen at its commit. Between the
# two lie at most the wait for other writers (10 s, cart.db.engine) and a chunk of
# an import (about 1 s); clocks of server processes may differ by the rest.
OVERLAP_US: Final = 15_000_000
PAGE_ROWS: Final = 1_000


class Tail:
    """A place in the stream of changes. For one thread."""

    def __init__(
        self, engine: Engine, start_us: int, monotonic: Callable[[], float] | None = None
    ) -> None:
        """Follow ``engine``'s stock from ``start_us`` on, less the overlap.

        ``monotonic`` (seconds): the mark goes on with it while nothing changes, so that the
        last of an import is not read again and again. Without it only changes move the mark.
        """
        self._engine = engine
        self._mark_us = start_us
        self._monotonic = monotonic or (lambda: 0.0)
        self._looked_at_s = self._monotonic()
        self._seen: dict[Pair, tuple[int, int]] = {}  # version, changed_at_us

    @property
    def mark_us(self) -> int:
        """Where a follower that starts anew would go on from."""
        return self._mark_us

    def known(self, change: StockChange) -> bool:
        """Say whether this state or a newer one has been given out, and remember it if not.

        For who hears of changes in another way, too, and follows to miss none.
        """
        key = (change.location_id, change.sku)
        version, _ = self._seen.get(key, (-1, 0))
        if version >= change.version:
            return True
        self._seen[key] = (change.version, change.changed_at_us)
        return False

    def pages(self) -> Iterator[list[StockChange]]:
        """Yield what is new, oldest first, in pages of at most ``PAGE_ROWS``; then end.

        The mark moves page by page: who stops in the middle goes on from there.
        """
        began_us, now_s = self._mark_us, self._monotonic()
        from_us, after = began_us - OVERLAP_US, ("", "")
        while True:
            with reading(self._engine) as db:
                page = changed_since(db, from_us, PAGE_ROWS, after=after)
            fresh = [change for change in page if not self.known(change)]
            if page:
                last = page[-1]
                from_us, after = last.changed_at_us, (last.location_id, last.sku)
                self._mark_us = max(self._mark_us, from_us)
            if fresh:
                yield fresh
            if len(page) < PAGE_ROWS:
                passed_us = int((now_s - self._looked_at_s) * 1_000_000)
                # From where the time began that has passed: a change says how late it is by itself.
                self._mark_us = max(self._mark_us, began_us + passed_us)
                self._looked_at_s = now_s
                self._forget()
                return

    def poll(self) -> list[StockChange]:
        """Return what is new since the last time, all of it."""
        return [change for page in self.pages() for change in page]

    def _forget(self) -> None:
        oldest_us = self._mark_us - OVERLAP_US
        self._seen = {key: seen for key, seen in self._seen.items() if seen[1] >= oldest_us}
