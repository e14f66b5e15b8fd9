"""Rules of size requests; no database."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from gateway.wire import size_answer
from gateway.wire.size_answer import Differs

# Devices go by these as well, so they are part of the contract.
ANSWER_WITHIN: Final = size_answer.ANSWER_WITHIN
BRING_WITHIN: Final = size_answer.BRING_WITHIN
OPEN_MAX: Final = size_answer.OPEN_MAX
# The glass shows an answer at once, or when it is back from a short loss of the network.
SAID_FOR: Final = timedelta(minutes=5)
TRIED_MAX: Final = 40  # of one visit; more is a reader that hears the rails outside
KEPT: Final = timedelta(hours=12)  # of what is over: until the shop has closed
# From when on staff see that somebody waits long, and that she waits too long.
WARM_AFTER: Final = timedelta(minutes=2)
HOT_AFTER: Final = timedelta(minutes=4)


class SizeState(StrEnum):
    """What has become of a size request."""

    ASKED = "asked"
    TAKEN = "taken"  # somebody of the staff looks for it
    COMING = "coming"  # and is on her way
    BROUGHT = "brought"
    ALTERNATIVE = "alternative"  # another size or colour was offered instead
    NOT_HERE = "not_here"
    CANCELLED = "cancelled"  # by her, or by the end of her visit
    LAPSED = "lapsed"  # nobody answered, or came, in time


OPEN: Final = (SizeState.ASKED, SizeState.TAKEN, SizeState.COMING)
UNANSWERED: Final = (SizeState.ASKED, SizeState.TAKEN)
# What ends her waiting for a word; brought without one is one, too.
ANSWERS: Final = (SizeState.COMING, SizeState.ALTERNATIVE, SizeState.NOT_HERE, SizeState.BROUGHT)
# From which states staff may go where. Each is entered once, so a row's times are its history.
STEPS: Final = {
    SizeState.TAKEN: (SizeState.ASKED,),
    SizeState.COMING: UNANSWERED,
    SizeState.ALTERNATIVE: OPEN,
    SizeState.NOT_HERE: OPEN,
    SizeState.BROUGHT: (SizeState.TAKEN, SizeState.COMING),
}


def differs(wanted: tuple[str, str], other: tuple[str, str]) -> Differs:
    """Say in what another variant is other than the one that was wanted: (colour, size) each."""
    colour, size = wanted[0] != other[0], wanted[1] != other[1]
    if colour and size:
        return Differs.BOTH
    return Differs.COLOUR if colour else Differs.SIZE
