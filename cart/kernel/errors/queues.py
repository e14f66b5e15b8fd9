"""Refusals around queues in a shop."""

from cart.kernel.errors.roots import Conflict, LimitExceeded, NotFound


class UnknownServingPlace(NotFound):
    """Nobody is served in this part of this shop."""

    code = "unknown_serving_place"


class UnknownTurn(NotFound):
    """No turn of this location has this id."""

    code = "unknown_turn"


class TurnOver(Conflict):
    """She came, gave up, missed it, or was not called yet: it is another's turn."""

    code = "turn_over"


class QueueFull(LimitExceeded):
    """More wait than will be served before the shop closes."""

    code = "queue_full"
