"""Whether the mirror keeps up with a real camera: one turn of 720 x 1280, through its studio.

A drawn film is enlarged, since drawing that many pixels takes half a second each; what is in them
costs the mirror the same. Figures are returned as plain values for ``bench_vision.py``.
"""

import sys
import time
from typing import Final

import cv2
import numpy as np

from cart.kernel.ids import SeededIds
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.stage import StageCamera, drawn
from store_devices.hardware import Frame
from store_devices.mirror.studio import Studio

DRAWN: Final = Lens(width_px=270, height_px=480)
WIDTH_PX: Final = 720
HEIGHT_PX: Final = 1280
FRAMES_PER_S: Final = 10.0
FRAMES_MAX: Final = 300


class FilmClock:
    """Time that passes when the camera waits."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def monotonic(self) -> float:
        """Return seconds of the film."""
        return self.at_s

    def wait(self, seconds: float) -> None:
        """Let seconds of the film pass."""
        self.at_s += seconds


def measured_full_size() -> dict[str, object]:
    """Record one turn; return how often real time its watching and its finishing are.

    Processor time, of all cores together: what others do on the machine does not count.
    """
    clock = FilmClock()
    stage = StageCamera(
        drawn(DRAWN, frames_per_s=FRAMES_PER_S),
        frames_per_s=FRAMES_PER_S,
        monotonic=clock.monotonic,
        wait=clock.wait,
    )
    studio = Studio(light=stage, ids=SeededIds(1), monotonic=clock.monotonic)
    spent_s = {"recording": 0.0, "judging": 0.0}
    frames = 0
    began_s = time.monotonic()
    for _ in range(FRAMES_MAX):
        frame = stage.read()
        if frame is None:
            break
        size = (WIDTH_PX, HEIGHT_PX)
        pixels = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_LINEAR)
        phase = studio.showing().phase
        before_s = time.process_time()
        studio.take(Frame(np.asarray(pixels, dtype=np.uint8), frame.at_s), visited=phase != "idle")
        took_s = time.process_time() - before_s
        seen = studio.showing()
        if seen.phase in ("judging", "deciding", "refused"):
            spent_s["judging"] += took_s  # judged and finished in the same step
        elif phase == "recording":
            spent_s["recording"] += took_s
            frames += 1
        if phase == "idle" and seen.ready:
            stage.come()
            studio.start()
        if seen.phase in ("deciding", "refused"):
            break
    seen = studio.showing()
    sheet, video = (studio.picture(seen.turn_id, part) or b"" for part in ("sheet", "video"))
    film_s = frames / FRAMES_PER_S
    sys.stderr.write(f"720 x 1280: {seen.phase} {seen.reason or ''}\n")
    return {
        "camera": f"{WIDTH_PX} x {HEIGHT_PX}, {FRAMES_PER_S:g} frames a second",
        "came_to": seen.reason or seen.phase,
        "film_s": round(film_s, 1),
        "watching_ms_a_frame": round(1000 * spent_s["recording"] / max(frames, 1)),
        "watching_times_real_time_one_core": round(film_s / max(spent_s["recording"], 1e-9), 2),
        "finishing_s": round(spent_s["judging"], 2),
        "finishing_times_real_time_one_core": round(film_s / max(spent_s["judging"], 1e-9), 2),
        "whole_turn_wall_s": round(time.monotonic() - began_s, 1),
        "video_kb": round(len(video) / 1000),
        "sheet_kb": round(len(sheet) / 1000),
    }
