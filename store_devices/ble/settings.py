"""The receiver's settings, by environment; what enrolment gave it is in its folder instead."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.wire.band import COMPANY_FOR_TRYING
from store_devices.ble.learning import NEAR_DBM, NEAR_HIGHEST_DBM, NEAR_LOWEST_DBM
from store_devices.settings import DeviceSettings


class ReceiverSettings(DeviceSettings):
    """Of `store_devices receiver`. Read from the environment; names are the fields in capitals."""

    device_dir: Annotated[
        Path, Field(description="Folder of this device: identity, spool, what it has learnt.")
    ] = Path("var/receiver")
    band_company: Annotated[
        int,
        Field(
            ge=0,
            le=0xFFFF,
            description="Number of the company whose bands are ours, as the Bluetooth SIG gives"
            " it; 65535 is for trying.",
        ),
    ] = COMPANY_FOR_TRYING
    band_near_dbm: Annotated[
        float,
        Field(
            ge=NEAR_LOWEST_DBM,
            le=NEAR_HIGHEST_DBM,
            description="From which level on a band is held to this reader, dBm, until it has"
            " learnt better.",
        ),
    ] = NEAR_DBM
    bluetooth_adapter: Annotated[
        str,
        Field(pattern=r"^(hci\d{1,2})?$", description="Such as `hci1`; empty: the first there is."),
    ] = ""
    bluetooth_scanning: Annotated[
        Literal["active", "passive"],
        Field(
            description="Passive asks nothing of the bands and saves the air; BlueZ needs version"
            " 5.56 and its `--experimental` for it.",
        ),
    ] = "active"
