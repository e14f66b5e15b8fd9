"""``store_devices mirror calibrate``: from a camera and a printed board to the file of a lens.

Owns the loop, what is said meanwhile, and the file. What is enough is decided in
``calibrating.py``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cart.kernel.errors import InvalidPayload, Unavailable
from store_devices import identity
from store_devices.hardware import Camera, frames
from store_devices.mirror.board import Finder
from store_devices.mirror.calibrating import Missing, Views
from store_devices.mirror.straight import Calibration
from store_devices.mirror.watching import Turned, upright

FILE: Final = "calibration.json"
WAIT_S: Final = 600.0
"""Who holds the board for ten minutes without an end has gone away."""

ROWS: Final = ("upper", "middle", "lower")
# As she sees it who faces the glass, the board before her: the picture's left is her right.
COLUMNS: Final = ("right", "middle", "left")
ASKED: Final = {
    "sideways": "lean it: its left or its right edge nearer to the camera",
    "back_or_forward": "lean it: its upper or its lower edge nearer to the camera",
    "more": "once more: anywhere, a little differently",
    "floor": "now lay it flat on the floor where people stand, and step aside",
}


def calibrated(
    camera: Camera, say: Callable[[str], None], *, name: str = "", turned: Turned = "0"
) -> Calibration:
    """Look through ``camera`` until its calibration is known; say what is missing meanwhile.

    ``name``: of the camera, kept with it. ``turned``: how its pictures are turned upright. Closes
    the camera.

    Raises:
        InvalidInput: what was seen makes no calibration; the message says why.
        Unavailable: the camera ended, or the views were not there in time.
    """
    finder, views, said = Finder(), None, ""
    try:
        for frame in frames(camera):
            pixels = upright(frame.pixels, turned)
            if views is None:
                views, ends_s = Views(pixels.shape[1], pixels.shape[0], name), frame.at_s + WAIT_S
            missing = views.see(finder.find(pixels, far=views.far))
            if views.calibration is not None:
                return views.calibration
            words = asked(missing)
            if words != said:
                said = words
                say(f"{round(100 * missing.share):3} %  {words}")
            if frame.at_s > ends_s:
                msg = f"no calibration in {WAIT_S / 60:.0f} minutes; last asked for: {said}"
                raise Unavailable(msg)
    finally:
        camera.close()
    msg = f"the camera has ended; last asked for: {said or 'the board'}"
    raise Unavailable(msg)


def asked(missing: Missing) -> str:
    """Return in words what whoever holds the board should do."""
    if missing.zone is None:
        return ASKED.get(missing.need, "")
    row, column = (names[place] for names, place in zip((ROWS, COLUMNS), missing.zone, strict=True))
    where = "in the middle" if row == column else f"{row} {column}"
    return f"hold it {where}, nearer or farther, and keep still for a moment"


def keep(path: Path, calibration: Calibration) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    identity.write(path, calibration.model_dump_json(indent=2) + "\n")


def load(path: Path, camera: str = "") -> Calibration:
    """Return what is in the file; ``camera``: the name of the one that is there, if it is known.

    Raises:
        Unavailable: it cannot be read.
        InvalidPayload: it is no calibration, or another camera's.
    """
    try:
        found = Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"{path} cannot be read"
        raise Unavailable(msg) from error
    except ValidationError as error:
        msg = f"{path} is no calibration"
        raise InvalidPayload(msg) from error
    if camera and found.camera and camera != found.camera:
        msg = f"{path} is of the camera {found.camera}, and this one is {camera}: take it again"
        raise InvalidPayload(msg)
    return found
