"""Somebody before the simulated mirror who raises a hand, or both as one who undresses.

Owns the time courses of arms; ``figure.py`` draws them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from firmware_sim.mirror.figure import Person, Pose
from firmware_sim.mirror.scripts import Script, drawn_script

Arms = Literal["left", "right", "both"]
"""Her own arms; on the glass, a mirror, they are on the same sides."""

UP_S: Final = 0.5  # from a hanging arm to a raised one


@dataclass(frozen=True, slots=True)
class Raise:
    """Which arms are up from when to when, in seconds of the film."""

    arms: Arms
    from_s: float
    until_s: float


def raising(rng: Random, raises: list[Raise], *, seconds: float) -> Script:
    """Return a scene in which she stands, and raises her arms as told."""
    script = drawn_script("stands", rng, seconds=seconds)
    return replace(script, people=_people(script.people, raises))


def _people(
    people: Callable[[float], list[tuple[Person, Pose]]], raises: list[Raise]
) -> Callable[[float], list[tuple[Person, Pose]]]:
    def moved(at_s: float) -> list[tuple[Person, Pose]]:
        left = max((_up(one, at_s) for one in raises if one.arms != "right"), default=0.0)
        right = max((_up(one, at_s) for one in raises if one.arms != "left"), default=0.0)
        (person, pose), *others = people(at_s)
        return [(person, replace(pose, left_up=left, right_up=right)), *others]

    return moved


def _up(one: Raise, at_s: float) -> float:
    """Return how far it is up, 0 to 1."""
    return max(0.0, min(1.0, (at_s - one.from_s) / UP_S, (one.until_s - at_s) / UP_S))
