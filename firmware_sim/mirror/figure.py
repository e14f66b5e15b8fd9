"""A dressed person of ellipsoids, posed and turned.

Owns shapes and proportions. What is painted on them is in ``cloth.py``, the drawing in
``drawing.py``. Body coordinates in metres: x to the person's left (the camera's right while
she faces it), y up, z to her front.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Final

import numpy as np

from firmware_sim.mirror.optics import Floats

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

SKINS: Final[tuple[Colour, ...]] = (
    (236, 198, 172),
    (206, 158, 124),
    (150, 104, 76),
    (96, 64, 48),
)
HAIRS: Final[tuple[Colour, ...]] = ((40, 30, 26), (96, 62, 38), (196, 160, 104), (120, 118, 116))
GARMENTS: Final[dict[str, Colour]] = {
    "red": (176, 36, 44),
    "blue": (38, 78, 158),
    "green": (44, 112, 68),
    "mustard": (206, 156, 44),
    "grey": (126, 128, 130),
    "white": (232, 230, 224),
    "black": (34, 34, 38),
    "rose": (214, 140, 152),
}
TROUSERS: Final[tuple[Colour, ...]] = ((44, 52, 84), (84, 74, 62), (52, 52, 54), (142, 126, 104))


class Part(IntEnum):
    """What a pixel shows."""

    NOTHING = 0
    HEAD = 1
    GARMENT = 2
    SLEEVE = 3
    TROUSERS = 4
    SHOE = 5
    HAND = 6


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """One piece: its middle (3,), its axes as rows of unit length (3, 3) and half-lengths (3,)."""

    part: Part
    middle: Floats
    axes: Floats
    radii: Floats


@dataclass(frozen=True, slots=True)
class Person:
    """Proportions in metres, colours, and the seed of the cloth's pattern."""

    height_m: float = 1.72
    shoulder_m: float = 0.205
    waist_m: float = 0.16
    hip_m: float = 0.18
    depth_m: float = 0.115
    hem: float = 0.46
    long_hair: bool = True
    garment: Colour = GARMENTS["red"]
    trousers: Colour = TROUSERS[0]
    skin: Colour = SKINS[0]
    hair: Colour = HAIRS[1]
    pattern: int = 1
    print_on_back: bool = True


@dataclass(frozen=True, slots=True)
class Pose:
    """Where she stands and how: ``turn_rad`` grows as she turns to her left.

    ``left_up``, ``right_up``: how far her arms are raised, 0 (they hang) to 1 (hands at her head).
    """

    turn_rad: float = 0.0
    x_m: float = 0.0
    z_m: float = 0.0
    step: float = 0.0
    swing: float = 0.0
    left_up: float = 0.0
    right_up: float = 0.0


def drawn_person(rng: Random, garment: str | Colour | None = None) -> Person:
    """Draw a person: slim or broad, short or tall, any colours; in ``garment``, if it is told."""
    broad = rng.uniform(0.88, 1.22)
    drawn = rng.choice(sorted(GARMENTS))  # drawn in any case: the rest stays as it is
    return Person(
        height_m=rng.uniform(1.56, 1.88),
        shoulder_m=0.2 * (0.6 + 0.4 * broad) * rng.uniform(0.95, 1.06),
        waist_m=0.15 * broad,
        hip_m=0.175 * broad * rng.uniform(0.95, 1.05),
        depth_m=0.11 * broad * rng.uniform(0.95, 1.1),
        hem=rng.choice((0.36, 0.42, 0.46)),
        long_hair=rng.random() < 0.5,  # noqa: PLR2004 - half of the people
        garment=garment if isinstance(garment, tuple) else GARMENTS[garment or drawn],
        trousers=rng.choice(TROUSERS),
        skin=rng.choice(SKINS),
        hair=rng.choice(HAIRS),
        pattern=rng.randrange(1_000_000),
        print_on_back=rng.random() < 0.6,  # noqa: PLR2004 - more than half of the garments
    )


