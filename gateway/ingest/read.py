"""Bytes to items: what came, whether it can be read, and from whom it says it is."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cart.kernel.clock import to_us
from cart.kernel.errors import (
    CarryoverError,
    DeviceRevoked,
    EventNotAllowed,
    InvalidPayload,
    SourceMismatch,
    UnknownDevice,
)
from gateway.binding.queries import VisitKey
from gateway.ingest.chain import Link
from gateway.mqtt import Incoming
from gateway.registry.model import DeviceRecord
from gateway.wire import topics
from gateway.wire.codec import decode_event
from gateway.wire.events import (
    EVENTS_OF_KIND,
    SEQUENCE_MAX,
    SOURCE_PREFIX,
    BandPresented,
    DeviceEvent,
    DeviceHealth,
)
from gateway.wire.topics import Channel, DeviceAddress

# As in ``gateway.wire.events``: only what would have been taken is said back.
EVENT_ID = re.compile(r"[!-~]{1,64}")
VISIT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OF_EVENTS = frozenset({Channel.EVENTS, Channel.TELEMETRY})  # CloudEvents come on these
# A clock that stands at the end of the calendar leaves no later moment for anybody else's change.
LATEST_US = to_us(datetime(9000, 1, 1, tzinfo=UTC))


@dataclass(slots=True)
class Item:
    """One message on its way through a batch. ``error`` set: it goes to the dead letters."""

    message: Incoming
    address: DeviceAddress | None = None
    channel: Channel | None = None
    event: DeviceEvent | None = None
    error: CarryoverError | None = None
    spool: str = ""
    link: Link | None = None
    event_id: str = ""  # also of an event that is refused, where it can be read
    at_us: int = 0
    device_id: str = ""  # the device whose topic it came on, empty when the topic is nobody's
    visit: VisitKey | None = None  # health and bands belong to none

    @property
    def number(self) -> int:
        """Its sequence, 0 without one."""
        return self.link.sequence if self.link else 0

    @property
    def kind(self) -> str:
        """What it is counted as: the event's type, the channel of another message."""
        if self.event is not None:
            return self.event.type
        return "unreadable" if self.channel in {None, *OF_EVENTS} else str(self.channel)


def read(message: Incoming) -> Item:
    """Return the item of a message; never raises: what is wrong is in ``error``."""
    item = Item(message)
    try:
        item.address, item.channel = topics.parse(message.topic)
        item.device_id = item.address.device_id
        if item.channel in OF_EVENTS:
            event = item.event = decode_event(message.payload)
            item.spool = event.spool
            item.link = Link(event.sequence, event.previous)
            item.event_id = event.id
            item.at_us = min(to_us(event.time), LATEST_US)
            if not isinstance(event, DeviceHealth | BandPresented):
                item.visit = (item.device_id, event.data.visit)
            if event.source != SOURCE_PREFIX + item.device_id:
                msg = f"the event says it is from {event.source}, the topic is {item.device_id}'s"
                item.error = SourceMismatch(msg, source=event.source)
    except CarryoverError as error:
        item.error = error
        _salvage(item)
    return item


def _salvage(item: Item) -> None:
    """Find what a refused event is called, so that its device hears of it and goes on."""
    try:
        raw = json.loads(item.message.payload)
        spool, sequence, previous = raw["spool"], raw["sequence"], raw.get("previous", 0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
    numbers = type(sequence) is int and type(previous) is int
    named = isinstance(spool, str) and topics.NAME.fullmatch(spool) is not None
    if numbers and named and 1 <= sequence <= SEQUENCE_MAX and 0 <= previous <= SEQUENCE_MAX:
        item.spool, item.link = spool, Link(sequence, previous)
        item.event_id = _named(raw.get("id"), EVENT_ID)
        data = raw.get("data")
        visit = _named(data.get("visit") if isinstance(data, dict) else None, VISIT_ID)
        item.visit = (item.device_id, visit) if visit else None


def _named(value: object, form: re.Pattern[str]) -> str:
    """Return ``value`` if it has this form, else nothing."""
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def authorise(item: Item, devices: dict[str, DeviceRecord]) -> None:
    """Set ``error`` unless this device exists, is not revoked, speaks here, and may say this."""
    device = devices.get(item.device_id)
    if item.address is None:
        item.error = item.error or InvalidPayload("the topic is no device's")
    elif device is None or device.address != item.address:
        item.error = UnknownDevice(
            f"no device {item.device_id} is enrolled at {item.address.location_id}",
            device_id=item.device_id,
        )
        item.link = None
    elif device.revoked:
        item.error = DeviceRevoked(f"{item.device_id} was revoked", device_id=item.device_id)
        item.link = None
    elif item.event is not None and item.event.type not in EVENTS_OF_KIND.get(device.kind, ()):
        item.error = item.error or EventNotAllowed(
            f"a {device.kind} may not send {item.event.type}", kind=device.kind
        )
    elif item.channel is Channel.TELEMETRY and not isinstance(item.event, DeviceHealth | None):
        # Nobody may overtake herself: what people do has one order, that of its one spool.
        item.error = item.error or EventNotAllowed(
            f"{item.event.type} belongs on {Channel.EVENTS}", channel=Channel.EVENTS.value
        )
    if isinstance(item.error, SourceMismatch):
        item.link = None
