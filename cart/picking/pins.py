"""PINs of staff: six digits that are made here, and what is kept of them. Pure.

The lock in ``tries`` makes guessing at the door hopeless.
"""

from typing import Final

from cart.kernel.ids import Ids, drawn_digits
from cart.kernel.pin_hash import SCRYPT_N, SCRYPT_P, SCRYPT_R, hashed, matches

__all__ = ["NOBODY", "PIN_DIGITS", "fresh", "hashed", "matches"]

PIN_DIGITS: Final = 6
# Compared when nobody has the number, so that the answer takes the same time. No PIN gives it.
NOBODY: Final = f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}$nobody${'0' * 64}"


def fresh(ids: Ids) -> str:
    """Return a new PIN."""
    return drawn_digits(ids, PIN_DIGITS)
