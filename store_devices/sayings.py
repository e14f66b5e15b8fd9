"""What a device can say, and the event that each saying travels in.

Owns the pairing of a message's data with its CloudEvents type, so that callers
name the data alone. It keeps and sends nothing.
"""

from datetime import datetime
from typing import Any, Final

from gateway.wire.events import (
    BandPresented,
    DeviceEvent,
    DeviceHealth,
    DevicePutDown,
    DeviceTakenUp,
    EventType,
    HealthData,
    ItemScanned,
    ItemTried,
    LineRemoved,
    ListData,
    ListRequested,
    LookData,
    LookKept,
    PresentedData,
    PutDownData,
    QuantityData,
    QuantitySet,
    RemovedData,
    ScannedData,
    SizeCancelled,
    SizeCancelledData,
    SizeData,
    SizeRequested,
    TakenUpData,
    TriedData,
)
from gateway.wire.tracing import NOT_TRACED, TraceContext

Saying = (
    ScannedData
    | RemovedData
    | QuantityData
    | ListData
    | TakenUpData
    | PutDownData
    | HealthData
    | PresentedData
    | LookData
    | TriedData
    | SizeData
    | SizeCancelledData
)

_EVENTS: Final[dict[type[Any], tuple[type[DeviceEvent], EventType]]] = {
    ScannedData: (ItemScanned, EventType.ITEM_SCANNED),
    RemovedData: (LineRemoved, EventType.LINE_REMOVED),
    QuantityData: (QuantitySet, EventType.QUANTITY_SET),
    ListData: (ListRequested, EventType.LIST_REQUESTED),
    TakenUpData: (DeviceTakenUp, EventType.DEVICE_TAKEN_UP),
    PutDownData: (DevicePutDown, EventType.DEVICE_PUT_DOWN),
    HealthData: (DeviceHealth, EventType.DEVICE_HEALTH),
    PresentedData: (BandPresented, EventType.BAND_PRESENTED),
    LookData: (LookKept, EventType.LOOK_KEPT),
    TriedData: (ItemTried, EventType.ITEM_TRIED),
    SizeData: (SizeRequested, EventType.SIZE_REQUESTED),
    SizeCancelledData: (SizeCancelled, EventType.SIZE_CANCELLED),
}


def event_of(
    data: Saying,
    *,
    id: str,  # noqa: A002 - the attribute's name in CloudEvents
    source: str,
    time: datetime,
    spool: str,
    sequence: int,
    trace: TraceContext = NOT_TRACED,
) -> DeviceEvent:
    """Return the event that says ``data``; ``previous`` is filled in when it is sent."""
    model, kind = _EVENTS[type(data)]
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "time": time,
        "spool": spool,
        "sequence": sequence,
        "type": kind,
        "data": data,
        "traceparent": trace.traceparent or None,
        "tracestate": trace.tracestate or None,
    }
    return model(**attributes)
