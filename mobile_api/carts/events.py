"""Event text of the cart's live stream: read once, written once, for all phones of a cart.

Owns the wording of ``text/event-stream``; the hub in ``mobile_api.live`` owns
who gets it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlmodel import Session

from cart.carts import queries
from cart.carts.queries import ToldOperation
from cart.db import reading
from cart.kernel.clock import Clock
from cart.kernel.errors import UnknownCart
from cart.ports import CatalogueLookup
from gateway.binding.queries import live_of_carts
from gateway.fanout import BindingChanged, StockChanged
from gateway.wire.tracing import Part
from inventory_api.stock.queries import availability
from mobile_api.carts.basket import Basket, ShownLine, basket, baskets
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import DeviceEvent, OperationOut, StockEvent, StockOut, cart_json
from mobile_api.look.words import Words, words
from mobile_api.products.shops import stock_words

# A phone that missed more than this is told the cart as it is, without the way there.
OPERATIONS_MAX: Final = 200
RETRY_MS: Final = 2_000
RETRY: Final = f"retry: {RETRY_MS}\n\n".encode()
BEAT: Final = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class View:
    """What a phone asked for: its language, and whether page parts come along."""

    locale: str
    html: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a cart: operations after ``since`` (None: none), and the cart per view."""

    since: int | None
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Event text. ``version``: of the cart after it; None for events that have no place in it.

    ``traced``: what is over once a phone has it.
    """

    text: bytes
    version: int | None = None
    traced: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What a cart's phones are to hear: for all, and per view."""

    version: int
    gtins: frozenset[str]
    operations: tuple[Event, ...]
    carts: dict[View, Event]


def text(name: str, data: BaseModel, event_id: int | None = None) -> bytes:
    """Return one event. JSON has no line breaks, so ``data`` is one line."""
    return _text(name, data.model_dump_json(exclude_none=True), event_id)


def _text(name: str, data: str, event_id: int | None) -> bytes:
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the database and writes events. Blocking: call it in a thread."""

    engine: Engine
    clock: Clock
    lookup: CatalogueLookup

    def news_of(self, cart_id: str, since: int | None, views: Iterable[View]) -> News:
        """Return the operations after ``since`` and the cart as each view sees it.

        Raises:
            UnknownCart: no such cart.
        """
        found = self.news({cart_id: Asked(since, tuple(views))})
        if cart_id not in found:
            msg = f"there is no cart {cart_id}"
            raise UnknownCart(msg, cart_id=cart_id)
        return found[cart_id]

    def news(self, asked: Mapping[str, Asked]) -> dict[str, News]:
        """Return that of several carts, read in one go; carts that are not there are absent."""
        since = {cart_id: one.since for cart_id, one in asked.items() if one.since is not None}
        locales = {view.locale for one in asked.values() for view in one.views}
        shown: dict[tuple[str, str], Basket] = {}
        with reading(self.engine) as db:
            carts = queries.views(db, asked)
            operations = queries.operations_since(db, since, OPERATIONS_MAX + 1)
            for locale in locales:
                here = [
                    cart
                    for cart in carts.values()
                    if any(view.locale == locale for view in asked[cart.id].views)
                ]
                for one in baskets(db, self.lookup, words(locale), here):
                    shown[one.cart_id, locale] = one
        return {
            cart.id: News(
                cart.version,
                frozenset(str(line.gtin) for line in cart.lines),
                _operations(operations.get(cart.id, [])),
                {
                    view: self._cart(shown[cart.id, view.locale], view)
                    for view in asked[cart.id].views
                },
            )
            for cart in carts.values()
        }

    def _cart(self, shown: Basket, view: View) -> Event:
        spoken = words(view.locale)
        html = cart_html(shown, spoken) if view.html else None
        data = cart_json(shown, spoken, html, with_null=False)
        return Event(_text("cart", data, shown.version), shown.version)

    def surroundings(self, cart_id: str, view: View) -> bytes:
        """Return the present stock of the cart's articles, and the devices that hold it."""
        with reading(self.engine) as db:
            spoken = words(view.locale)
            shown = basket(db, self.lookup, spoken, cart_id)
            parts = [
                text(
                    "device",
                    DeviceEvent(
                        device_id=one.device_id,
                        state="held",
                        claimed=one.claimed_at_us is not None,
                    ),
                )
                for one in live_of_carts(db, [cart_id])
            ]
            parts += self._stock(db, shown, shown.lines, view, spoken)
        return b"".join(parts)

    def stock(self, cart_id: str, gtins: frozenset[str], view: View) -> bytes:
        """Return the present stock of these articles, as far as the cart has them."""
        with reading(self.engine) as db:
            spoken = words(view.locale)
            shown = basket(db, self.lookup, spoken, cart_id)
            changed = [line for line in shown.lines if line.gtin in gtins]
            return b"".join(self._stock(db, shown, changed, view, spoken))

    def _stock(
        self,
        db: Session,
        shown: Basket,
        lines: Sequence[ShownLine],
        view: View,
        spoken: Words,
    ) -> list[bytes]:
        by_sku = {line.sku: line for line in lines}
        shops = [shop.id for shop in shown.shops]
        now = self.clock.now()
        parts = []
        for one in availability(db, list(by_sku), shops, as_of=now):
            line = by_sku[one.sku]
            said = stock_words(spoken, shown.shops, shown.here, dict(line.available))
            event = StockEvent(
                product_id=line.product_id,
                sku=line.sku,
                gtin=line.gtin,
                location_id=one.location_id,
                available=one.available,
                version=one.version,
                as_of=one.as_of.isoformat(),
                words=StockOut(text=said.text, tone=said.tone) if view.html else None,
            )
            parts.append(text("stock", event))
        return parts


def _operations(told: Sequence[ToldOperation]) -> tuple[Event, ...]:
    if len(told) > OPERATIONS_MAX:
        return ()
    return tuple(
        Event(
            text("operation", OperationOut.model_validate(one, from_attributes=True), one.version),
            one.version,
        )
        for one in told
    )


def device(notice: BindingChanged) -> Event:
    """Return the event for a device that took this cart up or put it down."""
    state = "held" if notice.live else "put_down"
    data = DeviceEvent(device_id=notice.device_id, state=state, claimed=notice.claimed)
    return Event(text("device", data))


def plain_stock(notice: StockChanged) -> Event:
    """Return the event for a phone that wants no words: the notice as it came."""
    one = notice.notice
    data = StockEvent(
        product_id=one.product_id,
        sku=one.sku,
        gtin=one.gtin,
        location_id=one.location_id,
        available=one.available,
        version=one.version,
        as_of=one.as_of.isoformat(),
    )
    return Event(text("stock", data))
