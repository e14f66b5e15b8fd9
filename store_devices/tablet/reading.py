"""Codes from the camera and from the hand scanner, to the agent. One thread each.

Owns the loops and their end; how a picture is read is :mod:`store_devices.vision`'s.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol

from cart.kernel.errors import CarryoverError
from gateway.wire.events import Reader
from store_devices.hardware import Camera, Frame, Scanner, frames
from store_devices.vision.confirmation import Confirmation
from store_devices.vision.reading import LiveReader

REOPEN_S: Final = 3.0  # a camera that was unplugged is looked for this often

_LOG = logging.getLogger(__name__)


class Taking(Protocol):
    """Who takes the codes; the agent."""

    @property
    def visit_id(self) -> str | None:
        """The present visit."""
        ...

    def code_read(self, code: str, reader: Reader) -> None:
        """Take one code."""
        ...


class CameraReading:
    """Reads a camera until it is stopped; opens it again when it fails."""

    def __init__(
        self, open_camera: Callable[[], Camera], agent: Taking, *, reopen_s: float = REOPEN_S
    ) -> None:
        self._open = open_camera
        self._agent = agent
        self._reopen_s = reopen_s
        self._camera: Camera | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Close the camera and end."""
        self._stopping.set()
        camera = self._camera
        if camera is not None:
            camera.close()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._camera = self._open()
                self._look(self._camera)
            except CarryoverError as error:
                _LOG.warning("no camera: %s", error.message)
            else:
                return  # its film is over
            self._stopping.wait(self._reopen_s)

    def _look(self, camera: Camera) -> None:
        reader, confirmation = LiveReader(), Confirmation()
        visit = self._agent.visit_id
        try:
            for frame in frames(camera):
                if self._stopping.is_set():
                    return
                present = self._agent.visit_id
                if visit is not None and present != visit:
                    confirmation.next_person()
                visit = present
                seen = self._before_codes(frame)
                if seen is None:
                    continue
                for code in confirmation.observe(reader.read(seen.pixels), seen.at_s):
                    self._agent.code_read(code.gtin or code.text, Reader.CAMERA)
        finally:
            camera.close()
            self._ended()

    def _before_codes(self, frame: Frame) -> Frame | None:
        """Return the frame to read codes from; None: it is not looked at for codes."""
        return frame

    def _ended(self) -> None:
        """Take note that the camera gives no more frames."""


class ScannerReading:
    """Reads a hand scanner until it is stopped."""

    def __init__(self, scanner: Scanner, agent: Taking) -> None:
        self._scanner = scanner
        self._agent = agent
        self._stopping = False
        # It may wait for a key that never comes: it must not keep the process alive.
        self._thread = threading.Thread(target=self._work, name="scanner", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopping = True

    def _work(self) -> None:
        try:
            for line in self._scanner.lines():
                if self._stopping:
                    return
                self._agent.code_read(line, Reader.HID)
        except (OSError, ValueError) as error:  # unplugged, or closed while it was read
            _LOG.warning("the scanner is gone: %s", error)
