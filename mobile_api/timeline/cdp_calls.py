"""Interactions as calls that a CDP understands (Segment's spec; RudderStack and Jitsu take it).

Pure. People stand in them under keyed pseudonyms, never with an address or a name.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from cart.kernel.money import Money
from cart.profile.interests.model import Traits
from cart.profile.timeline.model import Channel, Interaction, Kind, Placed

# Names of Segment's e-commerce spec where it has one for it, else in its manner.
EVENTS: Final[Mapping[Kind, str]] = {
    Kind.SCANNED: "Product Added",
    Kind.REMOVED: "Product Removed",
    Kind.TRIED: "Product Tried On",
    Kind.SIZE_ASKED: "Product Size Requested",
    Kind.LOOK_KEPT: "Look Saved",
    Kind.LISTED: "List Saved",
    Kind.LIST_MAILED: "List Requested",
    Kind.CHECKOUT_OPENED: "Checkout Started",
    Kind.ORDERED: "Order Completed",
    Kind.READY: "Order Ready",
    Kind.COLLECTED: "Order Collected",
    Kind.CANCELLED: "Order Cancelled",
    Kind.RETURNED: "Order Refunded",
    Kind.MAIL_SENT: "Email Sent",
    Kind.MAIL_OPENED: "Email Opened",
    Kind.SIGNED_IN: "Signed In",
    Kind.MESSAGE_SENT: "Message Sent",
    Kind.CAME_BACK: "Message Clicked",
}
# As the spec of each way calls them, where it has a name.
BY_WAY: Final[Mapping[tuple[Kind, Channel], str]] = {
    (Kind.MESSAGE_SENT, Channel.PUSH): "Push Notification Sent",
    (Kind.MESSAGE_SENT, Channel.SMS): "SMS Sent",
    (Kind.MESSAGE_SENT, Channel.WHATSAPP): "WhatsApp Message Sent",
    (Kind.CAME_BACK, Channel.MAIL): "Email Link Clicked",
    (Kind.CAME_BACK, Channel.PUSH): "Push Notification Tapped",
    (Kind.CAME_BACK, Channel.SMS): "SMS Link Clicked",
    (Kind.CAME_BACK, Channel.WHATSAPP): "WhatsApp Link Clicked",
}
OF_ORDERS: Final = frozenset(
    {Kind.ORDERED, Kind.READY, Kind.COLLECTED, Kind.CANCELLED, Kind.RETURNED}
)
_PSEUDONYM_DIGITS: Final = 32  # 128 bits of the keyed hash


@dataclass(frozen=True, slots=True)
class Who:
    """Whose interaction it is: ``home``, and the customer whose home it is, "" if anonymous."""

    home: str
    customer_id: str = ""


def pseudonym(secret: bytes, kind: str, one: str) -> str:
    """Return the name under which somebody is told to a CDP: without the key no way back."""
    said = f"cdp {kind}\0{one}".encode()
    return hmac.new(secret, said, hashlib.sha256).hexdigest()[:_PSEUDONYM_DIGITS]


def grouped(placed: Iterable[Placed]) -> Iterator[list[Placed]]:
    """Yield what is told in one call: the lines of one moment of an order, else each alone."""
    for _, lines in groupby(placed, key=group_of):
        yield list(lines)


def group_of(one: Placed) -> tuple[str, ...]:
    """Return what has to be the same for two lines to be told together."""
    touch = one.interaction
    if touch.kind in OF_ORDERS:
        return (touch.session_id, touch.kind, touch.ref, touch.at.isoformat())
    return (touch.id,)


def calls(
    group: Sequence[Placed], who: Who, traits: Mapping[str, Traits], secret: bytes
) -> Iterator[dict[str, Any]]:
    """Yield the calls of a group: a track, and an identify where somebody signed in."""
    first = group[0].interaction
    shared = {
        "anonymousId": pseudonym(secret, "home", who.home),
        **({"userId": pseudonym(secret, "customer", who.customer_id)} if who.customer_id else {}),
        "timestamp": first.at.isoformat(),
        "context": {"channel": first.channel.value, "library": {"name": "carryover"}},
    }
    if first.kind is Kind.SIGNED_IN and who.customer_id:
        yield {"type": "identify", "messageId": f"{first.id}:identify", "traits": {}, **shared}
    touches = [one.interaction for one in group]
    yield {
        "type": "track",
        "messageId": first.id,
        "event": BY_WAY.get((first.kind, first.channel), EVENTS[first.kind]),
        "properties": _properties(touches, traits),
        **shared,
    }


def _properties(touches: Sequence[Interaction], traits: Mapping[str, Traits]) -> dict[str, Any]:
    first = touches[0]
    said: dict[str, Any] = {}
    if first.location_id:
        said["location_id"] = first.location_id
    if first.kind in OF_ORDERS:
        said |= {
            "order_id": first.ref,
            "currency": first.currency,
            "total": _amount(sum(one.amount_minor for one in touches), first.currency),
            "products": [_product(one, traits) for one in touches],
        }
    elif first.gtin:
        said |= _product(first, traits)
    return said


def _product(one: Interaction, traits: Mapping[str, Traits]) -> dict[str, Any]:
    article = traits.get(one.gtin, Traits())
    said = {
        "product_id": one.gtin,
        "sku": one.sku,
        "quantity": one.quantity,
        "name": article.name,
        "category": article.category,
        "brand": article.brand,
        "variant": " ".join(filter(None, (article.colour, article.size))),
    }
    if one.quantity and one.amount_minor:
        said["price"] = _amount(one.amount_minor // one.quantity, one.currency)
    return {name: value for name, value in said.items() if value}


def _amount(minor: int, currency: str) -> float:
    """Return an amount in the currency's own unit, as the spec has it."""
    return float(Money(minor, currency).amount)
