"""Pictures to codes: a still photograph thoroughly, a live frame fast.

Owns the order and the budget. The passes are in ``passes.py``, the rules of
belief in ``evidence.py``; when a live code counts as scanned is
``confirmation.py``'s decision.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from store_devices.hardware import Pixels
from store_devices.vision.evidence import Evidence
from store_devices.vision.grey import Grey, View, grey_of, scaled, unchanged
from store_devices.vision.model import Code
from store_devices.vision.passes import AREAS, BEYOND_PLAIN, LIVE_EXTRAS, PLAIN, Pass

PHOTO_BUDGET_S: Final = 3.0
"""A code is found in 0.1 s as a rule; past this the shopper tries another photograph anyway."""

PHOTO_SIDE_MAX_PX: Final = 1800
"""Passes beyond the plain one see at most this much: 12 megapixels would eat the budget."""

SIDE_MIN_PX: Final = 1


def read_photo(
    pixels: Pixels, *, monotonic: Callable[[], float], budget_s: float = PHOTO_BUDGET_S
) -> list[Code]:
    """Read a still picture (BGR or grey) thoroughly; return the codes that are believed.

    ``budget_s`` is checked between passes, each of which takes some tens of
    milliseconds.
    """
    if min(pixels.shape[:2]) < SIDE_MIN_PX:
        return []
    until_s = monotonic() + budget_s
    grey = grey_of(pixels)
    view = _bearable(grey)
    rounds = [(unchanged(grey), (PLAIN,)), (view, BEYOND_PLAIN)]
    if view.grey is not grey:
        rounds = [(unchanged(grey), (PLAIN, AREAS)), (view, (PLAIN, *BEYOND_PLAIN))]
    evidence = Evidence(grey)
    for seen, passes in rounds:
        if seen.grey is not evidence.grey:  # reads of two sizes are not laid over each other
            evidence = Evidence(seen.grey)
        for each in passes:
            evidence.add(each.run(seen.grey), each)
            if (codes := evidence.believed()) or monotonic() >= until_s:
                return _home(seen, codes)
    return []


class LiveReader:
    """Reads the frames of one camera: a cheap pass always, one dearer pass while that is blind.

    The dearer passes take turns, and the one that found something stays on, so
    that the next frame can agree with this one.
    """

    def __init__(self) -> None:
        self._turn = 0

    def read(self, pixels: Pixels) -> list[Code]:
        """Return what this frame shows; ``verified`` says how far each code can be trusted."""
        grey = grey_of(pixels)
        codes = _single(grey, PLAIN)
        if codes:
            return codes
        codes = _single(grey, LIVE_EXTRAS[self._turn])
        if not codes:
            self._turn = (self._turn + 1) % len(LIVE_EXTRAS)
        return codes


def _single(grey: Grey, by: Pass) -> list[Code]:
    evidence = Evidence(grey)
    evidence.add(by.run(grey), by)
    return evidence.plausible()


def _bearable(grey: Grey) -> View:
    side_px = max(grey.shape)
    if side_px > PHOTO_SIDE_MAX_PX:
        return scaled(grey, PHOTO_SIDE_MAX_PX / side_px)
    return unchanged(grey)


def _home(view: View, codes: list[Code]) -> list[Code]:
    return [replace(code, polygon=view.home(code.polygon)) for code in codes]
