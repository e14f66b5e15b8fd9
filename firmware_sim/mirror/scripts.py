"""What happens before the simulated mirror: who comes, turns, steps aside, walks past.

Owns time courses only, from a seeded ``random.Random``; each knows the true angle at any time.
``drawing.py`` draws them, ``camera.py`` plays them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from firmware_sim.mirror.drawing import Light, Smear
from firmware_sim.mirror.figure import Colour, Person, Pose, drawn_person

Scene = Literal[
    "steady",
    "irregular",
    "sideways",
    "passers_by",
    "smear",
    "half",
    "there_and_back",
    "wiggle",
    "stands",
    "leaves",
    "second_person",
    "nobody",
    "dark",
    "stops",
    "freezes",
]

TURNS: Final[frozenset[Scene]] = frozenset(
    {"steady", "irregular", "sideways", "passers_by", "smear"}
)
"""The scenes in which she really turns; the others must be refused."""

STANDS_S: Final = 0.6
"""She hears the signal, and then begins."""

Angle = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Script:
    """One scene: for any second of it who stands where, and how far she has turned.

    ``angle_deg`` counts from facing the mirror, positive to her left. The camera stops (raises)
    after ``stops_s`` and shows the same picture from ``freezes_s`` on.
    """

    scene: Scene
    seconds: float
    people: Callable[[float], list[tuple[Person, Pose]]]
    angle_deg: Angle
    light: Light
    smear: Smear | None = None
    dim: float = 1.0
    stops_s: float = math.inf
    freezes_s: float = math.inf


def drawn_script(
    scene: Scene, rng: Random, *, seconds: float = 8.0, garment: str | Colour | None = None
) -> Script:
    """Draw one run of ``scene``: her shape and colours, the light, the pace."""
    person = drawn_person(rng, garment)
    sign = rng.choice((-1, 1))
    angle = _angles(scene, rng, seconds, sign)
    light = Light(
        towards=(rng.uniform(-0.8, 0.8), rng.uniform(0.5, 1.0), rng.uniform(0.3, 1.0)),
        colour=rng.choice(((1.0, 0.97, 0.9), (1.0, 0.9, 0.74), (0.9, 0.97, 1.0))),
        ambient=rng.uniform(0.4, 0.65),
        strength=rng.uniform(0.75, 1.0),
        noise=rng.uniform(1.5, 3.5),
    )
    drift = _drift(scene, rng, seconds)
    others = _others(scene, rng, seconds)
    pace = rng.uniform(4, 6)

    def people(at_s: float) -> list[tuple[Person, Pose]]:
        if scene == "nobody":
            return []
        turn = angle(at_s)
        moving = abs(angle(at_s + 0.1) - angle(at_s - 0.1)) > 1
        pose = Pose(
            turn_rad=math.radians(turn),
            x_m=drift(at_s),
            z_m=0.02 * math.sin(1.3 * at_s),
            step=at_s * pace if moving else 0.0,
            swing=at_s * pace * 0.7 if moving else 0.0,
        )
        return [(person, pose), *others(at_s)]

    script = Script(scene, seconds, people, angle, light)
    if scene == "smear":
        spot = Smear(rng.uniform(0.25, 0.75), rng.uniform(0.5, 1.1), rng.uniform(0.15, 0.3))
        return replace(script, smear=spot)
    if scene == "dark":
        return replace(script, dim=0.012)
    if scene == "stops":
        return replace(script, stops_s=seconds * rng.uniform(0.3, 0.8))
    if scene == "freezes":
        return replace(script, freezes_s=seconds * rng.uniform(0.3, 0.6))
    return script


def _angles(scene: Scene, rng: Random, seconds: float, sign: int) -> Angle:
    begins, ends = STANDS_S, seconds - rng.uniform(0.5, 1.4)
    total = sign * (360 + rng.uniform(-10, 10))

    def share(at_s: float) -> float:
        return min(1.0, max(0.0, (at_s - begins) / (ends - begins)))

    if scene in ("stands", "nobody"):
        return lambda at_s: 2 * math.sin(at_s)
    if scene == "half":
        far = sign * rng.uniform(120, 280)
        return lambda at_s: far * _eased(share(at_s))
    if scene == "there_and_back":
        far = sign * rng.uniform(120, 190)
        return lambda at_s: far * math.sin(math.pi * share(at_s))
    if scene == "wiggle":
        far, times = rng.uniform(25, 70), rng.choice((2, 3, 4))
        return lambda at_s: far * math.sin(2 * math.pi * times * share(at_s))
    if scene == "irregular":
        uneven, phase = rng.uniform(0.5, 0.9), rng.uniform(0, 6)

        def course(at_s: float) -> float:
            along = share(at_s)
            waves = math.sin(4 * math.pi * along + phase) - math.sin(phase)
            return total * (along + uneven * waves / (4 * math.pi))

        return course
    return lambda at_s: total * _eased(share(at_s))


def _eased(share: float) -> float:
    """Start and stop softly: a third of the way is speeding up and slowing down."""
    soft = 0.15
    if share < soft:
        return share**2 / (2 * soft * (1 - soft))
    if share > 1 - soft:
        return 1 - (1 - share) ** 2 / (2 * soft * (1 - soft))
    return (share - soft / 2) / (1 - soft)


def _drift(scene: Scene, rng: Random, seconds: float) -> Callable[[float], float]:
    start, side = rng.uniform(-0.06, 0.06), rng.choice((-1, 1))
    if scene == "leaves":
        goes_s = seconds * rng.uniform(0.35, 0.7)
        return lambda at_s: start + side * 1.3 * max(0.0, at_s - goes_s)
    if scene == "sideways":
        return lambda at_s: start + side * 0.13 * math.sin(2 * math.pi * at_s / seconds)
    return lambda at_s: start + 0.015 * math.sin(0.9 * at_s)


def _others(
    scene: Scene, rng: Random, seconds: float
) -> Callable[[float], list[tuple[Person, Pose]]]:
    other = drawn_person(rng)
    side = rng.choice((-1, 1))
    if scene == "passers_by":
        depth, again = rng.uniform(-1.6, -0.9), drawn_person(rng)

        def passing(at_s: float) -> list[tuple[Person, Pose]]:
            return [
                (who, Pose(turn_rad=way * math.pi / 2, x_m=x, z_m=far, step=6 * at_s))
                for who, way, x, far in (
                    (other, side, side * (1.1 * (at_s - 0.3 * seconds)), depth),
                    (again, -side, -side * (0.9 * (at_s - 0.7 * seconds)), depth - 0.3),
                )
                if abs(x) < 2  # noqa: PLR2004 - out of sight
            ]

        return passing
    if scene == "second_person":
        comes_s = seconds * rng.uniform(0.0, 0.6)

        def beside(at_s: float) -> list[tuple[Person, Pose]]:
            x = side * max(0.38, 1.2 - 1.5 * max(0.0, at_s - comes_s))
            return [(other, Pose(turn_rad=0.1, x_m=x, z_m=-0.05))]

        return beside
    return lambda _at_s: []
