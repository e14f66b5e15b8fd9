"""PINs of staff: six digits that are made here, and what is kept of them. Pure.

The lock in ``tries`` makes guessing at the door hopeless.
"""

from typing import Final

from cart.kernel.ids import Ids, drawn_digits
from cart.kernel.pin_hash import WORK, Work, hashed, matches, renewed

__all__ = ["NOBODY", "PIN_DIGITS", "WORK", "Work", "fresh", "hashed", "matches", "renewed"]

PIN_DIGITS: Final = 6
# Compared when nobody has the number, so that the answer takes the same time. No PIN gives it.
NOBODY: Final = f"scrypt${WORK.n}${WORK.r}${WORK.p}$nobody${'0' * 64}"


def fresh(ids: Ids) -> str:
    """Return a new PIN."""
    return drawn_digits(ids, PIN_DIGITS)
