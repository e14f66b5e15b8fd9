"""Says whether a recording is a turn, or why it is none.

Owns the rules; everything that they rest on is handed in. A turn is once around, in one
direction, by one person who was there all the time, seen by a camera that went on.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from store_devices.mirror.course import Course

Reason = Literal["not_turned", "left", "two_people", "nobody", "camera_stopped", "too_dark"]

TURNED_DEG: Final = 330.0
"""She ends facing the glass again, give or take the width of a shoulder."""

BACK_DEG: Final = 45.0
"""She may sway back that far; a turn there and back goes further."""

ALIKE: Final = 0.5
"""At its end she looks as at its beginning: her sides and back differ by 1."""

AWAY_S_MAX: Final = 0.6
"""Lost for longer than one step past a pillar: she has gone."""

BESIDE_SHARE_MAX: Final = 0.1
"""Of the frames somebody may stand beside her: who walks by close is soon past."""

DARK_SHARE_MAX: Final = 0.3
STOPPED_S_MAX: Final = 0.8
"""No new picture for that long: a gap, or the same picture again and again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted while recording.

    ``frames`` in all, ``with_her`` those with somebody in them, ``beside`` those with one more
    beside her, ``dark`` those too dark to see by; ``away_s`` her longest absence, ``stopped_s``
    the longest time without a new picture; ``broken`` that the camera gave up.
    """

    frames: int = 0
    with_her: int = 0
    beside: int = 0
    dark: int = 0
    away_s: float = 0.0
    stopped_s: float = 0.0
    broken: bool = False


def refused(seen: Seen, course: Course | None) -> Reason | None:
    """Return why this is no turn, or ``None`` if it is one."""
    if seen.broken or seen.stopped_s > STOPPED_S_MAX or seen.frames == 0:
        return "camera_stopped"
    if seen.dark > DARK_SHARE_MAX * seen.frames:
        return "too_dark"
    if seen.with_her == 0 or course is None:
        return "nobody"
    if seen.away_s > AWAY_S_MAX:
        return "left"
    if seen.beside > BESIDE_SHARE_MAX * seen.frames:
        return "two_people"
    return None if _turned(course) else "not_turned"


def _turned(course: Course) -> bool:
    """Tell whether she went round once, in one direction, to where she began."""
    angle = course.angle_deg if course.angle_deg[-1] >= 0 else -course.angle_deg
    back = float((np.maximum.accumulate(angle) - angle).max())
    alike = float(np.median(course.apart[-4:]))
    return bool(angle[-1] >= TURNED_DEG and back <= BACK_DEG and alike <= ALIKE)
