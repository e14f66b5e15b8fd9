"""What devices say: one class per event, CloudEvents 1.0 in structured JSON.

Unknown fields are refused. Three extension attributes carry the end-to-end
promise: ``spool``, ``sequence`` and ``previous``. A device numbers its events
1, 2, 3 … within one spool (the file that keeps them until they are stored).
``previous`` is the sequence of the event before this one that the device still
keeps, 0 when it keeps none: so the gateway can say "stored through n" across
numbers that a full spool had to give up, and an operator sees the gap.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field

from cart.kernel.gtin import Gtin
from gateway.wire.band import FRAME_BYTES

PAYLOAD_MAX_BYTES = 16_384  # ten times the largest event of ours; a broker accepts far more
QUANTITY_MAX = 999  # of one line: what a scanning person can mean; a slip of a digit is caught
SEQUENCE_MAX = 2**53 - 1  # exact in every JSON reader
SOURCE_PREFIX = "/devices/"
# What a radio can say of a packet: one signed byte (Bluetooth Core Specification, vol. 4, part E,
# 7.7.65.2), 127 for "not known"; what is above 20 nobody receives.
DBM_MIN, DBM_MAX = -127.0, 20.0
TRIED_MAX = 20  # garments in one turn; more than anybody wears
LOOK_MS_MAX = 60_000  # of a turn; eight seconds are usual
PRESENTED_MAX = 8  # bands in one hand's reach of a reader; more is a crowd, and says nothing

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
EventId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
VisitId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="One person's time with the device, named by the device; a new one after"
        " every put-down. Everything she touched goes to her cart, however late it arrives.",
    ),
]


class Wire(BaseModel):
    """Base of everything on the wire: unknown fields refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# The device's own name of one wish, at random; the same name is the same wish.
RequestId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Reader(StrEnum):
    """How a code came in."""

    CAMERA = "camera"
    HID = "hid"
    TOUCH = "touch"
    KEYBOARD = "keyboard"
    RFID = "rfid"


class PutDownReason(StrEnum):
    """Why a visit on a device ended."""

    DONE = "done"
    PUT_DOWN = "put_down"
    IDLE = "idle"
    CLEARED = "cleared"  # the server asked for it


class EventType(StrEnum):
    """Values of ``type``."""

    ITEM_SCANNED = "carryover.item.scanned"
    LINE_REMOVED = "carryover.line.removed"
    QUANTITY_SET = "carryover.quantity.set"
    LIST_REQUESTED = "carryover.list.requested"
    DEVICE_TAKEN_UP = "carryover.device.taken_up"
    DEVICE_PUT_DOWN = "carryover.device.put_down"
    DEVICE_HEALTH = "carryover.device.health"
    BAND_PRESENTED = "carryover.band.presented"
    LOOK_KEPT = "carryover.look.kept"
    ITEM_TRIED = "carryover.item.tried"
    SIZE_REQUESTED = "carryover.size.requested"
    SIZE_CANCELLED = "carryover.size.cancelled"


class Presented(StrEnum):
    """How a wristband was shown to a reader."""

    NEAR = "near"  # held so close that no band at arm's length is as strong
    NEWS = "news"  # its state changed while it was close: its button, as a rule


class _Event(Wire):
    specversion: Literal["1.0"]
    id: EventId
    source: Annotated[str, Field(pattern=r"^/devices/[a-z0-9][a-z0-9_-]{0,63}$")]
    time: Annotated[AwareDatetime, Field(description="The device's own clock, with its offset.")]
    datacontenttype: Literal["application/json"] = "application/json"
    spool: Name
    sequence: Annotated[int, Field(ge=1, le=SEQUENCE_MAX, strict=True)]
    previous: Annotated[int, Field(ge=0, le=SEQUENCE_MAX, strict=True)] = 0
    traceparent: Annotated[
        str | None,
        Field(
            max_length=55,
            description="The trace that this event belongs to, as in the W3C's Trace Context; one"
            " that is none is ignored. Absent: not traced, which only the device decides.",
        ),
    ] = None
    tracestate: Annotated[
        str | None, Field(max_length=512, description="What goes with traceparent.")
    ] = None


