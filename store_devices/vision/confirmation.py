"""When a code in front of a live camera counts as scanned. A pure state machine.

Owns what was seen lately; the time is passed in and no picture is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from store_devices.vision.model import EAN_UPC, Code

AGREE_FRAMES: Final = 2
"""One frame in some hundreds misreads; that two do, alike, has not been seen on verified codes."""

AGREE_FRAMES_UNVERIFIED: Final = 4
"""A code that its pixels do not bear out (bent, torn) takes half a second longer."""

AGREE_WITHIN_S: Final = 1.5
"""Two sightings this far apart are one presentation. The dearer passes take turns, so
that a hard code is seen in one frame of five."""

AWAY_S: Final = 1.5
"""Out of view this long, a code was taken away. Shorter is a hand or a reflection before it."""

HOLD_OFF_S: Final = 3.0
"""The quickest a shopper puts a product back, takes its twin and holds it up, and longer
than she needs to lower the one that just beeped."""

TRACKED_MAX: Final = 64
"""Four frames full of different codes. What comes on top is not looked at till others fade."""


@dataclass(slots=True)
class _Sight:
    """What is known of one code."""

    frames: int
    last_seen_s: float
    verified: bool
    scanned_s: float | None = None

    def agreed(self) -> bool:
        return self.frames >= (AGREE_FRAMES if self.verified else AGREE_FRAMES_UNVERIFIED)


class Confirmation:
    """Counts frames that agree, and holds off what was just scanned."""

    def __init__(self) -> None:
        self._sights: dict[str, _Sight] = {}
        self._now_s = float("-inf")

    def __len__(self) -> int:
        """Return how many codes are remembered, never more than ``TRACKED_MAX``."""
        return len(self._sights)

    def observe(self, codes: Iterable[Code], at_s: float) -> list[Code]:
        """Take what one frame shows, at monotonic seconds ``at_s``; return what is scanned by it.

        A code is scanned once per presentation: when enough frames agree, and
        not again until it was out of view for ``AWAY_S`` and ``HOLD_OFF_S`` have
        passed since.
        """
        self._now_s = max(self._now_s, at_s)
        self._fade()
        in_frame = {_key(code): code for code in codes}
        return [code for key, code in in_frame.items() if self._sees(key, code)]

    def next_person(self) -> None:
        """Begin anew for the next person, who may scan what the last one did.

        What is before the camera now is the last person's: it counts as scanned
        until it was taken away for ``AWAY_S``, or her product would be the first
        on the next list.
        """
        for sight in self._sights.values():
            sight.scanned_s = self._now_s - HOLD_OFF_S

    def _sees(self, key: str, code: Code) -> bool:
        sure = code.verified or code.symbology not in EAN_UPC
        sight = self._sights.get(key)
        if sight is None:
            if len(self._sights) < TRACKED_MAX:
                self._sights[key] = _Sight(1, self._now_s, sure)
            return False
        away_s = self._now_s - sight.last_seen_s
        sight.last_seen_s = self._now_s
        if sight.scanned_s is not None:
            if away_s >= AWAY_S and self._now_s - sight.scanned_s >= HOLD_OFF_S:
                self._sights[key] = _Sight(1, self._now_s, sure)
            return False
        sight.frames = sight.frames + 1 if away_s <= AGREE_WITHIN_S else 1
        sight.verified = sight.verified or sure
        if not sight.agreed():
            return False
        sight.scanned_s = self._now_s
        return True

    def _fade(self) -> None:
        """Forget codes whose past can no longer matter."""
        for key in [key for key, sight in self._sights.items() if self._faded(sight)]:
            del self._sights[key]

    def _faded(self, sight: _Sight) -> bool:
        unseen_s = self._now_s - sight.last_seen_s
        if sight.scanned_s is None:
            return unseen_s > AGREE_WITHIN_S
        return unseen_s >= AWAY_S and self._now_s - sight.scanned_s >= HOLD_OFF_S


def _key(code: Code) -> str:
    """Return what makes two codes the same product: its GTIN, in bars or in a QR."""
    return str(code.gtin) if code.gtin is not None else f"{code.symbology}:{code.text}"
