"""The mirror's settings: a tablet's, and those of its camera and its light."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from store_devices.tablet.settings import TabletSettings


class MirrorSettings(TabletSettings):
    """Read from the environment; those that begin with TABLET are of its page, as on a tablet."""

    device_dir: Annotated[
        Path,
        Field(description="Folder of this device: identity, spool, catalogue, goods' pictures."),
    ] = Path("var/mirror")
    kiosk_port: Annotated[
        int,
        Field(ge=0, le=65535, description="Port of the kiosk page on loopback; 0 takes any."),
    ] = 8360
    mirror_calibration: Annotated[
        Path | None,
        Field(
            description="JSON file of the camera's calibration (docs/mirror.md); without one it is"
            " taken for an upright wide lens."
        ),
    ] = None
    mirror_turned: Annotated[
        Literal["0", "90", "180", "270"],
        Field(description="Degrees clockwise by which the camera's picture is turned upright."),
    ] = "0"
    mirror_tags: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$",
            description="`module:function` that opens the RFID reader over the room, of a package"
            " of the shop's own (docs/fitting-room.md). Empty: there is none, tags are shown to the"
            " camera.",
        ),
    ] = ""
    mirror_hands: Annotated[
        bool,
        Field(
            description="A hand held up beside the head presses the buttons of the turn, as a"
            " touch does. Off where people dress before it (docs/mirror.md)."
        ),
    ] = False
    mirror_light: Annotated[
        Path | None,
        Field(
            description="File that switches the lamp beside the camera, such as"
            " `/sys/class/leds/recording/brightness`. If it cannot be switched on, nothing is"
            " recorded. Empty: there is no lamp, and the page alone says it."
        ),
    ] = None
