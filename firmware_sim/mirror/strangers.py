"""People, clothes and lamps that no constant of the mirror's was ever chosen on.

Owns ranges that lie mostly outside those of ``figure.py`` and ``scripts.py``: shorter and taller,
slimmer and broader people, other colours, darker rooms, stronger lamps. Do not tune by them: a
figure that was looked at to choose a constant is no proof of it.
"""

from dataclasses import replace
from random import Random
from typing import Final

from firmware_sim.mirror.drawing import Light
from firmware_sim.mirror.figure import Colour, Person, Pose, drawn_person
from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene, Script, drawn_script

LENS: Final = Lens(
    width_px=216, height_px=384, k1=-0.1, k2=0.012, tilt_rad=0.26, place_m=(0.05, 1.68, 1.9)
)
"""Another camera, hung elsewhere."""

GARMENTS: Final[tuple[Colour, ...]] = (
    (22, 92, 98),
    (92, 58, 120),
    (150, 96, 60),
    (244, 226, 150),
    (196, 86, 52),
    (120, 150, 96),
    (70, 76, 92),
)
TROUSERS: Final[tuple[Colour, ...]] = ((112, 66, 58), (196, 190, 178), (30, 64, 58))
SKINS: Final[tuple[Colour, ...]] = ((222, 176, 150), (176, 128, 98), (72, 48, 38))
HAIRS: Final[tuple[Colour, ...]] = ((168, 72, 40), (224, 218, 210), (20, 18, 24))
LAMPS: Final = ((1.0, 0.84, 0.62), (0.84, 0.94, 1.0), (1.0, 0.95, 1.0))


def stranger(rng: Random) -> Person:
    """Draw somebody whom nothing was tuned on."""
    broad = rng.choice((rng.uniform(0.8, 0.9), rng.uniform(1.2, 1.36)))
    return replace(
        drawn_person(rng, rng.choice(GARMENTS)),
        height_m=rng.choice((rng.uniform(1.47, 1.56), rng.uniform(1.86, 1.95))),
        shoulder_m=0.2 * (0.6 + 0.4 * broad),
        waist_m=0.15 * broad,
        hip_m=0.175 * broad,
        depth_m=0.11 * broad * rng.uniform(0.9, 1.15),
        hem=rng.choice((0.34, 0.39, 0.5)),
        trousers=rng.choice(TROUSERS),
        skin=rng.choice(SKINS),
        hair=rng.choice(HAIRS),
    )


def strange_script(scene: Scene, rng: Random) -> Script:
    """Draw one run of ``scene`` with somebody else in it, under another lamp."""
    script = drawn_script(scene, rng)
    her = stranger(rng)
    light = Light(
        towards=(rng.uniform(-1.0, 1.0), rng.uniform(0.3, 1.2), rng.uniform(0.2, 0.8)),
        colour=rng.choice(LAMPS),
        ambient=rng.uniform(0.28, 0.42),
        strength=rng.choice((rng.uniform(0.6, 0.75), rng.uniform(1.0, 1.15))),
        noise=rng.uniform(2.5, 4.5),
    )

    def people(at_s: float) -> list[tuple[Person, Pose]]:
        there = script.people(at_s)
        return [(her, pose) for _, pose in there[:1]] + there[1:]

    return replace(script, people=people, light=light)