class ScannedData(Wire):
    """A code that a person held in front of the device."""

    visit: VisitId
    gtin: Gtin
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)] = 1
    reader: Reader = Reader.HID


class ItemScanned(_Event):
    """A product was scanned: one more piece of it on the list."""

    type: Literal[EventType.ITEM_SCANNED]
    data: ScannedData


class RemovedData(Wire):
    """A line that the person took off her list."""

    visit: VisitId
    gtin: Gtin


class LineRemoved(_Event):
    """A line was taken off the list."""

    type: Literal[EventType.LINE_REMOVED]
    data: RemovedData


class QuantityData(Wire):
    """How many pieces the person wants now; 0 takes the line off."""

    visit: VisitId
    gtin: Gtin
    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX, strict=True)]


class QuantitySet(_Event):
    """The number of pieces of a line was set."""

    type: Literal[EventType.QUANTITY_SET]
    data: QuantityData


class ListData(Wire):
    """Where the list goes: this address, for this one mail."""

    visit: VisitId
    email: Annotated[str, Field(min_length=3, max_length=254)]
    locale: Literal["en", "he", "pl"] = "en"


class ListRequested(_Event):
    """The person asked for her list by e-mail."""

    type: Literal[EventType.LIST_REQUESTED]
    data: ListData


class TakenUpData(Wire):
    """The start of a visit."""

    visit: VisitId
    claim_hash: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{64}$",
            description="Hex SHA-256 of the secret in the QR code that the device shows. The"
            " secret itself never travels over MQTT; whoever reads the QR code has it.",
        ),
    ] = None
    locale: Literal["en", "he", "pl"] = "en"


class DeviceTakenUp(_Event):
    """A person took the device; an anonymous visit starts."""

    type: Literal[EventType.DEVICE_TAKEN_UP]
    data: TakenUpData


class PutDownData(Wire):
    """The end of a visit."""

    visit: VisitId
    reason: PutDownReason = PutDownReason.PUT_DOWN


class DevicePutDown(_Event):
    """The visit is over and the device has cleared itself."""

    type: Literal[EventType.DEVICE_PUT_DOWN]
    data: PutDownData


class HealthData(Wire):
    """What the device says of itself; becomes the reported half of its twin."""

    firmware: Annotated[str, Field(max_length=64)]
    battery_percent: Annotated[int | None, Field(ge=0, le=100, strict=True)] = None
    charging: bool | None = None
    locale: Literal["en", "he", "pl"] | None = None
    desired_version: Annotated[int, Field(ge=0, strict=True)] = 0
    spool_events: Annotated[int, Field(ge=0, strict=True)] = 0
    spool_dropped: Annotated[int, Field(ge=0, strict=True)] = 0
    clock_offset_ms: Annotated[int | None, Field(strict=True)] = None
    catalogue_as_of: AwareDatetime | None = None
    tags: Annotated[
        Literal["reading", "silent", "gone"] | None,
        Field(description="Of a mirror's reader of tags: silent hears none, gone does not answer."),
    ] = None
    radio: Annotated[
        Literal["hearing", "silent", "gone"] | None,
        Field(description="Of a receiver: silent hears nobody at all, gone has no adapter."),
    ] = None
    radio_restarts: Annotated[
        int | None,
        Field(ge=0, strict=True, description="So often since it runs was it silent or gone."),
    ] = None
    bands_heard: Annotated[
        int | None, Field(ge=0, strict=True, description="Frames in the last half second.")
    ] = None
    near_dbm: Annotated[
        float | None,
        Field(
            ge=DBM_MIN, le=DBM_MAX, allow_inf_nan=False, description="What it has learnt is near."
        ),
    ] = None
    sightings_dropped: Annotated[
        int | None,
        Field(ge=0, strict=True, description="Messages not sent, the broker being out of reach."),
    ] = None


class DeviceHealth(_Event):
    """How the device is."""

    type: Literal[EventType.DEVICE_HEALTH]
    data: HealthData


