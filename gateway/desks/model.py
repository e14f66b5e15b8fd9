"""Rules of taps at a desk. No database."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final

# She stands there with staff before her: longer than she needs to type a PIN, shorter than it
# takes the next one to come up.
TAP_LIVES: Final = timedelta(seconds=60)
# Two shoppers who have forgotten their PIN; a third one at one desk is somebody who guesses.
WRONG_PINS_MAX: Final = 10
WRONG_PINS_WITHIN: Final = timedelta(minutes=10)


class Standing(StrEnum):
    """What was held to a desk."""

    ONE = "one"  # one band, which somebody has
    SEVERAL = "several"  # nobody can say whose was meant
    NOBODY = "nobody"  # a band that nobody has now


def judge(loans: Collection[str], strangers: int, *, pressed: bool) -> Standing:
    """Say what a tap comes to.

    ``loans``: of all bands near that somebody has; ``strangers``: bands near that nobody has.
    ``pressed``: she pressed her band's button, so a stranger's band beside it does not matter.
    """
    if not loans:
        return Standing.NOBODY
    if len(loans) > 1 or (strangers and not pressed):
        return Standing.SEVERAL
    return Standing.ONE
