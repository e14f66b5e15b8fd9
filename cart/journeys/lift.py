"""What a journey brings: treated people against those who were held out. Pure.

Both groups were drawn by chance at the same moment, so what differs is the journey. Everybody
who entered counts, whether a message reached her or not: leaving out whom a guard stopped would
compare different people.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z_95: Final = 1.959963984540054  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True, slots=True)
class Group:
    """People, how many of them bought, and the sums of what each spent, in minor units."""

    people: int = 0
    buyers: int = 0
    spent_minor: int = 0
    spent_squares: int = 0

    @property
    def rate(self) -> float:
        """Which share bought, 0 to 1; 0 for nobody."""
        return self.buyers / self.people if self.people else 0.0

    @property
    def mean_minor(self) -> float:
        """What a person spent on average, in minor units."""
        return self.spent_minor / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """The sample's variance of what a person spent; 0 for fewer than two."""
        if self.people < 2:  # noqa: PLR2004 - one person has no variance
            return 0.0
        squares = self.spent_squares - self.spent_minor * self.spent_minor / self.people
        return max(squares, 0.0) / (self.people - 1)


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference, treated less held out, and where it lies with 95 %."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Say whether zero is outside."""
        return self.low > 0 or self.high < 0


def wilson(successes: int, number: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927), 209-212. It is right also for few people and for shares near 0.
    """
    if number == 0:
        return 0.0, 1.0
    share, square = successes / number, Z_95 * Z_95
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = (
        Z_95
        * sqrt(share * (1 - share) / number + square / (4 * number * number))
        / (1 + square / number)
    )
    return max(middle - half, 0.0), min(middle + half, 1.0)


def purchase_lift(treated: Group, held_out: Group) -> Interval | None:
    """Return the difference of the shares that bought; None where a group is empty.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), 873-890: method 10, from two Wilson intervals.
    """
    if not treated.people or not held_out.people:
        return None
    value = treated.rate - held_out.rate
    low_1, high_1 = wilson(treated.buyers, treated.people)
    low_2, high_2 = wilson(held_out.buyers, held_out.people)
    below = sqrt((treated.rate - low_1) ** 2 + (high_2 - held_out.rate) ** 2)
    above = sqrt((high_1 - treated.rate) ** 2 + (held_out.rate - low_2) ** 2)
    return Interval(value, value - below, value + above)


def revenue_lift(treated: Group, held_out: Group) -> Interval | None:
    """Return the difference of what a person spent, in minor units; None with fewer than two.

    B. L. Welch, "The significance of the difference between two means when the population
    variances are unequal", Biometrika 29 (1938), 350-362, with the normal quantile: it is meant
    for hundreds of people, and says too little width for a dozen.
    """
    if min(treated.people, held_out.people) < 2:  # noqa: PLR2004 - one person has no variance
        return None
    value = treated.mean_minor - held_out.mean_minor
    spread = Z_95 * sqrt(treated.variance / treated.people + held_out.variance / held_out.people)
    return Interval(value, value - spread, value + spread)
