"""Who hears what: open phones by cart, each with a short queue.

Notices of other processes come in on the fan-out's thread, phones are served
on the event loop. A cart is read and written out once for all its phones, and
carts that change while others are read are read together after them. Must not
know what an event says: that is ``mobile_api.carts.events``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from cart.kernel.errors import CarryoverError, Unavailable
from gateway.fanout import BindingChanged, CartChanged, Notice, StockChanged
from gateway.wire.tracing import Part, TraceContext, Tracer
from mobile_api.carts.events import BEAT, RETRY, Asked, Event, Reader, View, device, plain_stock

logger = logging.getLogger(__name__)
# Proxies and phones drop a connection that says nothing for 30 s or longer.
BEAT_S: Final = 15.0
# As of pages that hear bells: a chain's evening on one process. More are told to come back.
PHONES_MAX: Final = 5_000
# A phone this far behind gets the cart as it is now instead of every step.
QUEUE_MAX: Final = 64
# Read in one go: what they share (shops, catalogue, stock, the snapshot) costs as much as some
# carts by themselves, and each as little as 0.4 ms. More would let the first of them wait for
# the last.
CARTS_AT_ONCE: Final = 32


@dataclass(eq=False, slots=True)
class Phone:
    """One open stream.

    ``watched``: GTINs outside of the cart whose stock its page shows, too. ``behind``: its queue
    overflowed; it needs the whole cart. ``ended``: what it was to hear could not be read; it comes
    back and asks from where it was.
    """

    view: View
    watched: frozenset[str] = frozenset()
    queue: deque[Event] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    behind: bool = False
    ended: bool = False

    def put(self, event: Event) -> None:
        """Give the phone an event, or mark it as behind."""
        if len(self.queue) >= QUEUE_MAX:
            self.queue.clear()
            self.behind = True
        self.queue.append(event)
        self.wake.set()


@dataclass(eq=False, slots=True)
class Room:
    """The open phones of one cart, what is to be read for them, and the traces that end there."""

    cart_id: str
    phones: set[Phone] = field(default_factory=set)
    version: int | None = None
    gtins: frozenset[str] = frozenset()
    stock_of: set[str] = field(default_factory=set)
    traced: list[Part] = field(default_factory=list)
    work: "asyncio.Task[None] | None" = None


class Hub:
    """The rooms of this process."""

    def __init__(
        self,
        reader: Reader,
        *,
        beat_s: float = BEAT_S,
        tracer: Tracer | None = None,
        phones_max: int = PHONES_MAX,
    ) -> None:
        self._reader = reader
        self._tracer = tracer
        self._beat_s = beat_s
        self._phones_max = phones_max
        self._rooms: dict[str, Room] = {}
        self._watching: dict[str, set[Phone]] = {}  # by GTIN
        self._changed: dict[str, None] = {}  # carts to be read, the one that waits longest first
        self._telling: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False

    def start(self) -> None:
        """Serve from the running event loop."""
        self._loop = asyncio.get_running_loop()

    @property
    def open_phones(self) -> int:
        """How many streams are open."""
        return sum(len(room.phones) for room in list(self._rooms.values()))  # from any thread

    def make_room(self) -> None:
        """Refuse a phone too many before its stream begins.

        Raises:
            Unavailable: as many are open as may.
        """
        if self.open_phones >= self._phones_max:
            msg = f"{self._phones_max} phones are open already"
            raise Unavailable(msg)

    def close(self) -> None:
        """End every stream; phones come back to whoever serves next. From any thread."""
        self._closing = True
        self._soon(self._wake_all)

    def hear(self, notice: Notice) -> None:
        """Take in a notice, from any thread; those that concern no open phone are forgotten."""
        # A phone opens its room before it reads the cart: who is not in yet reads what is new.
        if isinstance(notice, StockChanged) or (
            isinstance(notice, CartChanged | BindingChanged) and notice.cart_id in self._rooms
        ):
            self._soon(lambda: self._hear(notice))

    def look_again(self) -> None:
        """Read everything anew, from any thread: notices may have been missed."""
        self._soon(self._look_again)

    def _soon(self, action: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    async def stream(
        self,
        cart_id: str,
        view: View,
        since: int | None = None,
        watched: frozenset[str] = frozenset(),
    ) -> AsyncIterator[bytes]:
        """Yield event text for one phone: what it missed after ``since``, the cart, then live.

        ``watched``: GTINs whose stock it hears of although they are in no cart.
        """
        phone = Phone(view, watched)
        # First listen, then read: whatever comes in between is in the queue, not lost.
        room = self._rooms.setdefault(cart_id, Room(cart_id))
        room.phones.add(phone)
        for gtin in watched:
            self._watching.setdefault(gtin, set()).add(phone)
        try:
            yield RETRY
            seen, chunk = await self._snapshot(room, view, since)
            yield chunk
            yield await asyncio.to_thread(self._reader.surroundings, cart_id, view)
            while not (self._closing or phone.ended):
                try:
                    async with asyncio.timeout(self._beat_s):
                        await phone.wake.wait()
                except TimeoutError:
                    yield BEAT
                    continue
                phone.wake.clear()
                if phone.behind:
                    phone.behind = False
                    phone.queue.clear()
                    seen, chunk = await self._snapshot(room, view, None)
                    yield chunk
                    continue
                seen, chunk, traced = _drain(phone, seen)
                if chunk:
                    yield chunk
                for part in traced:
                    part.end()
        finally:
            room.phones.discard(phone)
            self._watch_no_more(phone)
            if not room.phones and self._rooms.get(cart_id) is room:
                del self._rooms[cart_id]

    async def _snapshot(self, room: Room, view: View, since: int | None) -> tuple[int, bytes]:
        news = await asyncio.to_thread(self._reader.news_of, room.cart_id, since, (view,))
        if room.version is None:
            room.version = news.version
        room.gtins |= news.gtins
        texts = [*(one.text for one in news.operations), news.carts[view].text]
        return news.version, b"".join(texts)

    def _wake_all(self) -> None:
        for room in self._rooms.values():
            for phone in room.phones:
                phone.wake.set()

    def _hear(self, notice: Notice) -> None:
        match notice:
            case CartChanged():
                room = self._rooms.get(notice.cart_id)
                if room is not None and (room.version or 0) < notice.version:
                    self._trace(room, notice)
                    self._mark_cart(room)
            case BindingChanged():
                room = self._rooms.get(notice.cart_id)
                for phone in room.phones if room else ():
                    phone.put(device(notice))
            case StockChanged():
                self._hear_stock(notice)

    def _trace(self, room: Room, notice: CartChanged) -> None:
        """Go on with the trace of a scan until a phone of its cart has it."""
        if self._tracer is None or not notice.traceparent or len(room.traced) >= QUEUE_MAX:
            return
        context = TraceContext(notice.traceparent)
        part = self._tracer.begin("api push", parent=context, kind="producer")
        if part is not None:
            room.traced.append(part)

    def _hear_stock(self, notice: StockChanged) -> None:
        gtin = str(notice.notice.gtin)
        event: Event | None = None
        for room in self._rooms.values():
            if gtin not in room.gtins:
                continue
            if any(phone.view.html for phone in room.phones):
                self._mark_stock(room, {gtin})
            for phone in room.phones:
                if not phone.view.html and gtin not in phone.watched:
                    event = event or plain_stock(notice)
                    phone.put(event)
        for phone in self._watching.get(gtin, ()):
            event = event or plain_stock(notice)
            phone.put(event)

    def _watch_no_more(self, phone: Phone) -> None:
        for gtin in phone.watched:
            phones = self._watching.get(gtin, set())
            phones.discard(phone)
            if not phones:
                self._watching.pop(gtin, None)

    def _look_again(self) -> None:
        for phone in {one for phones in self._watching.values() for one in phones}:
            phone.behind = True  # it gets the cart once more, and its page asks what it shows
            phone.wake.set()
        for room in self._rooms.values():
            self._mark_cart(room)
            self._mark_stock(room, set(room.gtins))

    def _mark_cart(self, room: Room) -> None:
        self._changed.setdefault(room.cart_id)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_carts())

    async def _tell_carts(self) -> None:
        """Read and tell, as long as carts have changed meanwhile: the busier, the more at once."""
        try:
            while self._changed:
                due = list(self._changed)[:CARTS_AT_ONCE]
                for cart_id in due:
                    del self._changed[cart_id]
                await self._tell_or_end([self._rooms[one] for one in due if one in self._rooms])
        finally:
            self._telling = None

    async def _tell_or_end(self, rooms: Sequence[Room]) -> None:
        """One cart that cannot be read must not silence the others: then one by one."""
        try:
            await self._tell(rooms)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next cart is to be told
            if len(rooms) == 1:
                _end(rooms[0], error)
                return
            for room in rooms:
                await self._tell_or_end([room])

    async def _tell(self, rooms: Sequence[Room]) -> None:
        asked = {
            room.cart_id: Asked(room.version, tuple({phone.view for phone in room.phones}))
            for room in rooms
        }
        found = await asyncio.to_thread(self._reader.news, asked)
        for room in rooms:
            news = found.get(room.cart_id)
            if news is None:
                _end(room, "it is not there")
                continue
            room.version, room.gtins = news.version, news.gtins
            traced, room.traced = tuple(room.traced), []
            for phone in room.phones:
                for event in news.operations:
                    phone.put(event)
                if phone.view in news.carts:
                    event = news.carts[phone.view]
                    phone.put(replace(event, traced=traced) if traced else event)

    def _mark_stock(self, room: Room, gtins: set[str]) -> None:
        room.stock_of |= gtins
        if room.work is None:
            room.work = asyncio.get_running_loop().create_task(self._refresh_stock(room))

    async def _refresh_stock(self, room: Room) -> None:
        """Read and tell, as long as something has changed meanwhile; one at a time per cart."""
        try:
            while room.phones and room.stock_of:
                views = frozenset(phone.view for phone in room.phones)
                gtins, room.stock_of = frozenset(room.stock_of), set()
                await self._tell_stock(room, gtins, views)
        except (CarryoverError, SQLAlchemyError) as error:
            _end(room, error)
        finally:
            room.work = None

    async def _tell_stock(self, room: Room, gtins: frozenset[str], views: frozenset[View]) -> None:
        for view in views:
            if not view.html:
                continue
            chunk = await asyncio.to_thread(self._reader.stock, room.cart_id, gtins, view)
            for phone in room.phones:
                if phone.view == view and chunk:
                    phone.put(Event(chunk))


def _end(room: Room, why: object) -> None:
    """Hang up: its phones come back, and ask from where they were."""
    logger.warning("cart %s cannot be shown: %s", room.cart_id, why)
    for phone in room.phones:
        phone.ended = True
        phone.wake.set()


def _drain(phone: Phone, seen: int) -> tuple[int, bytes, list[Part]]:
    """Return the version that the queue comes to, its text without what the phone has seen.

    And what is over when the phone has that.
    """
    chunks = []
    traced: list[Part] = []
    reached = seen
    while phone.queue:
        event = phone.queue.popleft()
        traced += event.traced
        if event.version is None:
            chunks.append(event.text)
        elif event.version > seen:
            chunks.append(event.text)
            reached = max(reached, event.version)
    return reached, b"".join(chunks), traced
