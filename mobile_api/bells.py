"""Pages that are told "it changed, look again": open streams by topic, with nothing in them.

An order, a checkout and a desk are shown by few pages, and each page fetches what
it shows. So an event carries its topic only, rings that nobody has heard yet
become one, and a listener needs no queue. Notices of other processes come in on
the fan-out's thread, pages are served on the event loop.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import StreamingResponse

from cart.kernel.errors import Unavailable
from gateway.fanout import CartChanged, DeskChanged, Notice, OrderChanged
from gateway.notices import FloorChanged, PlanChanged, RoomsChanged, TurnsChanged
from mobile_api.carts.events import BEAT, RETRY
from mobile_api.live import BEAT_S

# A shop's orders of one evening are a hundredth of it; each takes a socket and about 10 kB.
LISTENERS_MAX: Final = 5_000
TOPICS_MAX: Final = 50  # of one page: a shopper's open orders, or a desk


def order_topic(order_id: str) -> str:
    """Return the topic of an order, or of a checkout."""
    return f"order:{order_id}"


def cart_topic(cart_id: str) -> str:
    """Return the topic of a cart: a checkout follows it."""
    return f"cart:{cart_id}"


def desk_topic(location_id: str) -> str:
    """Return the topic of a location's desk."""
    return f"desk:{location_id}"


def floor_topic(location_id: str) -> str:
    """Return the topic of who is where at a location."""
    return f"floor:{location_id}"


def turns_topic(location_id: str) -> str:
    """Return the topic of a location's virtual queues."""
    return f"turns:{location_id}"


def rooms_topic(location_id: str) -> str:
    """Return the topic of what a location's fitting rooms ask for."""
    return f"rooms:{location_id}"


def plan_topic(session_id: str) -> str:
    """Return the topic of a shopper's own plan."""
    return f"plan:{session_id}"


def bookings_topic(location_id: str) -> str:
    """Return the topic of what is booked at a location, and of who of them has come."""
    return f"bookings:{location_id}"


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream: what it listens to, and which of it has rung since it last said so."""

    topics: frozenset[str]
    rung: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, topic: str) -> None:
        """Remember that a topic has rung."""
        self.rung.add(topic)
        self.wake.set()


class Bells:
    """The listeners of this process."""

    def __init__(self, *, beat_s: float = BEAT_S, listeners_max: int = LISTENERS_MAX) -> None:
        self._beat_s = beat_s
        self._listeners_max = listeners_max
        self._listeners: set[Listener] = set()
        self._by_topic: dict[str, set[Listener]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False

    def start(self) -> None:
        """Serve from the running event loop."""
        self._loop = asyncio.get_running_loop()

    @property
    def listening(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    @property
    def closing(self) -> bool:
        """Whether streams are to end: this process does."""
        return self._closing

    def close(self) -> None:
        """End every stream; pages come back to whoever serves next. From any thread."""
        self._closing = True
        self._soon(self._wake_all)

    def ring(self, topic: str) -> None:
        """Tell whoever listens to ``topic`` that it changed, from any thread."""
        if topic in self._by_topic:
            self._soon(lambda: self._ring(topic))

    def hear(self, notice: Notice) -> None:
        """Ring for what pages show; other notices are not ours. Any thread."""
        if isinstance(notice, OrderChanged):
            self.ring(order_topic(notice.order_id))
        elif isinstance(notice, CartChanged):
            self.ring(cart_topic(notice.cart_id))
        elif isinstance(notice, DeskChanged):
            self.ring(desk_topic(notice.location_id))
        elif isinstance(notice, FloorChanged):
            self.ring(floor_topic(notice.location_id))
        elif isinstance(notice, TurnsChanged):
            self.ring(turns_topic(notice.location_id))
        elif isinstance(notice, RoomsChanged):
            self.ring(rooms_topic(notice.location_id))
        elif isinstance(notice, PlanChanged):
            self.ring(plan_topic(notice.session_id))
            self.ring(bookings_topic(notice.location_id))

    def look_again(self) -> None:
        """Ring everything, from any thread: notices may have been missed."""
        self._soon(self._ring_all)

    def subscribe(self, topics: Collection[str]) -> Listener:
        """Begin to listen, on the event loop; :meth:`unsubscribe` ends it.

        Raises:
            Unavailable: as many listen as may, or to more than one page shows.
        """
        self.make_room(topics)
        listener = Listener(frozenset(topics))
        self._listeners.add(listener)
        for topic in listener.topics:
            self._by_topic.setdefault(topic, set()).add(listener)
        return listener

    def make_room(self, topics: Collection[str]) -> None:
        """Refuse a listener too many before its stream begins.

        Raises:
            Unavailable: as many listen as may, or to more than one page shows.
        """
        if len(topics) > TOPICS_MAX:
            msg = f"one page is told of {TOPICS_MAX} things at most"
            raise Unavailable(msg)
        if len(self._listeners) >= self._listeners_max:
            msg = f"{self._listeners_max} pages are told of changes already"
            raise Unavailable(msg)

    def unsubscribe(self, listener: Listener) -> None:
        """End listening, on the event loop."""
        self._listeners.discard(listener)
        for topic in listener.topics:
            others = self._by_topic.get(topic, set())
            others.discard(listener)
            if not others:
                self._by_topic.pop(topic, None)

    async def stream(self, topics: Collection[str]) -> AsyncIterator[bytes]:
        """Yield event text: ``changed`` for each topic at first, then whenever one has rung.

        The first ones come after listening has begun: a page that fetches on each
        ``changed`` misses nothing, however it was connected.
        """
        listener = self.subscribe(topics)
        try:
            yield RETRY + b"".join(map(_changed, sorted(listener.topics)))
            while not self._closing:
                try:
                    async with asyncio.timeout(self._beat_s):
                        await listener.wake.wait()
                except TimeoutError:
                    yield BEAT
                    continue
                listener.wake.clear()
                rung, listener.rung = listener.rung, set()
                if rung:
                    yield b"".join(map(_changed, sorted(rung)))
        finally:
            self.unsubscribe(listener)

    def _soon(self, action: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    def _ring(self, topic: str) -> None:
        for listener in self._by_topic.get(topic, ()):
            listener.hear(topic)

    def _ring_all(self) -> None:
        for topic in self._by_topic:
            self._ring(topic)

    def _wake_all(self) -> None:
        for listener in self._listeners:
            listener.wake.set()


def _changed(topic: str) -> bytes:
    return f"event: changed\ndata: {json.dumps({'topic': topic})}\n\n".encode()


def bell_stream(
    bells: Bells,
    topics: Collection[str],
    held: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]] | None = None,
) -> StreamingResponse:
    """Return the answer of a route that tells a page of changes.

    ``held``: lets the stream go on only as long as whoever opened it may hear it.

    Raises:
        Unavailable: as many listen as may.
    """
    bells.make_room(topics)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = bells.stream(topics)
    told = held(stream) if held else stream
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)
