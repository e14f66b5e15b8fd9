"""The branches of the tree of errors; the leaves are beside."""

from typing import ClassVar


class CarryoverError(Exception):
    """Base of the tree.

    ``message`` is one English sentence for logs and operators; people in the
    shop see the edge's own words, chosen by ``code``.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **data: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, str | int] = data


class InvalidInput(CarryoverError):
    """What came in is not what the contract says."""

    code = "invalid_input"


class NotFound(CarryoverError):
    """A well-formed name that nothing answers to."""

    code = "not_found"


class Refused(CarryoverError):
    """Understood, and not allowed."""

    code = "refused"


class Conflict(CarryoverError):
    """Allowed, but not in the present state."""

    code = "conflict"


class LimitExceeded(CarryoverError):
    """More than the stated limit."""

    code = "limit_exceeded"


class Unavailable(CarryoverError):
    """A part we need does not answer; trying again helps."""

    code = "unavailable"
