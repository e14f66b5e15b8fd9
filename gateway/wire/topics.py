"""Topics, and who may use them.

    shop/v1/{partition}/{location}/{device}/{channel}     a device's own channels
    shop/v1/stock/{product}                               stock notices, any device may read
    shop/v1/changes/{publisher}                           between server processes only

A partition is given at enrolment (a hash of the location), so that several
gateways can share a chain of shops and keep the order per location.
"""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cart.kernel.errors import InvalidPayload

ROOT = "shop/v1"
PARTITIONS = 16  # more than the gateways a chain will run; a power of two halves cleanly
PARTITION_NAMES = tuple(f"p{number:02d}" for number in range(PARTITIONS))
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # no slash, plus, hash or space can get in
TOPIC_LENGTH_MAX = 255
_TELEMETRY_ENDS = "/telemetry"
PARSED_MAX = 4_096  # topics remembered; a gateway hears a few of each of its devices


class Channel(StrEnum):
    """The last part of a device's topic."""

    EVENTS = "events"  # up: CloudEvents
    TELEMETRY = "telemetry"  # up: CloudEvents about the device, for which nobody waits
    SIGHTINGS = "sightings"  # up, QoS 0: which wristbands a receiver hears; the next ones follow
    STATUS = "status"  # up, retained, with a last will: online or not
    ACKS = "acks"  # up: the device's answer to a command
    RECEIPTS = "receipts"  # down: stored through sequence n
    COMMANDS = "commands"  # down: CloudEvents


UP = (Channel.EVENTS, Channel.TELEMETRY, Channel.SIGHTINGS, Channel.STATUS, Channel.ACKS)
DOWN = (Channel.RECEIPTS, Channel.COMMANDS)


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """Where a device lives on the broker; its credential carries it."""

    partition: str
    location_id: str
    device_id: str

    def topic(self, channel: Channel) -> str:
        """Return the topic of one of the device's channels."""
        return f"{ROOT}/{self.partition}/{self.location_id}/{self.device_id}/{channel.value}"


def partition_of(location_id: str) -> str:
    """Return ``p00``..``p15``: the same for a location for ever, on every machine."""
    return PARTITION_NAMES[zlib.crc32(location_id.encode()) % PARTITIONS]


@lru_cache(maxsize=PARSED_MAX)
def parse(topic: str) -> tuple[DeviceAddress, Channel]:
    """Take a device's topic apart.

    Raises:
        InvalidPayload: it is not ``shop/v1/{partition}/{location}/{device}/{channel}``.
    """
    parts = topic.split("/")
    if len(parts) != 6 or len(topic) > TOPIC_LENGTH_MAX or "/".join(parts[:2]) != ROOT:  # noqa: PLR2004
        msg = f"topic {topic[:TOPIC_LENGTH_MAX]!r} is not {ROOT}/partition/location/device/channel"
        raise InvalidPayload(msg)
    try:
        channel = Channel(parts[5])
    except ValueError as error:
        known = ", ".join(Channel)
        msg = f"topic {topic!r} ends in {parts[5]!r}, not one of {known}"
        raise InvalidPayload(msg) from error
    if not all(map(NAME.fullmatch, parts[2:5])):
        msg = f"topic {topic!r} has a name with other than a-z, 0-9, _ and -"
        raise InvalidPayload(msg)
    return DeviceAddress(*parts[2:5]), channel


def is_telemetry(topic: str) -> bool:
    """Say whether this is a device's telemetry: it may wait, and be sent again, for long."""
    return topic.endswith(_TELEMETRY_ENDS)


def device_of(topic: str) -> str:
    """Return whose topic this is: the part before the last, whatever stands there."""
    parts = topic.rsplit("/", 2)
    return parts[-2] if len(parts) > 1 else topic


def every_device(channel: Channel, partition: str = "+") -> str:
    """Return the filter under which the gateway hears one channel of all devices."""
    return f"{ROOT}/{partition}/+/+/{channel.value}"


def stock(product_id: str) -> str:
    """Return the topic of one product's stock notices."""
    return f"{ROOT}/stock/{product_id}"


def change(publisher: str = "+") -> str:
    """Return the topic of one server process's change notices, or the filter for all."""
    return f"{ROOT}/changes/{publisher}"


def may_publish(address: DeviceAddress, topic: str) -> bool:
    """Say whether this device may publish to ``topic``: its own up channels, nothing else."""
    return any(topic == address.topic(channel) for channel in UP)


def may_subscribe(address: DeviceAddress, topic_filter: str) -> bool:
    """Say whether this device may subscribe to ``topic_filter``.

    Its own down channels, its own status (to see that it is the only one), and
    the stock of one product or of all; no other wildcard.
    """
    if any(topic_filter == address.topic(channel) for channel in (*DOWN, Channel.STATUS)):
        return True
    head, _, product = topic_filter.rpartition("/")
    return head == f"{ROOT}/stock" and (product == "+" or NAME.fullmatch(product) is not None)
