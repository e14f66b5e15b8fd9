"""The garment on a turn's first frame, inside its contact sheet: sealed with it, opened with it.

A JPEG comment beside the angles' (``track.py``): which pixels of the sheet's front are the garment,
and its colour in this light. So a phone can paint it as the mirror does, though it never saw the
room empty. Pure; the other reader is ``tint.js``.
"""

from typing import Annotated, Final

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from store_devices.mirror.recolour import Garment
from store_devices.mirror.track import commented

MARK: Final = b"carryover front 1\x00"
RUNS_MAX: Final = 8_000
"""A garment's rim has some hundred rows with two to six runs each; more is a mask of specks, and
would not fit in a comment."""
HALF_COVERED: Final = 128  # of 255

Run = Annotated[int, Field(ge=0)]
Light = Annotated[float, Field(ge=0, le=1)]


class Cutout(BaseModel):
    """``runs``: pixels without and with the garment by turns, row by row from the upper left.

    ``colour``: the garment's median in linear light, blue, green, red.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: list[Run] = Field(min_length=1, max_length=RUNS_MAX)
    colour: tuple[Light, Light, Light]


def cut_out(sheet: bytes, garment: Garment, width_px: int, height_px: int) -> bytes:
    """Return the sheet with the garment of its front, whose picture there has this size.

    A mask of too many specks is left out: nothing can be painted by it.

    Raises:
        InvalidInput: it is no JPEG.
    """
    small = cv2.resize(garment.mask, (width_px, height_px), interpolation=cv2.INTER_AREA)
    worn = (np.asarray(small) >= HALF_COVERED).reshape(-1)
    changes = np.flatnonzero(np.diff(worn.astype(np.int8))) + 1
    edges = np.concatenate(([0], changes, [worn.size]))
    runs = np.diff(edges).tolist()
    if worn[0]:
        runs.insert(0, 0)
    if len(runs) > RUNS_MAX:
        return sheet
    blue, green, red = (round(float(one), 5) for one in np.clip(garment.colour, 0, 1))
    told = Cutout(runs=runs, colour=(blue, green, red))
    return commented(sheet, MARK + told.model_dump_json().encode())
