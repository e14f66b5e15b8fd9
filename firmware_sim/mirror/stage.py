"""A stage before the simulated mirror: the empty room, a tag held up, a shopper who turns.

Implements ``Camera`` and ``Light`` of ``store_devices/hardware.py``: she begins to turn when the
light goes on, as a shopper does. Frames are drawn once and played again and again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import Final, Literal

import numpy as np
from PIL import Image

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from firmware_sim.mirror.camera import MirrorCamera
from firmware_sim.mirror.figure import Colour
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene, drawn_script
from firmware_sim.scenes import FACE_MODULE_PX, code_face
from store_devices.hardware import Frame, Pixels

FRAMES_PER_S: Final = 8.0
MODULE_PX: Final = 2
"""Of the narrowest bar of a tag, as an arm holds it before the glass."""

CALM_FRAMES: Final = 4
"""A living camera's pictures differ by their noise: so many take turns where nothing moves."""

Playing = Literal["empty", "stands", "turns"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Frames of the empty room, and of a scene."""

    empty: Sequence[Pixels]
    film: Sequence[Pixels]


class FilmTime:
    """Time that passes when the camera waits, ``times`` faster than the world's.

    A machine that is slow to look at a frame does not miss the ones after it.
    """

    def __init__(self, times: float) -> None:
        self._times = times
        self._at_s = 0.0

    def monotonic(self) -> float:
        """Return seconds of the film."""
        return self._at_s

    def wait(self, seconds: float) -> None:
        """Let seconds of the film pass."""
        time.sleep(seconds / self._times)
        self._at_s += seconds


class StageCamera:
    """Plays one drawn turn whenever the light goes on. ``lit`` says whether it is on.

    ``monotonic`` and ``wait``: its time, by which it draws frames apart. ``empty_per_s``: frames a
    second while nothing is before it, where fewer spare the machine; None: as always.
    """

    def __init__(
        self,
        drawn: Drawn,
        *,
        frames_per_s: float = FRAMES_PER_S,
        empty_per_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._empty, self._film = drawn.empty, drawn.film
        self._gap_s = 1 / frames_per_s
        self._empty_gap_s = 1 / (empty_per_s or frames_per_s)
        self._monotonic, self._wait = monotonic, wait
        self._lock = Lock()
        self._playing: Playing = "empty"
        self._tag: Pixels | None = None
        self._began_s = 0.0
        self._count = 0
        self._closed = self._unplugged = False
        self.lit = False
        self.lit_times = 0
        self.light_works = True

    @property
    def shown(self) -> int:
        """How many frames were looked at."""
        return self._count

    # -- what the shopper does

    def come(self) -> None:
        """Stand before the glass and face it."""
        with self._lock:
            self._playing = "stands"

    def leave(self) -> None:
        """Go away."""
        with self._lock:
            self._playing, self._tag = "empty", None

    def hold_up(self, gtin: str) -> None:
        """Hold a tag before the glass, until :meth:`lower`."""
        tag = _held_up(self._empty[0], Gtin.parse(gtin))
        with self._lock:
            self._tag = tag

    def lower(self) -> None:
        """Take the tag away."""
        with self._lock:
            self._tag = None

    # -- the light

    def switch(self, *, on: bool) -> None:
        """Turn the light on, and whoever stands there begins to turn; or off.

        Raises:
            Unavailable: it was said not to work.
        """
        if not self.light_works:
            msg = "the lamp is broken"
            raise Unavailable(msg)
        with self._lock:
            self.lit = on
            self.lit_times += on
            if on and self._playing == "stands":
                self._playing, self._began_s = "turns", self._monotonic()
            elif not on and self._playing == "turns":
                self._playing = "stands"

    # -- the camera

    def unplug(self) -> None:
        """Pull its cable out, until :meth:`plug_in`."""
        with self._lock:
            self._unplugged = True

    def plug_in(self) -> None:
        """Put its cable in again; who reads has to open it anew."""
        with self._lock:
            self._unplugged = False

    def opened(self) -> "StageCamera":
        """Open it, also again after it was closed.

        Raises:
            Unavailable: it is unplugged.
        """
        with self._lock:
            self._look()
            self._closed = False
        return self

    def read(self) -> Frame | None:
        """Wait one frame's time and return what is seen; ``None`` once closed.

        Raises:
            Unavailable: it is unplugged.
        """
        self._wait(self._empty_gap_s if self._calm else self._gap_s)
        with self._lock:
            self._look()
            if self._closed:
                return None
            now_s = self._monotonic()
            self._count += 1
            return Frame(self._seen(now_s), now_s)

    def close(self) -> None:
        """End the show."""
        with self._lock:
            self._closed = True

    def _look(self) -> None:
        if self._unplugged:
            msg = "the camera is unplugged"
            raise Unavailable(msg)

    @property
    def _calm(self) -> bool:
        return self._playing == "empty" and self._tag is None

    def _seen(self, now_s: float) -> Pixels:
        if self._tag is not None:
            return self._tag
        calm = self._count % CALM_FRAMES
        if self._playing == "empty":
            return self._empty[calm]
        if self._playing == "stands":
            return self._film[calm]
        index = round((now_s - self._began_s) / self._gap_s)
        return self._film[index if index < len(self._film) else calm - CALM_FRAMES]


def drawn(
    lens: Lens,
    scene: Scene = "steady",
    *,
    seed: int = 1,
    frames_per_s: float = FRAMES_PER_S,
    seconds: float = 7.0,
    garment: str | Colour | None = None,
) -> Drawn:
    """Draw a scene once, to be played by :class:`StageCamera` at the same pace.

    ``garment``: what she wears, by its name or its colour.
    """
    passed = [0.0]

    def wait(gap_s: float) -> None:
        passed[0] += gap_s

    camera = MirrorCamera(
        drawn_script(scene, Random(f"{scene}-{seed}"), seconds=seconds, garment=garment),  # noqa: S311 - a film
        lens=lens,
        seed=seed,
        empty_s=(CALM_FRAMES + 0.5) / frames_per_s,
        frames_per_s=frames_per_s,
        monotonic=lambda: passed[0],
        wait=wait,
    )
    frames: list[Pixels] = []
    while (frame := camera.read()) is not None:
        frames.append(frame.pixels)
    return Drawn(frames[:CALM_FRAMES], frames[CALM_FRAMES + 1 :])


def _held_up(room: Pixels, gtin: Gtin) -> Pixels:
    """Return the room with a tag before it, printed as it hangs on a garment."""
    face = code_face(gtin)
    scale = MODULE_PX / FACE_MODULE_PX
    small = face.resize(
        (round(face.width * scale), round(face.height * scale)), Image.Resampling.LANCZOS
    )
    seen = Image.fromarray(np.ascontiguousarray(room[:, :, ::-1]))
    seen.paste(small.convert("RGB"), ((seen.width - small.width) // 2, seen.height // 3))
    return np.ascontiguousarray(np.asarray(seen, dtype=np.uint8)[:, :, ::-1])