def posed(person: Person, pose: Pose) -> list[Ellipsoid]:
    """Return her pieces in the room."""
    tall = person.height_m
    sway = 0.01 * math.sin(pose.step)
    pieces = [
        _ball(Part.HEAD, (sway, 0.93 * tall, 0.012), (0.074, 0.066 * tall, 0.094)),
        _ball(Part.HEAD, (sway, 0.845 * tall, -0.005), (0.052, 0.05 * tall, 0.056)),
        # The torso, from shoulders down: four that melt into one another.
        _ball(
            Part.GARMENT, (sway, 0.775 * tall, 0), (person.shoulder_m * 0.94, 0.056 * tall, 0.092)
        ),
        _ball(
            Part.GARMENT,
            (sway, 0.7 * tall, 0.008),
            (person.shoulder_m * 0.86, 0.12 * tall, person.depth_m),
        ),
        _ball(
            Part.GARMENT,
            (sway * 0.7, 0.6 * tall, 0.004),
            (person.waist_m * 1.04, 0.13 * tall, person.depth_m * 0.98),
        ),
        _ball(
            Part.GARMENT,
            (sway * 0.5, (person.hem + 0.09) * tall, -0.008),
            (person.hip_m, 0.115 * tall, person.depth_m * 1.06),
        ),
        _ball(
            Part.TROUSERS,
            (sway * 0.5, 0.45 * tall, -0.008),
            (person.hip_m * 0.9, 0.07 * tall, person.depth_m * 0.9),
        ),
    ]
    for side in (-1, 1):
        pieces += _arm(person, pose, side) + _leg(person, pose, side)
    if person.long_hair:
        pieces.append(_ball(Part.HEAD, (sway, 0.865 * tall, -0.06), (0.078, 0.08 * tall, 0.05)))
    cosine, sine = math.cos(pose.turn_rad), math.sin(pose.turn_rad)
    around = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], dtype=np.float32)
    place = np.array([pose.x_m, 0, pose.z_m], dtype=np.float32)
    return [
        Ellipsoid(piece.part, around @ piece.middle + place, piece.axes @ around.T, piece.radii)
        for piece in pieces
    ]


def _arm(person: Person, pose: Pose, side: int) -> list[Ellipsoid]:
    tall, swing = person.height_m, 0.1 * side * math.sin(pose.swing)
    shoulder = (side * person.shoulder_m * 0.95, 0.785 * tall, 0.0)
    elbow = (side * (person.shoulder_m + 0.055), 0.62 * tall, 0.4 * swing - 0.01)
    wrist = (side * (person.shoulder_m + 0.075), 0.49 * tall, swing + 0.03)
    up = pose.left_up if side > 0 else pose.right_up
    if up:
        elbow = _between(elbow, (side * (person.shoulder_m + 0.12), 0.74 * tall, 0.05), up)
        raised = (side * (person.shoulder_m + 0.15), 0.92 * tall, 0.12)
        wrist = _between(wrist, raised, up)
        hand_up = (2 * up - 1) * 0.03 * tall
        return [
            _limb(Part.SLEEVE, shoulder, elbow, 0.052),
            _limb(Part.SLEEVE, elbow, wrist, 0.042),
            _ball(Part.HAND, (wrist[0], wrist[1] + hand_up, wrist[2]), (0.04, 0.06, 0.03)),
        ]
    return [
        _limb(Part.SLEEVE, shoulder, elbow, 0.052),
        _limb(Part.SLEEVE, elbow, wrist, 0.042),
        _ball(Part.HAND, (wrist[0], wrist[1] - 0.03 * tall, wrist[2]), (0.026, 0.045, 0.04)),
    ]


def _between(
    start: tuple[float, float, float], end: tuple[float, float, float], share: float
) -> tuple[float, float, float]:
    x, y, z = (one + share * (other - one) for one, other in zip(start, end, strict=True))
    return (x, y, z)


def _leg(person: Person, pose: Pose, side: int) -> list[Ellipsoid]:
    tall = person.height_m
    lift = max(0.0, side * math.sin(pose.step)) * 0.04
    hip = (side * person.hip_m * 0.48, 0.49 * tall, 0.0)
    knee = (side * person.hip_m * 0.5, 0.28 * tall + lift, 0.01 + lift)
    ankle = (side * person.hip_m * 0.52, 0.05 * tall + lift, -0.01)
    return [
        _limb(Part.TROUSERS, hip, knee, 0.078),
        _limb(Part.TROUSERS, knee, ankle, 0.058),
        _ball(Part.SHOE, (ankle[0], 0.035 + lift, 0.05), (0.045, 0.036, 0.12)),
    ]


def _ball(
    part: Part, middle: tuple[float, float, float], radii: tuple[float, float, float]
) -> Ellipsoid:
    return Ellipsoid(
        part,
        np.array(middle, dtype=np.float32),
        np.eye(3, dtype=np.float32),
        np.array(radii, dtype=np.float32),
    )


def _limb(
    part: Part,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    radius_m: float,
) -> Ellipsoid:
    """Return a long ellipsoid that reaches a little over both ends."""
    first, last = np.array(start, dtype=np.float32), np.array(end, dtype=np.float32)
    length = float(np.linalg.norm(last - first))
    along = (last - first) / length
    across = np.cross(along, np.array([0, 0, 1], dtype=np.float32))
    across /= np.linalg.norm(across)
    axes = np.stack((across, along, np.cross(across, along))).astype(np.float32)
    radii = np.array([radius_m, length * 0.5 + radius_m * 0.8, radius_m], dtype=np.float32)
    middle = ((first + last) / 2).astype(np.float32)
    return Ellipsoid(part, middle, axes, radii)
