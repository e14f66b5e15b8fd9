"""The tablet's settings, by environment; what enrolment gave it is in its folder instead."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from store_devices.settings import DeviceSettings


class TabletSettings(DeviceSettings):
    """Read from the environment; names are the fields in capitals."""

    device_dir: Annotated[
        Path,
        Field(description="Folder of this device: identity, spool, catalogue, pictures."),
    ] = Path("var/tablet")
    kiosk_port: Annotated[
        int,
        Field(ge=0, le=65535, description="Port of the kiosk page on loopback; 0 takes any."),
    ] = 8350
    kiosk_framed_by: Annotated[
        str,
        Field(
            pattern=r"^(http://(127\.0\.0\.1|localhost):\d{1,5})?$",
            description="Origin of a page on this machine that may show the kiosk in a frame, as"
            " the demo's does; empty: none.",
        ),
    ] = ""
    tablet_locale: Annotated[
        Literal["en", "he", "pl"],
        Field(description="Language of a new visit, until the twin says another."),
    ] = "en"
    tablet_currency: Annotated[
        str, Field(pattern="^[A-Z]{3}$", description="Currency of the prices on the screen.")
    ] = "EUR"
    tablet_time_zone: Annotated[
        str,
        Field(description="IANA zone of times on the screen; empty takes the location's own."),
    ] = ""
    idle_after_s: Annotated[
        int,
        Field(ge=15, le=3600, description="Seconds without a touch that end a visit."),
    ] = 90
    catalogue_every_s: Annotated[
        int, Field(ge=5, le=86_400, description="Seconds between two looks for a newer catalogue.")
    ] = 300
    otel_exporter_otlp_endpoint: Annotated[
        str,
        Field(
            description="`http://collector:4318`: traces of what people do here begin here and go"
            " there, by OTLP over HTTP; needs `carryover[tracing]`. Empty: nothing is traced."
        ),
    ] = ""
    trace_ratio: Annotated[
        float,
        Field(ge=0, le=1, description="Share of what people do here that is traced, to the phone."),
    ] = 0.1
    spool_events_max: Annotated[
        int, Field(ge=100, le=1_000_000, description="Events the spool keeps while offline.")
    ] = 20_000
    spool_bytes_max: Annotated[
        int, Field(ge=65_536, le=2**31, description="Bytes of events the spool keeps.")
    ] = 16 * 1024 * 1024
