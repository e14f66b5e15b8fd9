"""Which reads are believed: what the pixels, the passes and the readers say together.

Measured on 72 drawn scenes and 66 photographs, 28 passes each: every wrong
read had a valid check digit, several came back in nine passes out of nine, so
counting alone does not help. Under all wrong 12- and 13-digit reads the
weakest digit correlates at 0.76 or less with the pixels; under nineteen right
reads in twenty, at 0.81 or more.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from store_devices.vision.fit import Fit, fit
from store_devices.vision.grey import Grey
from store_devices.vision.model import EAN_UPC, Code, Polygon, Reader, Symbology
from store_devices.vision.passes import PLAIN, Pass

WEAKEST_DIGIT_MIN: Final = 0.8
"""Above every wrong read of the measurement, below nineteen right ones in twenty."""

_WHOLE_MIN: Final = 0.4
"""A crumpled code that one reader reads twice has 0.6; chance on a woven pattern has 0.3."""

_SHORT: Final = frozenset({Symbology.EAN_8, Symbology.UPC_E})
_SIDEWAYS_MODULES: Final = 6.0
"""A slanted line that leaves an EAN-13 halfway reads as a fine UPC-E. Six modules
further along the bars it does not, but a real one does."""

_MODULES: Final = {Symbology.EAN_13: 95, Symbology.UPC_A: 95, Symbology.EAN_8: 67}
_HINT_DIGIT_MIN: Final = 0.5  # a short code that two passes agree on must still fit this well

Key = tuple[str, str]


@dataclass(slots=True)
class _Case:
    """What speaks for one code."""

    code: Code
    passes: set[str] = field(default_factory=set)
    upright_passes: set[str] = field(default_factory=set)
    readers: set[Reader] = field(default_factory=set)
    weakest_digit: float = -1.0
    whole: float = -1.0
    verified: bool = False

    def rank(self) -> tuple[bool, int, int, int]:
        """Return what decides between two codes in the same place, best first."""
        modules = _MODULES.get(self.code.symbology, 0)
        return (self.verified, modules, len(self.readers), len(self.passes))


class Evidence:
    """Collects the reads of one picture."""

    def __init__(self, grey: Grey) -> None:
        self.grey = grey
        self._cases: dict[Key, _Case] = {}

    def add(self, found: list[Code], by: Pass) -> None:
        """Take the reads of one pass."""
        for code in found:
            case = self._cases.setdefault(_key(code), _Case(code))
            case.passes.add(by.name)
            case.readers.add(code.reader)
            if by.upright:
                case.upright_passes.add(by.name)
            if not case.verified and code.symbology in EAN_UPC:
                self._verify(case, code)

    def believed(self) -> list[Code]:
        """Return the codes that stand, each once, in the order they were found."""
        return [
            replace(case.code, verified=case.verified)
            for case in self._cases.values()
            if _trusted(case) and not self._outranked(case)
        ]

    def plausible(self) -> list[Code]:
        """Return what one pass alone may show to a live camera, which looks again.

        Everything that is not outranked in its place; what was not verified says so.
        """
        return [
            replace(case.code, verified=case.verified or case.code.symbology not in EAN_UPC)
            for case in self._cases.values()
            if not self._outranked(case) and (case.verified or case.code.symbology not in _SHORT)
        ]

    def _verify(self, case: _Case, code: Code) -> None:
        if code.reader is Reader.OPENCV:
            return  # its rectangles are too rough to lay bars on
        if code.reader is Reader.PROFILE:
            case.code, case.verified = code, True  # found by this very measure
            return
        here = fit(self.grey, code)
        case.whole = max(case.whole, here.whole)
        if here.weakest_digit > case.weakest_digit:
            case.weakest_digit, case.code = here.weakest_digit, code
        if here.weakest_digit < WEAKEST_DIGIT_MIN:
            return
        case.verified = code.symbology not in _SHORT or _stands_sideways(self.grey, code, here)

    def _outranked(self, case: _Case) -> bool:
        return any(
            other is not case and other.rank() >= case.rank() and _overlap(other.code, case.code)
            for other in self._cases.values()
            if other.code.symbology in EAN_UPC and case.code.symbology in EAN_UPC
        )


def _key(code: Code) -> Key:
    if code.symbology in EAN_UPC and code.gtin is not None:
        return ("EAN/UPC", str(code.gtin))
    return (code.symbology, code.text)


def _trusted(case: _Case) -> bool:
    if case.verified or case.code.symbology is Symbology.QR:
        return True  # a QR carries its own error correction
    if case.code.symbology is Symbology.CODE_128:
        return PLAIN.name in case.passes or len(case.passes) > 1
    again = len(case.upright_passes) > 1 and case.whole >= _WHOLE_MIN
    agreed = len(case.readers) > 1 or again
    if case.code.symbology in _SHORT:
        return agreed and len(case.readers) > 1 and case.weakest_digit >= _HINT_DIGIT_MIN
    return agreed


def _stands_sideways(grey: Grey, code: Code, here: Fit) -> bool:
    if here.weakest_end < WEAKEST_DIGIT_MIN:
        return False
    beside = (
        fit(grey, code, shift_modules=side) for side in (_SIDEWAYS_MODULES, -_SIDEWAYS_MODULES)
    )
    return any(min(there.weakest_digit, there.weakest_end) >= WEAKEST_DIGIT_MIN for there in beside)


def _overlap(one: Code, other: Code) -> bool:
    a, b = _box(one.polygon), _box(other.polygon)
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _box(polygon: Polygon) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom, widened by a quarter of the longer side.

    A linear code's polygon is often a sliver of two scan lines.
    """
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    slack = max(max(xs) - min(xs), max(ys) - min(ys)) / 4
    return (min(xs) - slack, min(ys) - slack, max(xs) + slack, max(ys) + slack)
