"""One message of every type as it travels, for the published contract.

Made with the wire's own classes, so none can be wrong; the values tell one
visit: a lamp is scanned, counted, taken along.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from gateway.wire import codec, downlink, events, sightings, size_answer
from gateway.wire.band_asked import SetUpData, SignalData
from gateway.wire.events import Wire

DEVICE: Final = "tablet-7"
VISIT: Final = "5pQ2vT0c"
SPOOL: Final = "spool-1"
LAMP: Final = Gtin("4006381333931")
BLUE_LAMP: Final = Gtin("4006381333948")
WISH: Final = "kT3vP9x1"
# The W3C's own example of a context.
TRACED: Final = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
FRAME: Final = "AdahI+hlWVlDAnlPBvrBg3g="
START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _heard(dbm: float) -> events.HeardFrame:
    """Return the frame that docs/wristband.md takes apart."""
    return events.HeardFrame.model_validate({"frame": FRAME, "dbm": dbm, "packets": 3})


def _data() -> list[tuple[type[Wire], Wire]]:
    return [
        (
            events.DeviceTakenUp,
            events.TakenUpData(visit=VISIT, claim_hash=secret_hash("example"), locale="en"),
        ),
        (
            events.ItemScanned,
            events.ScannedData(visit=VISIT, gtin=LAMP, reader=events.Reader.CAMERA),
        ),
        (events.QuantitySet, events.QuantityData(visit=VISIT, gtin=LAMP, quantity=2)),
        (events.LineRemoved, events.RemovedData(visit=VISIT, gtin=LAMP)),
        (
            events.ListRequested,
            events.ListData(visit=VISIT, email="shopper@example.com", locale="en"),
        ),
        (
            events.DevicePutDown,
            events.PutDownData(visit=VISIT, reason=events.PutDownReason.DONE),
        ),
        (
            events.DeviceHealth,
            events.HealthData(firmware="1.4.0", battery_percent=83, charging=False, locale="en"),
        ),
        (
            events.BandPresented,
            events.PresentedData(by=events.Presented.NEAR, heard=(_heard(-31.5),)),
        ),
        (
            events.LookKept,
            events.LookData(
                visit=VISIT,
                look="look_06d3n8w2k4v7x1m5q9t0z6hb",
                gtins=(LAMP,),
                duration_ms=8_000,
            ),
        ),
        (events.ItemTried, events.TriedData(visit=VISIT, gtin=LAMP, reader=events.Reader.RFID)),
        (
            events.SizeRequested,
            events.SizeData(visit=VISIT, request=WISH, gtin=BLUE_LAMP, had=LAMP),
        ),
        (events.SizeCancelled, events.SizeCancelledData(visit=VISIT, request=WISH)),
    ]


def _events() -> dict[str, Wire]:
    """Number the visit's events 1, 2, 3 … as a device does."""
    made: dict[str, Wire] = {}
    for sequence, (model, data) in enumerate(_data(), start=1):
        made[model.__name__] = model.model_validate(
            {
                **(TRACED if model is events.ItemScanned else {}),
                "specversion": "1.0",
                "id": f"example-{sequence}",
                "source": f"{events.SOURCE_PREFIX}{DEVICE}",
                "type": model.model_fields["type"].annotation.__args__[0],  # type: ignore[union-attr]
                "time": START + timedelta(seconds=7 * sequence),
                "spool": SPOOL,
                "sequence": sequence,
                "previous": sequence - 1,
                "data": data,
            }
        )
    return made


