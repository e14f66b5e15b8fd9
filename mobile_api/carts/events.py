"""Event text of the cart's live stream: read once, written once, for all phones of a cart.

Owns the wording of ``text/event-stream``; the hub in ``mobile_api.live`` owns
who gets it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlmodel import Session

from cart.carts import queries
from cart.db import reading
from cart.kernel.clock import Clock
from cart.ports import CatalogueLookup
from gateway.binding.queries import live_of_carts
from gateway.fanout import BindingChanged, StockChanged
from inventory_api.stock.queries import availability
from mobile_api.carts.basket import Basket, ShownLine, basket
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import DeviceEvent, OperationOut, StockEvent, StockOut, cart_out
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
class Event:
    """Event text. ``version``: of the cart after it; None for events that have no place in it."""

    text: bytes
    version: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a cart's phones are to hear: for all, and per view."""

    version: int
    gtins: frozenset[str]
    operations: tuple[Event, ...]
    carts: dict[View, Event]


def text(name: str, data: BaseModel, event_id: int | None = None) -> bytes:
    """Return one event. JSON has no line breaks, so ``data`` is one line."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: {data.model_dump_json(exclude_none=True)}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the database and writes events. Blocking: call it in a thread."""

    engine: Engine
    clock: Clock
    lookup: CatalogueLookup

    def news(self, cart_id: str, since: int | None, views: Iterable[View]) -> News:
        """Return the operations after ``since`` and the cart as each view sees it.

        Raises:
            UnknownCart: no such cart.
        """
        with reading(self.engine) as db:
            operations = () if since is None else self._operations(db, cart_id, since)
            baskets: dict[str, Basket] = {}
            carts: dict[View, Event] = {}
            for view in views:
                if view.locale not in baskets:
                    baskets[view.locale] = basket(db, self.lookup, words(view.locale), cart_id)
                shown = baskets[view.locale]
                carts[view] = Event(self._cart(shown, view), shown.version)
            found = next(iter(baskets.values()), None) or queries.view(db, cart_id)
        gtins = frozenset(str(line.gtin) for line in found.lines)
        return News(found.version, gtins, operations, carts)

    def _cart(self, shown: Basket, view: View) -> bytes:
        spoken = words(view.locale)
        html = cart_html(shown, spoken) if view.html else None
        return text("cart", cart_out(shown, spoken, html), shown.version)

    def _operations(self, db: Session, cart_id: str, since: int) -> tuple[Event, ...]:
        rows = queries.operations_since(db, cart_id, since, OPERATIONS_MAX + 1)
        if len(rows) > OPERATIONS_MAX:
            return ()
        return tuple(
            Event(
                text(
                    "operation",
                    OperationOut.model_validate(row, from_attributes=True),
                    row.version,
                ),
                row.version,
            )
            for row in rows
        )

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
            said = stock_words(spoken, shown.shops, shown.here, line.available)
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
