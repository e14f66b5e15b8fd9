"""What the mirror's eyes make of drawn turns: their angles, verdicts, colours and speed.

Films are drawn by ``firmware_sim.mirror``, which knows the truth of each frame; the mirror's own
code sees the pictures alone. Figures are returned as plain values for ``bench_vision.py``.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from cart.kernel.errors import Unavailable
from firmware_sim.mirror.camera import MirrorCamera, Truth
from firmware_sim.mirror.drawing import Room
from firmware_sim.mirror.figure import GARMENTS, Part, Pose, drawn_person
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import TURNS, Scene, Script, drawn_script
from firmware_sim.mirror.strangers import strange_script
from store_devices.hardware import Frame
from store_devices.mirror.eyes import Eyes, Judgement
from store_devices.mirror.picking import VIEWS_DEG, off_deg
from store_devices.mirror.recolour import found_garment, recoloured
from store_devices.mirror.silhouette import EmptyRoom, nearest
from store_devices.mirror.straight import Straightener, whole_view

SCENES: tuple[Scene, ...] = get_args(Scene)
EMPTY_S = 1.0
SEED = 20261130
HELD_OUT_SEED = "never looked at"
"""Change it, and say so in docs/benchmarks.md, as soon as anything was chosen by its figures."""
SWAPS = (
    ("red", "blue"),
    ("blue", "mustard"),
    ("grey", "green"),
    ("white", "red"),
    ("rose", "black"),
)
DARK_SWAPS = (("black", "red"),)

Doubles = NDArray[np.float64]


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
class Film:
    """A drawn scene: the empty room first, then what is to be recorded, with the truth."""

    empty: list[Frame] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    lens: Lens = field(default_factory=Lens)
    broken: bool = False


def drawn_film(scene: Scene, seed: int, lens: Lens, frames_per_s: float = 10.0) -> Film:
    """Draw one film of ``scene``."""
    script = drawn_script(scene, Random(f"{SEED}-{scene}-{seed}"))
    return _played(script, seed, lens, frames_per_s)


def held_out_film(scene: Scene, seed: int, lens: Lens) -> Film:
    """Draw one film of ``scene`` with people and lamps that no constant was chosen on."""
    return _played(
        strange_script(scene, Random(f"{HELD_OUT_SEED}-{scene}-{seed}")), 7_000 + seed, lens, 10.0
    )


def _played(script: Script, seed: int, lens: Lens, frames_per_s: float) -> Film:
    clock, film = FilmClock(), Film(lens=lens)
    camera = MirrorCamera(
        script,
        lens=lens,
        seed=seed,
        empty_s=EMPTY_S,
        frames_per_s=frames_per_s,
        monotonic=clock.now,
        wait=clock.wait,
    )
    try:
        while (frame := camera.read()) is not None:
            (film.empty if frame.at_s < EMPTY_S - 1e-6 else film.frames).append(frame)
    except Unavailable:
        film.broken = True
    film.truths = [truth for truth in camera.truths if truth.at_s >= EMPTY_S - 1e-6]
    return film


def watched(film: Film) -> tuple[Eyes, Judgement]:
    """Let the mirror's eyes watch a film and judge it."""
    eyes = Eyes(film.lens.calibration)
    for frame in film.empty:
        eyes.idle(frame)
    eyes.begin()
    for frame in film.frames:
        eyes.record(frame)
    return eyes, eyes.judge(broken=film.broken)


def angle_errors(film: Film, judgement: Judgement) -> Doubles:
    """Return by how many degrees each frame's angle is off, from her first frame on."""
    if judgement.course is None:
        return np.array([])
    truth = {truth.at_s: truth.angle_deg for truth in film.truths}
    first = film.truths[0].angle_deg
    # A frozen camera's frames are older than they say: nothing is true of their time.
    true = np.array([truth.get(at_s, np.nan) - first for at_s in judgement.course.at_s])
    off = np.abs(judgement.course.angle_deg - true)
    return np.asarray(off[~np.isnan(off)])


