"""Picks frames by angle: the eight of a contact sheet, and those of another turn beside them.

Pure: works on angles and sharpness. A view is an angle from 0 to 360: 0 her front, 90 what is
seen when she has turned a quarter to her left, whichever way round she went.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

VIEWS_DEG: Final = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)

WORTH_DEG: Final = 4.0
"""A frame twice as sharp may be that much further off the angle."""

OFF_MAX_DEG: Final = 12.0
"""Further off than this no sharpness helps, unless nothing is nearer."""


def view_deg(angle_deg: Doubles) -> Doubles:
    """Return angles as views, 0 to 360."""
    return np.asarray(np.mod(angle_deg, 360.0))


def off_deg(first: Doubles | float, second: Doubles | float) -> Doubles:
    """Return how far apart views are, 0 to 180, whichever way round."""
    return np.asarray(np.abs(np.mod(np.asarray(first) - second + 180.0, 360.0) - 180.0))


def best_frames(angle_deg: Doubles, sharp: Sequence[float]) -> list[int]:
    """Return for each of ``VIEWS_DEG`` the index of the frame that shows it best.

    Raises:
        ValueError: there is no frame, or not one sharpness for each.
    """
    if len(angle_deg) == 0 or len(angle_deg) != len(sharp):
        msg = "one sharpness for each of one frame or more"
        raise ValueError(msg)
    keen = np.log2(np.maximum(np.asarray(sharp, dtype=np.float64), 1e-6))
    keen = np.clip(keen - np.median(keen), -3, 1)
    picked = []
    for view in VIEWS_DEG:
        off = off_deg(angle_deg, view)
        cost = off - WORTH_DEG * keen + np.where(off > max(OFF_MAX_DEG, off.min()), 1e3, 0.0)
        picked.append(int(cost.argmin()))
    return picked


def in_step(lead_deg: Doubles, other_deg: Doubles) -> list[int]:
    """Return for each frame of one turn the frame of another that shows the same view.

    Raises:
        ValueError: the other turn has no frame.
    """
    if len(other_deg) == 0:
        msg = "the other turn has no frame"
        raise ValueError(msg)
    return [int(off_deg(other_deg, angle).argmin()) for angle in lead_deg]
