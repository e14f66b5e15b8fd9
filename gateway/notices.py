"""Notices between server processes: what changed, not what it is now.

A notice is a doorbell. Whoever hears it reads the database; whoever misses it
finds the change in its sweep or at the next look.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from cart.kernel.errors import InvalidPayload
from gateway.wire import topics
from gateway.wire.downlink import StockNotice


@dataclass(frozen=True, slots=True)
class CartChanged:
    """A cart is at ``version`` now. ``origin``: the device or process that changed it."""

    cart_id: str
    version: int
    origin: str = ""


@dataclass(frozen=True, slots=True)
class BindingChanged:
    """A visit on a device began, was claimed or ended; there may be commands for the device."""

    device_id: str
    visit: str
    cart_id: str
    live: bool
    claimed: bool


@dataclass(frozen=True, slots=True)
class ListAsked:
    """A list was asked for by mail."""

    request_id: str


@dataclass(frozen=True, slots=True)
class StockChanged:
    """Stock of one SKU at one location; the notice that devices hear too."""

    notice: StockNotice


Notice = CartChanged | BindingChanged | ListAsked | StockChanged

_CHANGES: dict[str, tuple[type, TypeAdapter[CartChanged | BindingChanged | ListAsked]]] = {
    "cart": (CartChanged, TypeAdapter(CartChanged)),
    "binding": (BindingChanged, TypeAdapter(BindingChanged)),
    "list": (ListAsked, TypeAdapter(ListAsked)),
}


def encode(notice: Notice) -> tuple[str, bytes]:
    """Return the topic and the payload of a notice."""
    if isinstance(notice, StockChanged):
        stock = notice.notice
        return topics.stock(stock.product_id), stock.model_dump_json().encode()
    for what, (kind, adapter) in _CHANGES.items():
        if isinstance(notice, kind):
            return topics.change(what, _name(notice)), adapter.dump_json(notice)
    msg = f"{notice!r} is no notice"
    raise InvalidPayload(msg)


def decode(topic: str, payload: bytes) -> Notice:
    """Return the notice on ``topic``.

    Raises:
        InvalidPayload: not a notice of this version.
    """
    parts = topic.split("/")
    try:
        if topic.startswith(f"{topics.ROOT}/stock/"):
            return StockChanged(StockNotice.model_validate_json(payload))
        return _CHANGES[parts[3]][1].validate_json(payload)
    except (ValidationError, KeyError, IndexError) as error:
        msg = f"not a notice on {topic}: {error}"
        raise InvalidPayload(msg) from error


def _name(notice: CartChanged | BindingChanged | ListAsked) -> str:
    match notice:
        case CartChanged():
            return notice.cart_id
        case BindingChanged():
            return notice.device_id
        case ListAsked():
            return "mail"
