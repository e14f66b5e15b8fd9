"""The arithmetic of stock. Pure: knows no database and no time."""

from enum import StrEnum
from typing import Final

# Nobody has a million pieces of one thing in one shop; a larger number is a slip of the keyboard.
ON_HAND_MAX: Final = 1_000_000


class Reason(StrEnum):
    """Why pieces came or went."""

    RECEIVED = "received"  # a delivery was put on the shelf
    COUNTED = "counted"  # somebody counted, and the difference was booked
    SOLD = "sold"  # left with a shopper
    RETURNED = "returned"  # came back from a shopper
    DAMAGED = "damaged"  # cannot be sold any more
    MOVED = "moved"  # to or from another location
    CORRECTED = "corrected"  # the ledger was brought back to what is on hand
    RESERVED = "reserved"  # promised to a shopper until a time
    ALLOCATED = "allocated"  # promised to a paid order
    RELEASED = "released"  # a promise ended; the pieces are everybody's again
    PICKED = "picked"  # from the shelf to the desk: still on hand, the walk is on record
    UNPICKED = "unpicked"  # taken out of the bag again, back to the shelf


# They move promises, not pieces: nobody books them by hand.
PROMISES: Final = frozenset(
    {Reason.RESERVED, Reason.ALLOCATED, Reason.RELEASED, Reason.PICKED, Reason.UNPICKED}
)


def available(on_hand: int, safety_stock: int, reserved: int, allocated: int) -> int:
    """Return the available-to-promise pieces: what may still be promised to somebody.

    Never below 0, also when a sale at the till has taken pieces that were promised.
    A promise is guarded by this number; a movement by ``on_hand`` alone: a piece
    that left the shop has left it, whoever it was promised to.
    """
    return max(0, on_hand - safety_stock - reserved - allocated)
