"""What raised hands press before the drawn mirror: of those asked, and while nobody asks.

Films are drawn by ``firmware_sim.mirror``; the mirror's own eyes and hands see the pictures alone.
Figures are returned as plain values for ``bench_vision.py``.
"""

import sys
from random import Random
from typing import get_args

from firmware_sim.mirror.camera import MirrorCamera
from firmware_sim.mirror.hands import Arms, Raise, raising
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene, Script, drawn_script
from store_devices.mirror.eyes import Eyes
from store_devices.mirror.hands import Hand, Hands
from tests.benchmarks.turns import SEED, FilmClock

FRAMES_PER_S = 8.0
EMPTY_S = 1.5  # at this pace a room is known after a second
RAISED_S = (1.0, 4.0)  # up, and down again: twice the time that a ring takes to fill
SECONDS = 4.5
NONE = {
    "for_a_moment": Raise("left", 1.0, 2.5),  # who fixes her hair
    "both_hands": Raise("both", *RAISED_S),  # who pulls a garment over her head
}
WITHOUT_CAMERA: frozenset[Scene] = frozenset({"nobody", "dark", "stops", "freezes"})
"""Scenes that show a camera's troubles; of arms they say nothing."""


def pressed(script: Script, seed: int, lens: Lens) -> list[Hand]:
    """Return which sides were pressed in a scene, in their order."""
    clock = FilmClock()
    found: list[Hand] = []
    camera = MirrorCamera(
        script,
        lens=lens,
        seed=seed,
        empty_s=EMPTY_S,
        frames_per_s=FRAMES_PER_S,
        monotonic=clock.now,
        wait=clock.wait,
    )
    eyes, hands = Eyes(lens.calibration), Hands()
    while (frame := camera.read()) is not None:
        glance = eyes.idle(frame, learns=frame.at_s < EMPTY_S)
        found.append(hands.see(glance.body, glance.mask, frame.at_s))
    return [hand for hand in found if hand]


def measured_hands(count: int, lens: Lens) -> dict[str, object]:
    """Draw ``4 * count`` raised hands, as many of what is none, and a film of each scene."""
    asked = right = wrong = 0
    for seed in range(4 * count):
        arm: Arms = "left" if seed % 2 else "right"
        rng = Random(f"{SEED}-hands-{seed}")
        found = pressed(raising(rng, [Raise(arm, *RAISED_S)], seconds=SECONDS), seed, lens)
        asked += 1
        right += found == [arm]
        wrong += found not in ([arm], [])
        sys.stderr.write(f"raised {arm} {seed}: {found}\n")
    moments = {
        name: sum(len(pressed(_none(name, seed), seed, lens)) for seed in range(2 * count))
        for name in NONE
    }
    turned_s, false = 0.0, 0
    for scene in get_args(Scene):
        if scene in WITHOUT_CAMERA:
            continue
        for seed in range(count):
            script = drawn_script(scene, Random(f"{SEED}-{scene}-{seed}"))
            found = pressed(script, seed, lens)
            turned_s, false = turned_s + script.seconds, false + len(found)
            sys.stderr.write(f"{scene} {seed}: {found}\n")
    return {
        "asked": asked,
        "pressed_rightly": right,
        "pressed_wrongly": wrong,
        "pressed_without_being_asked": {**moments, "turning_and_passing": false},
        "turning_and_passing_min": round(turned_s / 60, 2),
    }


def _none(name: str, seed: int) -> Script:
    return raising(Random(f"{SEED}-{name}-{seed}"), [NONE[name]], seconds=SECONDS)