class HeardFrame(Wire):
    """A wristband's frame, as it was on the air, and how strongly it was heard."""

    frame: Annotated[
        Base64Bytes,
        Field(
            min_length=FRAME_BYTES, max_length=FRAME_BYTES, description="Base64 of the 17 bytes."
        ),
    ]
    dbm: Annotated[
        float,
        Field(ge=DBM_MIN, le=DBM_MAX, allow_inf_nan=False, description="Received power, dBm."),
    ]
    packets: Annotated[
        int, Field(ge=1, le=1_000, strict=True, description="It was heard so often in this turn.")
    ] = 1


class PresentedData(Wire):
    """The bands that were held to a reader. More than one: the reader cannot tell which.

    The strongest first. Of ``news`` it is the one whose frame changed. Whose they are only the
    gateway knows, and what happens then is for it to say.
    """

    by: Presented
    heard: Annotated[tuple[HeardFrame, ...], Field(min_length=1, max_length=PRESENTED_MAX)]


class BandPresented(_Event):
    """A wristband was held to a reader, or its button was pressed there."""

    type: Literal[EventType.BAND_PRESENTED]
    data: PresentedData


class LookData(Wire):
    """A turn that a person kept. Its pictures come by HTTP, sealed: neither they nor keys here."""

    visit: VisitId
    look: Annotated[Name, Field(description="As the server granted its upload.")]
    gtins: Annotated[tuple[Gtin, ...], Field(max_length=TRIED_MAX, description="Tried on.")] = ()
    duration_ms: Annotated[int, Field(ge=1, le=LOOK_MS_MAX, strict=True)]


class LookKept(_Event):
    """A person kept a turn before a mirror; its upload may still be under way."""

    type: Literal[EventType.LOOK_KEPT]
    data: LookData


class TriedData(Wire):
    """What a person brought along into a fitting room."""

    visit: VisitId
    gtin: Gtin
    reader: Reader = Reader.CAMERA


class ItemTried(_Event):
    """Something was shown to a mirror, or its tag was read there; the list stays as it is."""

    type: Literal[EventType.ITEM_TRIED]
    data: TriedData


class SizeData(Wire):
    """Another size or colour that a person in a fitting room would like to be brought."""

    visit: VisitId
    request: RequestId
    gtin: Annotated[Gtin, Field(description="What is to be brought.")]
    had: Annotated[
        Gtin | None, Field(description="What of the same product she has in there, if anything.")
    ] = None


class SizeRequested(_Event):
    """A person asks staff to bring her something; carryover.size.answered follows."""

    type: Literal[EventType.SIZE_REQUESTED]
    data: SizeData


class SizeCancelledData(Wire):
    """Which wish is no wish any more."""

    visit: VisitId
    request: RequestId


class SizeCancelled(_Event):
    """A person does not want it brought any more. The end of her visit says so of all."""

    type: Literal[EventType.SIZE_CANCELLED]
    data: SizeCancelledData


DeviceEvent = Annotated[
    ItemScanned
    | LineRemoved
    | QuantitySet
    | ListRequested
    | DeviceTakenUp
    | DevicePutDown
    | DeviceHealth
    | BandPresented
    | LookKept
    | ItemTried
    | SizeRequested
    | SizeCancelled,
    Field(discriminator="type"),
]

# What is said from a fitting room.
_OF_ROOMS = frozenset({EventType.ITEM_TRIED, EventType.SIZE_REQUESTED, EventType.SIZE_CANCELLED})
# Which kind of device may say what.
EVENTS_OF_KIND: dict[str, frozenset[str]] = {
    "tablet": frozenset(EventType) - {EventType.BAND_PRESENTED, EventType.LOOK_KEPT} - _OF_ROOMS,
    "scanner": frozenset(
        {
            EventType.ITEM_SCANNED,
            EventType.LINE_REMOVED,
            EventType.DEVICE_TAKEN_UP,
            EventType.DEVICE_PUT_DOWN,
            EventType.DEVICE_HEALTH,
        }
    ),
    "receiver": frozenset({EventType.BAND_PRESENTED, EventType.DEVICE_HEALTH}),
    "mirror": frozenset(
        {
            EventType.DEVICE_TAKEN_UP,
            EventType.DEVICE_PUT_DOWN,
            EventType.LOOK_KEPT,
            EventType.DEVICE_HEALTH,
        }
    )
    | _OF_ROOMS,
}
