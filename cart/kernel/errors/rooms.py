"""Refusals around fitting rooms."""

from cart.kernel.errors.roots import Conflict, LimitExceeded, NotFound


class UnknownSizeRequest(NotFound):
    """No size request of this location has this id."""

    code = "unknown_size_request"


class SizeRequestTaken(Conflict):
    """A colleague looks for it already."""

    code = "size_request_taken"


class SizeRequestOver(Conflict):
    """It was answered, called off, or came to nothing; or that step does not come next."""

    code = "size_request_over"


class TooManySizeRequests(LimitExceeded):
    """So much is on its way to one fitting room already."""

    code = "too_many_size_requests"


class TooMuchTried(LimitExceeded):
    """More things in a fitting room than anybody brings in."""

    code = "too_much_tried"
