"""Whether a band that is shown says that its button was pressed. No database.

A reader tells that a band's frame has changed; only the state that is sealed in it says whether
that was the button, the battery, or that it was put on. So what counts is the band's own count
of presses, against the one that it had when it was shown last. What receivers hear in between
must not move that: they and the reader hear the same press, and any of them may be first.
"""

from dataclasses import dataclass
from typing import Final

from gateway.wire.band import PRESSES_AGAIN

# A press that receivers heard so long ago was made elsewhere, in a pocket: a reader tells of one
# within seconds, and a tap that is told later than this comes to nothing anyway.
PRESS_TOLD_WITHIN_S: Final = 30.0
# The count begins anew after PRESSES_AGAIN: what is behind by less than half of it is an old frame.
AHEAD_MAX: Final = PRESSES_AGAIN // 2


@dataclass(slots=True)
class _Count:
    shown: int  # presses, when it was shown last
    shown_s: float
    heard: int  # presses, by what receivers hear
    heard_s: float  # since when
    frame: bytes = b""  # that was shown last, and what was said of it
    pressed: bool = False


class Pressing:
    """Counts of bands. Times are monotonic seconds. For one thread."""

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def forget(self, band: int) -> None:
        """Know nothing of a band: the next wearer begins anew."""
        self._counts.pop(band, None)

    def hear(self, band: int, presses: int, at_s: float) -> None:
        """Take in a state that receivers hear; the first one is what is counted from."""
        count = self._counts.get(band)
        if count is None:
            self._counts[band] = _Count(presses, at_s, presses, at_s)
        elif presses != count.heard:
            count.heard, count.heard_s = presses, at_s

    def show(self, band: int, frame: bytes, presses: int, now_s: float) -> bool:
        """Take in a frame that was shown to a reader; say whether it says a press.

        The same frame says the same again: a transaction that failed is done once more.
        """
        count = self._counts.get(band)
        if count is None:
            self._counts[band] = _Count(presses, now_s, presses, now_s, frame)
            return False
        if frame == count.frame:
            return count.pressed
        if count.heard_s > count.shown_s and now_s - count.heard_s > PRESS_TOLD_WITHIN_S:
            count.shown = count.heard
        ahead = (presses - count.shown) % PRESSES_AGAIN
        count.frame, count.pressed = frame, 0 < ahead < AHEAD_MAX
        if count.pressed:
            count.shown = presses
        count.shown_s = now_s
        return count.pressed
