"""A raised hand, held for a moment beside her head, presses what is drawn on that side.

Pure: works on silhouettes. There are two zones, to the left and to the right of her head, where
nothing of her is while her arms hang, whichever way she faces. Both at once press nothing: so
does somebody who pulls a garment over her head. Must not know what is pressed.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from store_devices.mirror.silhouette import Body, Mask

Hand = Literal["", "left", "right"]
"""The side of the glass, as she sees it in a mirror: her right hand is on its right."""

DWELL_S: Final = 1.2
"""As long as a ring needs to be seen filling; who scratches her head is done before."""
GAP_S: Final = 0.3
"""A hand may be lost for two frames."""
STILL_S: Final = 0.5
"""After a press both zones are empty for so long before another counts."""
ACROSS: Final = (0.155, 0.27)
"""Of her height, from her middle: outside of hair and shoulders, inside of what is told as hers."""
ABOVE, BELOW = 0.1, 0.17
"""Of her height, from the top of her head: from over it down to her shoulders."""
HEAD: Final = 0.05
"""Of her height, to each side of her middle: the top of this is her head, not a hand."""
HAND_MIN: Final = 0.0022
"""Of her height squared: half of a hand and a wrist."""
MOVES_MAX: Final = 0.06
"""Of her height: who goes that far while it fills is walking past."""


@dataclass(slots=True)
class _Held:
    hand: Hand
    since_s: float
    last_s: float
    middle_px: float


class Hands:
    """What one camera sees of raised hands. ``over``: the side at which one is held just now."""

    def __init__(self) -> None:
        self._held: _Held | None = None
        self._empty_s: float | None = None
        self._armed = False

    @property
    def over(self) -> Hand:
        """The side at which a hand is held, and may press."""
        return self._held.hand if self._held is not None else ""

    def reset(self) -> None:
        """Forget: what is shown has changed, and a hand must come down first."""
        self._held, self._empty_s, self._armed = None, None, False

    def see(self, body: Body | None, mask: Mask | None, at_s: float) -> Hand:
        """Look at a silhouette (the whole straight view); return what was pressed by it."""
        hand, height = _raised(body, mask)
        if not self._armed:
            self._arm(hand, at_s)
            return ""
        held = self._held
        if held is not None and at_s - held.last_s > GAP_S:
            held = self._held = None
        if hand == "" or body is None:
            return ""
        if held is None or held.hand != hand:
            self._held = _Held(hand, at_s, at_s, body.middle_px)
            return ""
        held.last_s = at_s
        if abs(body.middle_px - held.middle_px) > MOVES_MAX * height:
            self._held = _Held(hand, at_s, at_s, body.middle_px)
            return ""
        if at_s - held.since_s < DWELL_S:
            return ""
        self.reset()
        return hand

    def _arm(self, hand: Hand, at_s: float) -> None:
        if hand:
            self._empty_s = None
        elif self._empty_s is None:
            self._empty_s = at_s
        elif at_s - self._empty_s >= STILL_S:
            self._armed = True


def _raised(body: Body | None, mask: Mask | None) -> tuple[Hand, float]:
    """Return at which side a hand is raised, and her height in pixels without it."""
    if body is None or mask is None or body.others or body.crowded:
        return "", 0.0
    foot, middle = body.box[1] + body.box[3], body.middle_px
    near = HEAD * body.height_px
    columns = mask[:foot, max(0, round(middle - near)) : round(middle + near) + 1]
    rows = np.flatnonzero(columns.any(axis=1))
    if rows.size == 0:
        return "", 0.0
    top = int(rows[0])
    height = float(foot - top)
    high = slice(max(0, round(top - ABOVE * height)), round(top + BELOW * height))
    near, far = (round(share * height) for share in ACROSS)
    # The picture is as others see her: what is on its left is at the right of a mirror.
    right = mask[high, max(0, round(middle) - far) : max(0, round(middle) - near)]
    left = mask[high, round(middle) + near : round(middle) + far]
    least = HAND_MIN * height**2
    there = {"right": int((right > 0).sum()) > least, "left": int((left > 0).sum()) > least}
    if there["right"] == there["left"]:
        return "", height
    return ("right" if there["right"] else "left"), height
