"""A mirror without a mirror: its own code, unchanged, before a stage.

Owns the pieces that stand in for hardware: camera, lamp, reader of tags, finger.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from firmware_sim.finger import Finger
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.stage import Drawn, FilmTime, StageCamera, drawn
from firmware_sim.tags import SimulatedTagReader
from store_devices import identity
from store_devices.enrolling import Enrolled, enrol
from store_devices.mirror.run import Mirror, MirrorHardware
from store_devices.mirror.settings import MirrorSettings

LENS: Final = Lens(width_px=270, height_px=480)
FRAMES_PER_S: Final = 6.0
TIMES: Final = 4.0
"""A turn takes eleven seconds of the film, and three of the world's on a quiet machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """How a simulated mirror is placed.

    ``film``: what its camera shows, drawn through ``lens``; ``empty_per_s``: frames a second while
    nobody is there. ``times``: how much faster than the world's its time passes. ``port``: of its
    page, 0 takes a free one.
    """

    film: Drawn
    lens: Lens = LENS
    frames_per_s: float = FRAMES_PER_S
    empty_per_s: float = FRAMES_PER_S
    times: float = TIMES
    idle_after_s: int = 90
    port: int = 0


class SimMirror:
    """One enrolled mirror; ``start`` it, ``stop`` it, start it again as after a reboot."""

    def __init__(self, folder: Path, enrolled: Enrolled, placed: Placed | None = None) -> None:
        self.folder: Final = folder
        self.device_id: Final = enrolled.device_id
        self._enrolled = enrolled
        self._placed = placed or Placed(drawn(LENS, frames_per_s=FRAMES_PER_S))
        self._lens_file = folder / "lens.json"
        self.camera: StageCamera | None = None
        times = self._placed.times
        self.tags: Final = SimulatedTagReader(1, hides=0.01, wait=lambda s: time.sleep(s / times))
        self._running: Mirror | None = None
        self._finger: Finger | None = None

    @classmethod
    def enrol(
        cls, folder: Path, api_url: str, token: str, placed: Placed | None = None
    ) -> "SimMirror":
        """Trade the one-time token as a real mirror does, and keep the identity in ``folder``."""
        enrolled = enrol(api_url, token, "simulated")
        identity.keep(folder, enrolled)
        return cls(folder, enrolled, placed)

    @property
    def on(self) -> Mirror:
        """The running mirror.

        Raises:
            Unavailable: it is switched off.
        """
        if self._running is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self._running

    @property
    def stage(self) -> StageCamera:
        """What is before its camera.

        Raises:
            Unavailable: it is switched off.
        """
        if self.camera is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self.camera

    @property
    def glass(self) -> Finger:
        """The touch screen.

        Raises:
            Unavailable: it is switched off.
        """
        if self._finger is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self._finger

    def start(self) -> None:
        """Switch it on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        placed = self._placed
        self._lens_file.write_text(placed.lens.calibration.model_dump_json())
        film_time = FilmTime(placed.times)
        camera = StageCamera(
            placed.film,
            frames_per_s=placed.frames_per_s,
            empty_per_s=placed.empty_per_s,
            monotonic=film_time.monotonic,
            wait=film_time.wait,
        )
        settings = MirrorSettings.model_validate(
            {
                "device_dir": self.folder,
                "kiosk_port": placed.port,
                "idle_after_s": placed.idle_after_s,
                "mirror_calibration": self._lens_file,
                "resend_after_s": 1.0,
            }
        )
        self._running = Mirror(
            settings,
            self._enrolled,
            hardware=MirrorHardware(
                open_camera=camera.opened,
                light=camera,
                monotonic=film_time.monotonic,
                open_tags=self.tags.plugged_in,
            ),
            clock=SystemClock(),
            ids=RandomIds(),
        )
        self._running.start()
        self.camera, self._finger = camera, Finger(self._running.url)

    def stop(self) -> None:
        """Switch it off."""
        if self._finger is not None:
            self._finger.close()
        if self._running is not None:
            self._running.stop()
        self._running = self.camera = self._finger = None
