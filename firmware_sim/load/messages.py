"""The messages of a load run, encoded before it starts. Pure.

Owns what the devices say: each begins a visit, scans on, and begins the next
one every ``VISIT_EVENTS`` events; with telemetry it says now and then how it is, too.
Nothing here is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from gateway.wire.codec import encode
from gateway.wire.events import (
    SOURCE_PREFIX,
    DeviceHealth,
    DeviceTakenUp,
    EventType,
    HealthData,
    ItemScanned,
    Reader,
    ScannedData,
    TakenUpData,
)

VISIT_EVENTS: Final = 40  # then the next person
BATTERY_PERCENT: Final = 80
HELD_LINES: Final = 8  # different things on the list of a visit that lasts


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to go: by which device (index), its number in its spool, its id."""

    device: int
    sequence: int
    event_id: str
    payload: bytes
    telemetry: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be said: by whom, how fast, how long, about what.

    ``secrets``: claim secrets of devices whose first visit lasts for the whole run
    because a phone has it. They are spread over the round, as people in a shop
    are; ``side_by_side`` they all scan within the same few milliseconds.
    ``telemetry_every``: so many messages of a device are one report of health and
    scans otherwise; 0 is scans only.
    """

    device_ids: Sequence[str]
    spool: str
    rate: float
    count: int
    gtins: Sequence[Gtin]
    began: datetime
    secrets: Sequence[str] = ()
    side_by_side: bool = False
    telemetry_every: int = 0

    @property
    def telemetry_spool(self) -> str:
        """The name of each device's second spool."""
        return f"{self.spool}-telemetry"

    def secret_of(self, device: int) -> str | None:
        """Return the claim secret of this device's visit, if a phone is to have it."""
        if not self.secrets:
            return None
        apart = 1 if self.side_by_side else max(1, len(self.device_ids) // len(self.secrets))
        place, between = divmod(device, apart)
        return self.secrets[place] if between == 0 and place < len(self.secrets) else None


def messages(plan: Plan) -> list[Message]:
    """Return all messages in the order in which they go, ``1/rate`` seconds apart."""
    return [_message(plan, number) for number in range(plan.count)]


def _message(plan: Plan, number: int) -> Message:
    device = number % len(plan.device_ids)
    turn = number // len(plan.device_ids)
    time = plan.began + timedelta(seconds=number / plan.rate)
    if plan.telemetry_every:
        reports, rest = divmod(turn + 1, plan.telemetry_every)
        if rest == 0:
            return _report(plan, device, reports, time)
        turn -= reports
    sequence = turn + 1
    secret = plan.secret_of(device)
    held = secret is not None
    visit_number = 0 if held else turn // VISIT_EVENTS
    visit = f"{plan.spool}-{device}-{visit_number}"
    begins = turn == 0 if held else turn % VISIT_EVENTS == 0
    source = SOURCE_PREFIX + plan.device_ids[device]
    event_id = f"{plan.spool}-{device}-{sequence}"
    event: DeviceTakenUp | ItemScanned
    if begins:
        claim_hash = secret_hash(secret) if secret is not None else None
        event = DeviceTakenUp(
            specversion="1.0",
            id=event_id,
            source=source,
            time=time,
            spool=plan.spool,
            sequence=sequence,
            previous=sequence - 1,
            type=EventType.DEVICE_TAKEN_UP,
            data=TakenUpData(visit=visit, claim_hash=claim_hash),
        )
    else:
        # One that a phone has stays a person's list, however long the run is.
        choice = device + turn % HELD_LINES if held else number * 7 + turn
        gtin = plan.gtins[choice % len(plan.gtins)]
        event = ItemScanned(
            specversion="1.0",
            id=event_id,
            source=source,
            time=time,
            spool=plan.spool,
            sequence=sequence,
            previous=sequence - 1,
            type=EventType.ITEM_SCANNED,
            data=ScannedData(visit=visit, gtin=gtin, reader=Reader.HID),
        )
    return Message(device, sequence, event_id, encode(event))


def _report(plan: Plan, device: int, sequence: int, time: datetime) -> Message:
    event_id = f"{plan.telemetry_spool}-{device}-{sequence}"
    event = DeviceHealth(
        specversion="1.0",
        id=event_id,
        source=SOURCE_PREFIX + plan.device_ids[device],
        time=time,
        spool=plan.telemetry_spool,
        sequence=sequence,
        previous=sequence - 1,
        type=EventType.DEVICE_HEALTH,
        data=HealthData(firmware="load", battery_percent=BATTERY_PERCENT, charging=False),
    )
    return Message(device, sequence, event_id, encode(event), telemetry=True)
