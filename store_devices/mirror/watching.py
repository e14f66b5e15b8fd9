"""The mirror's camera: each frame to the studio, and to the reader of codes when it may be read."""

from collections.abc import Callable
from typing import Final, Literal, Protocol

import cv2
import numpy as np

from store_devices.hardware import Camera, Frame, Pixels
from store_devices.mirror.studio import Studio
from store_devices.tablet.reading import REOPEN_S, CameraReading, Taking

Turned = Literal["0", "90", "180", "270"]
_ROTATION: Final[dict[Turned, int]] = {
    "90": cv2.ROTATE_90_CLOCKWISE,
    "180": cv2.ROTATE_180,
    "270": cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class Watched(Taking, Protocol):
    """Who takes the codes and is looked at; the mirror's agent."""

    @property
    def camera_off(self) -> bool:
        """Whether whoever is here wants no camera to look at her."""
        ...


class MirrorReading(CameraReading):
    """Reads a mirror's camera until it is stopped; opens it again when it fails.

    Where she has switched the camera off, its frames are let go unseen.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        agent: Watched,
        studio: Studio,
        turned: Turned,
        *,
        reopen_s: float = REOPEN_S,
    ) -> None:
        super().__init__(open_camera, agent, reopen_s=reopen_s)
        self._watched = agent
        self._studio = studio
        self._turned: Turned = turned

    def _before_codes(self, frame: Frame) -> Frame | None:
        if self._watched.camera_off:
            return None
        frame = Frame(upright(frame.pixels, self._turned), frame.at_s)
        visited = self._agent.visit_id is not None
        return frame if self._studio.take(frame, visited=visited) else None

    def _ended(self) -> None:
        self._studio.lost()


def upright(pixels: Pixels, turned: Turned) -> Pixels:
    """Return a picture turned clockwise by so many degrees."""
    if turned not in _ROTATION:
        return pixels
    return np.asarray(cv2.rotate(pixels, _ROTATION[turned]), dtype=np.uint8)