def _commands() -> dict[str, Wire]:
    at: dict[str, Any] = {"time": START + timedelta(seconds=20)}
    line = downlink.ShownLine(
        gtin=LAMP, quantity=2, name="Desk lamp", variant="Brass", price_minor=18_900, currency="EUR"
    )
    cart = downlink.CartData(
        visit=VISIT, version=3, spool=SPOOL, stored_through=3, latest_at=START, lines=(line,)
    )
    greeting = downlink.GreetData(
        visit=VISIT, greeting="Dana", locale="he", until=START + timedelta(seconds=50)
    )
    return {
        "ShowCart": downlink.ShowCart(id="command-1", data=cart, **at),
        "Claimed": downlink.Claimed(id="command-2", data=downlink.ClaimedData(visit=VISIT), **at),
        "Clear": downlink.Clear(
            id="command-3", data=downlink.ClearData(visit=VISIT, reason="released"), **at
        ),
        "Rejected": downlink.Rejected(
            id="command-4",
            data=downlink.RejectedData(
                event_id="example-2",
                sequence=2,
                visit=VISIT,
                code="unknown_gtin",
                detail="no variant in the catalogue carries 04006381333931",
            ),
            **at,
        ),
        "ApplyDesired": downlink.ApplyDesired(
            id="command-5", data=downlink.DesiredData(version=2, locale="pl"), **at
        ),
        "Rotate": downlink.Rotate(id="command-6", **at),
        "BeginVisit": downlink.BeginVisit(id="command-7", data=greeting, **at),
        "Greet": downlink.Greet(id="command-8", data=greeting, **at),
        "TapAnswered": downlink.TapAnswered(
            id="command-9",
            data=downlink.TapData(
                outcome=downlink.TapOutcome.AMBIGUOUS, until=START + timedelta(seconds=50)
            ),
            **at,
        ),
        "ShowStop": downlink.ShowStop(
            id="command-10",
            data=downlink.StopData(
                visit=VISIT,
                stop=downlink.NextStop(
                    kind="goods", zone="Lamps", zone_i18n={"pl": "Lampy"}, bay="3", gtin=LAMP
                ),
            ),
            **at,
        ),
        "SignalBand": downlink.SignalBand(
            id="command-11",
            data=SignalData(
                identifiers=("d6a123e865595943", "0c17e8b1a4f2d650"),
                times=2,
                until=START + timedelta(seconds=20),
            ),
            **at,
        ),
        "SetUpBand": downlink.SetUpBand(
            id="command-12",
            data=SetUpData(
                key="8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
                clock_s=1_772_452_800,
                until=START + timedelta(seconds=25),
            ),
            **at,
        ),
        "Veil": downlink.Veil(
            id="command-13",
            data=downlink.VeilData(visit=VISIT, drawn=True, until=START + timedelta(seconds=50)),
            **at,
        ),
        "SwitchCamera": downlink.SwitchCamera(
            id="command-15", data=downlink.CameraData(visit=VISIT, off=True), **at
        ),
        "SizeAnswered": downlink.SizeAnswered(
            id="command-14",
            data=size_answer.SizeAnswerData(
                visit=VISIT,
                request=WISH,
                answer=size_answer.SizeAnswer.COMING,
                until=START + timedelta(seconds=320),
            ),
            **at,
        ),
    }


def _plain() -> dict[str, Wire]:
    return {
        "Status": downlink.Status(
            online=True, spool=SPOOL, visit=VISIT, at=START, boot="boot-7kq2"
        ),
        "Sightings": sightings.Sightings(at=START, heard=(_heard(-61.5),)),
        "Ack": downlink.Ack(command_id="command-1", outcome=downlink.AckOutcome.DONE),
        "Receipt": downlink.Receipt(
            spool=SPOOL, stored_through=7, at=START + timedelta(seconds=60)
        ),
        "StockNotice": downlink.StockNotice(
            product_id="desk-lamp",
            sku="LAMP-BRASS",
            gtin=LAMP,
            location_id="harbour-street",
            available=4,
            version=12,
            as_of=START,
        ),
    }


def examples() -> dict[str, dict[str, Any]]:
    """Return, by class name, the JSON that goes over the wire."""
    made = {**_events(), **_commands(), **_plain()}
    return {name: json.loads(codec.encode(message)) for name, message in made.items()}
