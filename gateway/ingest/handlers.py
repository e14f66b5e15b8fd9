"""What each event means for the domain: pure translation, no database."""

from collections.abc import Iterable

from cart.carts.model import Kind, Operation
from cart.kernel.errors import UnknownGtin
from cart.kernel.gtin import Gtin
from cart.ports import Sellable
from gateway.binding.begin import VisitStart
from gateway.binding.queries import Bound, VisitKey
from gateway.ingest.read import Item
from gateway.wire.events import (
    DeviceTakenUp,
    ItemScanned,
    LineRemoved,
    QuantitySet,
)

LineEvent = ItemScanned | LineRemoved | QuantitySet


def starts(items: Iterable[Item], known: Iterable[VisitKey]) -> list[VisitStart]:
    """Return the first sign of every visit that is not known yet.

    An event of a visit that was never announced begins it: nothing scanned is
    lost because a first message was.
    """
    seen = set(known)
    first: dict[VisitKey, VisitStart] = {}
    for item in items:
        key = item.visit
        if key is None or key in seen or item.address is None:
            continue
        event = item.event
        announced = isinstance(event, DeviceTakenUp)
        if key not in first or announced:
            first[key] = VisitStart(
                key,
                item.address.location_id,
                min(item.at_us, first[key].at_us) if key in first else item.at_us,
                event.data.claim_hash if isinstance(event, DeviceTakenUp) else None,
                event.data.locale if isinstance(event, DeviceTakenUp) else "en",
            )
    return list(first.values())


def operation_id(item: Item) -> str:
    """Return the id under which this event's operation counts once."""
    return f"{item.event.source}:{item.event.id}" if item.event else ""


def operation(item: Item, bound: Bound, known: dict[Gtin, Sellable]) -> Operation | None:
    """Return what a line event does to the cart; None when it is no line event.

    Raises:
        UnknownGtin: nothing in the catalogue carries the code.
    """
    event = item.event
    if not isinstance(event, LineEvent):
        return None
    gtin = event.data.gtin
    sellable = known.get(gtin)
    if sellable is None:
        msg = f"no article in the catalogue has the code {gtin.shortest}"
        raise UnknownGtin(msg, gtin=gtin)
    match event:
        case ItemScanned():
            kind, quantity = Kind.ADD, event.data.quantity
        case LineRemoved():
            kind, quantity = Kind.REMOVE, 0
        case QuantitySet():
            kind, quantity = Kind.SET, event.data.quantity
    return Operation(
        id=operation_id(item),
        cart_id=bound.cart_id,
        gtin=gtin,
        sku=sellable.sku,
        kind=kind,
        quantity=quantity,
        at_us=item.at_us,
        source=event.source,
        price_minor=sellable.price_minor,
        currency=sellable.currency,
        location_id=item.address.location_id if item.address else None,
    )
