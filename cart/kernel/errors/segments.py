"""Refusals around segments."""

from cart.kernel.errors.roots import Conflict, NotFound


class UnknownSegment(NotFound):
    """No segment has this id."""

    code = "unknown_segment"


class SegmentEnded(Conflict):
    """A segment that is over takes no other rule and is not begun again."""

    code = "segment_ended"