def measured_turns(
    count: int, lens: Lens, film_of: Callable[[Scene, int, Lens], Film] = drawn_film
) -> dict[str, object]:
    """Draw ``count`` films of each scene; return verdicts, angle errors and speed."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    errors: dict[str, list[Doubles]] = defaultdict(list)
    picked: list[float] = []
    right = wrong_starts = missed = 0
    watch_cpu_s = finish_cpu_s = watched_s = finished_s = 0.0
    for seed in range(count):
        for scene in SCENES:
            film = film_of(scene, seed, lens)
            began_s = time.process_time()
            eyes, judgement = watched(film)
            watch_cpu_s += time.process_time() - began_s
            watched_s += film.frames[-1].at_s - film.frames[0].at_s
            verdicts[scene][judgement.reason or "turned"] += 1
            turned = judgement.reason is None
            off = angle_errors(film, judgement)
            sys.stderr.write(f"{scene} {seed}: {judgement.reason or 'turned'}")
            sys.stderr.write(f", {np.median(off):.1f} degrees off\n" if off.size else "\n")
            right += turned == (scene in TURNS)
            wrong_starts += turned and scene not in TURNS
            missed += not turned and scene in TURNS
            if scene not in TURNS:
                continue
            errors[scene].append(off)
            if not turned:
                continue
            began_s = time.process_time()
            turn = eyes.finish()
            finish_cpu_s += time.process_time() - began_s
            finished_s += float(turn.at_s[-1])
            truth = {truth.at_s: truth.angle_deg for truth in film.truths}
            for view, index in zip(VIEWS_DEG, turn.eight, strict=True):
                at_s = film.frames[index].at_s
                picked.append(float(off_deg(truth[at_s], view)))
    every = np.concatenate([error for films in errors.values() for error in films])
    return {
        "films": count * len(SCENES),
        "rightly_judged": right,
        "false_turns": wrong_starts,
        "missed_turns": missed,
        "verdicts": {scene: dict(tally) for scene, tally in verdicts.items()},
        "angle_error_deg": _spread(every),
        "angle_error_deg_by_scene": {
            scene: _spread(np.concatenate(films)) for scene, films in errors.items()
        },
        "eight_frames_error_deg": _spread(np.array(picked)),
        "speed": {
            "watching_times_real_time_one_core": round(watched_s / watch_cpu_s, 2),
            "finishing_times_real_time_one_core": round(finished_s / max(finish_cpu_s, 1e-9), 2),
        },
    }


def measured_colours(count: int, lens: Lens) -> dict[str, object]:
    """Recolour drawn garments and compare with the same scene drawn in the other colour."""
    figures: dict[str, object] = {}
    usual: list[Doubles] = []
    for was, wanted in (*SWAPS, *DARK_SWAPS):
        apart, overlap = [], []
        for seed in range(count):
            difference, shared = swapped(was, wanted, seed, lens)
            apart.append(difference)
            overlap.append(shared)
        joined = np.concatenate(apart)
        if (was, wanted) in SWAPS:
            usual.append(joined)
        figures[f"{was}-{wanted}"] = {**_spread(joined), "mask_overlap": round(min(overlap), 3)}
    figures["all but from black"] = _spread(np.concatenate(usual))
    return figures


def swapped(was: str, wanted: str, seed: int, lens: Lens) -> tuple[Doubles, float]:
    """Return dE00 for each of the garment's true pixels, and the mask's overlap (IoU)."""
    rng = Random(f"{SEED}-{was}-{wanted}-{seed}")
    light = drawn_script("stands", rng).light
    figure_seed = rng.getrandbits(32)
    room = Room(lens, light, seed)
    sight = Straightener(lens.calibration, whole_view(lens.calibration), lens.width_px)
    empty = EmptyRoom()
    for _ in range(10):
        empty.learn(sight.straight(room.picture([]).pixels))
    pose = Pose(turn_rad=rng.uniform(0, 6.28))
    drawn = [
        room.picture([(drawn_person(Random(figure_seed), colour), pose)])
        for colour in (was, wanted)
    ]
    before, truth = (sight.straight(picture.pixels) for picture in drawn)
    cloth = np.isin(drawn[0].parts, (Part.GARMENT, Part.SLEEVE)).astype(np.uint8) * np.uint8(255)
    true_mask = sight.straight(np.dstack((cloth, cloth, cloth)))[..., 0] > 127
    found = nearest(empty.silhouettes(before))
    garment = found_garment(before, found[1], found[0]) if found is not None else None
    if garment is None:
        return np.full(int(true_mask.sum()), 100.0), 0.0
    after = recoloured(before, garment, GARMENTS[was], GARMENTS[wanted])
    mask = garment.mask > 0
    overlap = float((mask & true_mask).sum() / (mask | true_mask).sum())
    return ciede2000(lab_of(after)[true_mask], lab_of(truth)[true_mask]), overlap


def lab_of(pixels: NDArray[np.uint8]) -> Doubles:
    """Return a picture (BGR) in Lab, its noise blurred away."""
    soft = cv2.GaussianBlur(pixels, (5, 5), 0)  # the two drawings' noise is no error of colour
    lab = cv2.cvtColor(soft.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    return np.asarray(lab, dtype=np.float64)


def ciede2000(first: Doubles, second: Doubles) -> Doubles:
    """Return the colour difference CIEDE2000 of Lab colours, n x 3 each (Sharma et al. 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first.T, second.T
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1 = np.degrees(np.arctan2(b1, a1 * stretch)) % 360
    h2 = np.degrees(np.arctan2(b2, a2 * stretch)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    middle = np.where(
        grey, h1 + h2, np.where(np.abs(h1 - h2) <= 180, (h1 + h2) / 2, (h1 + h2 + 360) / 2)
    )
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * np.cos(np.radians(middle - 30))
        + 0.24 * np.cos(np.radians(2 * middle))
        + 0.32 * np.cos(np.radians(3 * middle + 6))
        - 0.20 * np.cos(np.radians(4 * middle - 63))
    )
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    around = 60 * np.exp(-(((middle - 275) / 25) ** 2))
    cross = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(around))
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, hue / s_h
    return np.asarray(np.sqrt(d_l**2 + d_c**2 + d_h**2 + cross * d_c * d_h))


def _spread(values: Doubles) -> dict[str, float]:
    if values.size == 0:
        return {}
    return {
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
    }
