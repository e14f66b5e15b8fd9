"""The mirror's camera without hardware: plays a script, one frame per wait.

Implements ``store_devices.hardware.Camera`` and keeps what was true of each frame, so that a
benchmark can compare. It judges nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cart.kernel.errors import Unavailable
from firmware_sim.mirror.drawing import Room
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Script
from store_devices.hardware import Frame, Pixels

FRAMES_PER_S: Final = 15.0
"""A turn in six seconds moves four degrees from frame to frame."""

TRUTHS_MAX: Final = 4096
"""Frames whose truth is kept: four minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What was so when a frame was taken: her angle; what each pixel shows of her."""

    at_s: float
    angle_deg: float
    parts: NDArray[np.uint8]


class MirrorCamera:
    """Plays ``script`` after ``empty_s`` of the room with nobody in it."""

    def __init__(
        self,
        script: Script,
        *,
        lens: Lens | None = None,
        seed: int = 0,
        empty_s: float = 1.0,
        frames_per_s: float = FRAMES_PER_S,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.script = script
        self.truths: list[Truth] = []
        self._room = Room(lens or Lens(), script.light, seed, script.smear)
        self._empty_s = empty_s
        self._gap_s = 1 / frames_per_s
        self._monotonic = monotonic
        self._wait = wait
        self._began_s: float | None = None
        self._frozen: Pixels | None = None
        self._closed = False

    def read(self) -> Frame | None:
        """Wait one frame's time and return what the lens sees; ``None`` closed or at the end.

        Raises:
            Unavailable: the script says that the camera stops here.
        """
        if self._closed:
            return None
        if self._began_s is None:
            self._began_s = self._monotonic()
        self._wait(self._gap_s)
        now_s = self._monotonic()
        at_s = now_s - self._began_s - self._empty_s
        if at_s >= self.script.seconds:
            return None
        if at_s >= self.script.stops_s:
            msg = "the camera gives no picture any more"
            raise Unavailable(msg)
        if self._frozen is not None and at_s >= self.script.freezes_s:
            return Frame(self._frozen, now_s)
        people = self.script.people(at_s) if at_s >= 0 else []
        drawn = self._room.picture(people, dim=self.script.dim)
        if len(self.truths) < TRUTHS_MAX:
            self.truths.append(Truth(now_s, self.script.angle_deg(at_s), drawn.parts))
        self._frozen = drawn.pixels
        return Frame(drawn.pixels, now_s)

    def close(self) -> None:
        """End the show."""
        self._closed = True
