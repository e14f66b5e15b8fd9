"""Codes from a camera's frames and a scanner's typing reach the agent, once each."""

import threading
from collections.abc import Iterator
from io import BytesIO, StringIO

import barcode
import numpy as np
from barcode.writer import ImageWriter
from PIL import Image

from cart.kernel.errors import Unavailable
from gateway.wire.events import Reader
from store_devices.hardware import Frame, Pixels
from store_devices.scanner import WedgeScanner
from store_devices.tablet.reading import CameraReading, ScannerReading

WAIT_S = 20


class Taken:
    """Keeps what was read; ``enough`` is set at ``count``."""

    def __init__(self, count: int) -> None:
        self.codes: list[tuple[str, Reader]] = []
        self.visit_id: str | None = "v1"
        self.enough = threading.Event()
        self._count = count

    def code_read(self, code: str, reader: Reader) -> None:
        """Keep it."""
        self.codes.append((code, reader))
        if len(self.codes) == self._count:
            self.enough.set()


class FilmCamera:
    """Shows the same picture for some frames of a tenth of a second, then ends."""

    def __init__(self, pixels: Pixels, count: int, start_s: float = 0.0) -> None:
        self._frames = iter([Frame(pixels, start_s + n / 10) for n in range(count)])
        self.closed = False

    def read(self) -> Frame | None:
        """Return the next frame."""
        return None if self.closed else next(self._frames, None)

    def close(self) -> None:
        """End."""
        self.closed = True


def picture() -> Pixels:
    """Return a clean EAN-13 on white."""
    out = BytesIO()
    drawn = barcode.get("ean13", "400638133393", writer=ImageWriter())
    drawn.write(out, {"dpi": 300, "module_width": 0.33867})
    return np.asarray(Image.open(out).convert("RGB"), dtype=np.uint8)[:, :, ::-1].copy()


def test_a_code_held_still_is_one_scan() -> None:
    """Ten frames of it, one code."""
    taken = Taken(1)
    film = FilmCamera(picture(), 10)
    reading = CameraReading(lambda: film, taken)
    reading.start()
    assert taken.enough.wait(WAIT_S)
    reading.stop()
    assert taken.codes == [("04006381333931", Reader.CAMERA)]
    assert film.closed


def test_a_camera_that_fails_is_opened_again() -> None:
    """Unplugged at first, there at the second try."""
    taken = Taken(1)
    tries: Iterator[FilmCamera | None] = iter([None, FilmCamera(picture(), 10)])

    def open_camera() -> FilmCamera:
        camera = next(tries)
        if camera is None:
            msg = "unplugged"
            raise Unavailable(msg)
        return camera

    reading = CameraReading(open_camera, taken, reopen_s=0.01)
    reading.start()
    assert taken.enough.wait(WAIT_S)
    reading.stop()


def test_a_scanners_lines_are_codes() -> None:
    """Each line one code, cleaned of what the scanner adds."""
    taken = Taken(2)
    reading = ScannerReading(WedgeScanner(StringIO("4006381333931\r\n]E09500000079194\n")), taken)
    reading.start()
    assert taken.enough.wait(WAIT_S)
    reading.stop()
    assert taken.codes == [("4006381333931", Reader.HID), ("9500000079194", Reader.HID)]
