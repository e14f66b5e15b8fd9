"""The stream of stock changes as event text (``text/event-stream``).

At least once, and state-based: an event holds the present state of one SKU at
one location, with a version. An event's id is a place in time to go on from
after a lost connection. Nothing that was committed is missed: what is heard
live is only faster than looking.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from cart.kernel.clock import Clock, to_us
from inventory_api.stock.live import StockFeed
from inventory_api.stock.queries import Pair, StockChange
from inventory_api.stock.tail import Tail

LOOK_EVERY_S: Final = 1.0  # without a live feed, a change is told this late at most
LOOK_EVERY_LIVE_S: Final = 15.0  # with one, to find what it lost
BEAT_EVERY_S: Final = 15.0  # proxies drop a connection that says nothing for 30 s
RETRY_MS: Final = 2_000
# SKUs times locations that wait for a slow reader; beyond it, they are looked up again.
PENDING_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream is to tell of; empty means everything."""

    skus: frozenset[str] = frozenset()
    location_ids: frozenset[str] = frozenset()

    def __contains__(self, change: StockChange) -> bool:
        return (not self.skus or change.sku in self.skus) and (
            not self.location_ids or change.location_id in self.location_ids
        )


class _Mailbox:
    """What was heard live and not yet sent: the newest state per SKU and location."""

    def __init__(self) -> None:
        self._changes: dict[Pair, StockChange] = {}
        self.wake = asyncio.Event()
        self.look = False
        self.closed = False

    def put(self, change: StockChange | None) -> None:
        self.wake.set()
        if change is None:
            self.closed = True
        elif len(self._changes) < PENDING_MAX:
            key = (change.location_id, change.sku)
            there = self._changes.get(key)
            if there is None or there.version < change.version:
                self._changes[key] = change
        else:
            self._changes.clear()
            self.look = True

    def take(self) -> list[StockChange]:
        self.wake.clear()
        changes, self._changes = list(self._changes.values()), {}
        return changes


def event(change: StockChange, mark_us: int) -> str:
    """Return the text of one event."""
    data = {
        "location_id": change.location_id,
        "sku": change.sku,
        "gtin": change.gtin,
        "product_id": change.product_id,
        "available": change.available,
        "version": change.version,
        "as_of": change.as_of.isoformat(),
    }
    return f"id: {mark_us}\nevent: stock\ndata: {json.dumps(data)}\n\n"


async def events(
    engine: Engine, clock: Clock, live: StockFeed | None, start_us: int, wanted: Wanted
) -> AsyncGenerator[str]:
    """Yield event text: what changed since ``start_us`` (less an overlap), then live."""
    loop = asyncio.get_running_loop()
    box = _Mailbox()

    def deliver(change: StockChange | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(box.put, change)

    # First listen, then look: what happens in between is heard, or seen, or both.
    unsubscribe = live.subscribe(deliver) if live else lambda: None
    tail = Tail(engine, start_us)
    every_s = LOOK_EVERY_LIVE_S if live else LOOK_EVERY_S
    look_at, beat_at = 0.0, clock.monotonic() + BEAT_EVERY_S
    try:
        yield f"retry: {RETRY_MS}\nid: {tail.mark_us}\n\n"
        while True:
            fresh = [change for change in box.take() if not tail.known(change)]
            if text := _text(fresh, tail, wanted):
                yield text
            if box.closed:
                return
            if box.look or clock.monotonic() >= look_at:
                box.look = False
                async for text in _looked_up(tail, wanted):
                    yield text
                look_at = clock.monotonic() + every_s
            if clock.monotonic() >= beat_at:
                beat_at = clock.monotonic() + BEAT_EVERY_S
                yield f"id: {tail.mark_us}\n: still here\n\n"
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await box.wake.wait()
    finally:
        unsubscribe()


async def _looked_up(tail: Tail, wanted: Wanted) -> AsyncGenerator[str]:
    pages = tail.pages()
    while page := await asyncio.to_thread(next, pages, None):
        if text := _text(page, tail, wanted):
            yield text


def _text(changes: Collection[StockChange], tail: Tail, wanted: Wanted) -> str:
    """Return events whose id is the tail's mark: what was only heard does not move it."""
    return "".join(event(change, tail.mark_us) for change in changes if change in wanted)


def start_of(last_event_id: str | None, clock: Clock) -> int:
    """Return where to go on from: the last event's id, or now.

    An id that is none of ours means now, too: the reader has nothing to go on from.
    """
    now_us = to_us(clock.now())
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit():
        return min(int(last_event_id[:20]), now_us)
    return now_us
