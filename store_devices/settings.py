"""What every device of the shop is told by its environment: how it reaches the broker."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeviceSettings(BaseSettings):
    """Of any device. Read from the environment; names are the fields in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    health_every_s: Annotated[
        int, Field(ge=10, le=86_400, description="Seconds between two health events.")
    ] = 300
    mqtt_version: Annotated[
        Literal["3.1.1", "5"],
        Field(description="Protocol of the uplink; the embedded broker speaks 3.1.1 only."),
    ] = "3.1.1"
    mqtt_ca_file: Annotated[
        Path | None,
        Field(description="CA that signed the broker's certificate, for `mqtts://`."),
    ] = None
    mqtt_cert_file: Annotated[
        Path | None,
        Field(description="The device's own certificate, for a broker that asks for one."),
    ] = None
    mqtt_key_file: Annotated[
        Path | None, Field(description="Its key; empty: in the same file.")
    ] = None
    resend_after_s: Annotated[
        float, Field(gt=0, le=600, description="Seconds without a receipt before sending again.")
    ] = 5.0
