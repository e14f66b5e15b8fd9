"""Notices between server processes: what changed, not what it is now.

A notice is a doorbell. Whoever hears it reads the database; whoever misses it
finds the change in its sweep or at the next look. Those of one batch travel
together in one message.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from cart.kernel.errors import InvalidPayload
from gateway.wire import topics
from gateway.wire.downlink import StockNotice

MESSAGE_NOTICES_MAX = 500  # in one message: about 50 kB


@dataclass(frozen=True, slots=True)
class CartChanged:
    """A cart is at ``version`` now. ``origin``: the only device that shows it, if it was that.

    ``traceparent``: of the event that changed it, if that is traced.
    """

    cart_id: str
    version: int
    origin: str = ""
    traceparent: str = ""
    what: Literal["cart"] = "cart"


@dataclass(frozen=True, slots=True)
class BindingChanged:
    """A visit on a device began, was claimed or ended; there may be commands for the device."""

    device_id: str
    visit: str
    cart_id: str
    live: bool
    claimed: bool
    what: Literal["binding"] = "binding"


@dataclass(frozen=True, slots=True)
class ListAsked:
    """A list was asked for by mail."""

    request_id: str
    what: Literal["list"] = "list"


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """A code to sign in with was asked for by mail."""

    code_id: str
    what: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Keys of a shopper session were taken back: streams that were opened with them end."""

    session_id: str
    what: Literal["signed-out"] = "signed-out"


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order, or the checkout of this id, is at ``version`` now."""

    order_id: str
    version: int
    what: Literal["order"] = "order"


@dataclass(frozen=True, slots=True)
class DeskChanged:
    """The desk of a location has another queue now: a ticket, a task, or who is on duty."""

    location_id: str
    what: Literal["desk"] = "desk"


@dataclass(frozen=True, slots=True)
class BandChanged:
    """A wristband was handed out, handed back, reported lost, or may be followed no more."""

    number: int
    what: Literal["band"] = "band"


@dataclass(frozen=True, slots=True)
class FloorChanged:
    """Somebody with a band came to a location, changed her zone there, or went."""

    location_id: str
    what: Literal["floor"] = "floor"


@dataclass(frozen=True, slots=True)
class TurnsChanged:
    """The virtual queues of a location are others: somebody joined, was called, came or left."""

    location_id: str
    what: Literal["turns"] = "turns"


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """A shopper's plan for a location is another, or she is in another zone of it.

    ``cart_id``: of her session; devices that show it show her next stop.
    """

    location_id: str
    session_id: str
    cart_id: str
    what: Literal["plan"] = "plan"


@dataclass(frozen=True, slots=True)
class CameraSwitched:
    """A shopper has decided on the mirror's camera. ``cart_id``: of her session."""

    cart_id: str
    what: Literal["camera"] = "camera"


@dataclass(frozen=True, slots=True)
class DeviceAsked:
    """There are commands for a device, of no visit."""

    device_id: str
    what: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class RoomsChanged:
    """Fitting rooms of a location ask for other things now, or things were brought in.

    ``device_id``: there may be an answer for this device.
    """

    location_id: str
    device_id: str = ""
    what: Literal["rooms"] = "rooms"


@dataclass(frozen=True, slots=True)
class StockChanged:
    """Stock of one SKU at one location; the notice that devices hear too."""

    notice: StockNotice


Change = (
    CartChanged
    | BindingChanged
    | ListAsked
    | CodeAsked
    | SignedOut
    | OrderChanged
    | DeskChanged
    | BandChanged
    | FloorChanged
    | TurnsChanged
    | PlanChanged
    | CameraSwitched
    | DeviceAsked
    | RoomsChanged
)
Notice = Change | StockChanged

_CHANGES: TypeAdapter[list[Change]] = TypeAdapter(
    list[Annotated[Change, Field(discriminator="what")]]
)
_STOCK = f"{topics.ROOT}/stock/"


def encode(publisher: str, notices: Iterable[Notice]) -> Iterator[tuple[str, bytes]]:
    """Yield the topic and payload of each message that carries these notices."""
    changes: list[Change] = []
    for notice in notices:
        if isinstance(notice, StockChanged):
            yield topics.stock(notice.notice.product_id), notice.notice.model_dump_json().encode()
        else:
            changes.append(notice)
    rest = iter(changes)
    while page := list(islice(rest, MESSAGE_NOTICES_MAX)):
        yield topics.change(publisher), _CHANGES.dump_json(page)


def decode(topic: str, payload: bytes) -> list[Notice]:
    """Return the notices in a message.

    Raises:
        InvalidPayload: not notices of this version.
    """
    try:
        if topic.startswith(_STOCK):
            return [StockChanged(StockNotice.model_validate_json(payload))]
        return [*_CHANGES.validate_json(payload)]
    except ValidationError as error:
        msg = f"not a notice on {topic}: {error}"
        raise InvalidPayload(msg) from error
