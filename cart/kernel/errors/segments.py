"""Refusals around segments and journeys."""

from cart.kernel.errors.roots import Conflict, NotFound


class UnknownSegment(NotFound):
    """No segment has this id."""

    code = "unknown_segment"


class SegmentEnded(Conflict):
    """A segment that is over takes no other rule and is not begun again."""

    code = "segment_ended"


class SegmentInUse(Conflict):
    """Journeys that are on ask for this segment; ``data`` says which."""

    code = "segment_in_use"


class JourneySaved(Conflict):
    """Somebody saved another version of a journey meanwhile."""

    code = "journey_saved"


class JourneyNameTaken(Conflict):
    """Another journey has this name."""

    code = "journey_name_taken"
