"""Short films of people before a mirror, small enough for tests, and eyes that watch them."""

from dataclasses import dataclass, field
from random import Random

from cart.kernel.errors import Unavailable
from firmware_sim.mirror.camera import MirrorCamera, Truth
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene, drawn_script
from store_devices.hardware import Frame
from store_devices.mirror.eyes import Eyes, Judgement

SMALL = Lens(width_px=216, height_px=384)
EMPTY_S = 1.5


@dataclass(slots=True)
class FilmClock:
    """Time that passes when the camera waits."""

    at_s: float = 0.0

    def now(self) -> float:
        """Return the time."""
        return self.at_s

    def wait(self, seconds: float) -> None:
        """Let it pass."""
        self.at_s += seconds


@dataclass(slots=True)
class SmallFilm:
    """The empty room, what came after it, and what was true of each frame with her in it."""

    empty: list[Frame] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    broken: bool = False


def camera(
    scene: Scene, seed: int, *, seconds: float = 7.0, frames_per_s: float = 8.0
) -> MirrorCamera:
    """Return a camera before which ``scene`` is played in time that costs nothing."""
    clock = FilmClock()
    return MirrorCamera(
        drawn_script(scene, Random(f"{scene}-{seed}"), seconds=seconds),
        lens=SMALL,
        seed=seed,
        empty_s=EMPTY_S,
        frames_per_s=frames_per_s,
        monotonic=clock.now,
        wait=clock.wait,
    )


def film(scene: Scene, seed: int, *, seconds: float = 7.0, frames_per_s: float = 8.0) -> SmallFilm:
    """Draw a film of ``scene``."""
    shown = camera(scene, seed, seconds=seconds, frames_per_s=frames_per_s)
    made = SmallFilm()
    try:
        while (frame := shown.read()) is not None:
            (made.empty if frame.at_s < EMPTY_S - 1e-6 else made.frames).append(frame)
    except Unavailable:
        made.broken = True
    made.truths = [truth for truth in shown.truths if truth.at_s >= EMPTY_S - 1e-6]
    return made


def watched(shown: SmallFilm) -> tuple[Eyes, Judgement]:
    """Let eyes learn the room, record what comes, and judge it."""
    eyes = Eyes(SMALL.calibration)
    for frame in shown.empty:
        eyes.idle(frame)
    eyes.begin()
    for frame in shown.frames:
        eyes.record(frame)
    return eyes, eyes.judge(broken=shown.broken)
