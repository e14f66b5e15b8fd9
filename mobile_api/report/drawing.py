"""Bars and whiskers as numbers for SVG, drawn on the server. Pure.

Words and colours are the template's and the stylesheet's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cart.journeys.lift import Interval
from mobile_api.operator.charts import nice_top

WIDTH: Final = 300  # of a drawing, in its own units
PAD: Final = 10  # so that the whiskers' ends are not cut
BAR_MIN: Final = 2  # so that the smallest group that is shown can be seen


@dataclass(frozen=True, slots=True)
class Whisker:
    """Where a value and its interval's ends lie from the left; ``clear``: zero is outside."""

    at: float
    low: float
    high: float
    clear: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A number line with zero in its middle, to ``top`` on either side."""

    top: float

    @classmethod
    def of(cls, intervals: Sequence[Interval]) -> "Scale":
        """Return the scale on which all of these lie."""
        ends = [abs(end) for one in intervals for end in (one.low, one.high)]
        return cls(nice_top(max(ends, default=0.0)))

    def whisker(self, one: Interval) -> Whisker:
        """Place an interval."""
        at, low, high = (self._place(value) for value in (one.value, one.low, one.high))
        return Whisker(at, low, high, one.is_clear)

    def _place(self, value: float) -> float:
        share = min(1.0, max(-1.0, value / self.top))
        return round(WIDTH / 2 + share * (WIDTH / 2 - PAD), 1)


def bars(numbers: Sequence[int | None]) -> list[int]:
    """Return the length of each bar, 0 to WIDTH; 0 where there is no number."""
    most = max((one for one in numbers if one), default=0)
    return [max(BAR_MIN, round(WIDTH * one / most)) if one else 0 for one in numbers]
