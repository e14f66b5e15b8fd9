"""A camera without hardware: shows what it is told to, and an empty shelf between.

Implements ``store_devices.hardware.Camera``. Owns the pace and the script; the
pictures come from ``scenes.py``. It reads no codes.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock
from typing import Final

from cart.kernel.errors import LimitExceeded
from cart.kernel.gtin import Gtin
from firmware_sim.scenes import Difficulty, Look, empty_scene, look, scene
from store_devices.hardware import Frame, Pixels

FRAMES_PER_S: Final = 6.0
"""Enough for two frames to agree within a second; a quarter of one core with the reader."""

FRAMES_PER_CODE: Final = 3
"""Drawn ahead and shown in turn. Drawing takes 0.1 s, so not one per frame shown."""

FRAMES_SHOWN_MIN: Final = 4
"""On a busy machine a presentation lasts until the reader has had this many looks at it."""

QUEUE_MAX: Final = 32
"""A frame is 2.8 MB: the queue holds 260 MB at most, and a shopper shows one thing at a time."""

GAP_S: Final = 0.7
"""The empty shelf between two presentations: a hand that goes down and up."""


@dataclass(slots=True)
class _Showing:
    """One presentation in the script."""

    frames: tuple[Pixels, ...]
    seconds: float
    over: Event = field(default_factory=Event)
    began_s: float | None = None
    shown: int = 0


class SceneCamera:
    """A scripted camera; any thread may script it while another reads."""

    def __init__(
        self,
        rng: Random,
        *,
        frames_per_s: float = FRAMES_PER_S,
        gap_s: float = GAP_S,
        queue_max: int = QUEUE_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rng = rng
        self._frame_gap_s = 1 / frames_per_s
        self._gap_s = gap_s
        self._queue_max = queue_max
        self._monotonic = monotonic
        self._lock = Lock()
        self._drawing = Lock()
        self._closed = Event()
        self._queue: deque[_Showing] = deque()
        self._next_s = monotonic()
        self._free_from_s = monotonic()
        self._count = 0
        self._shelf = tuple(empty_scene(self._look("plain"), rng) for _ in range(2))

    def present(
        self, code: Gtin | str, seconds: float = 1.5, difficulty: Difficulty = "plain"
    ) -> Event:
        """Hold ``code`` up for ``seconds``, after what is already in the script.

        Returns an event that is set when this presentation is over, or the
        camera closed.

        Raises:
            LimitExceeded: ``queue_max`` presentations wait already.
            InvalidGtin: the code cannot be printed as EAN or UPC bars.
        """
        with self._drawing:  # one seeded source, and nobody else lengthens the queue
            if len(self._queue) >= self._queue_max:
                msg = f"{self._queue_max} presentations wait already"
                raise LimitExceeded(msg, limit=self._queue_max)
            showing = _Showing(
                tuple(
                    scene(code, self._look(difficulty), self._rng) for _ in range(FRAMES_PER_CODE)
                ),
                seconds,
            )
            with self._lock:
                if self._closed.is_set():
                    showing.over.set()
                else:
                    self._queue.append(showing)
        return showing.over

    def read(self) -> Frame | None:
        """Wait for the next frame at the camera's pace; ``None`` once closed."""
        if self._closed.wait(max(0.0, self._next_s - self._monotonic())):
            return None
        with self._lock:
            now_s = self._monotonic()
            self._next_s = max(self._next_s + self._frame_gap_s, now_s)
            self._count += 1
            return Frame(self._seen(now_s), now_s)

    def take_away(self) -> None:
        """Lower what is held up now, as a shopper does when it has beeped."""
        with self._lock:
            if self._queue and self._queue[0].began_s is not None:
                self._lower(self._monotonic())

    def take_all_away(self) -> None:
        """Lower what is held up now, and forget what was to come after it."""
        with self._lock:
            while self._queue:
                self._lower(self._monotonic())

    def _lower(self, now_s: float) -> None:
        showing = self._queue.popleft()
        self._free_from_s = now_s + self._gap_s
        showing.over.set()

    def close(self) -> None:
        """End the show; whoever waits for a presentation is let go."""
        with self._lock:
            self._closed.set()
            for showing in self._queue:
                showing.over.set()
            self._queue.clear()

    def _seen(self, now_s: float) -> Pixels:
        """Return the frame of the presentation whose turn it is, or the shelf."""
        if self._queue:
            showing = self._queue[0]
            if showing.began_s is None and now_s >= self._free_from_s:
                showing.began_s = now_s
            if showing.began_s is not None:
                if now_s - showing.began_s < showing.seconds or showing.shown < FRAMES_SHOWN_MIN:
                    showing.shown += 1
                    return showing.frames[showing.shown % len(showing.frames)]
                self._lower(now_s)
        return self._shelf[self._count % len(self._shelf)]

    def _look(self, difficulty: Difficulty) -> Look:
        return look(difficulty, self._rng)
