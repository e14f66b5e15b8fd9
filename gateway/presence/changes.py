"""That a band came, went elsewhere, or left. Of no weight: pages import it, too."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened to a band."""

    ARRIVED = "arrived"
    MOVED = "moved"
    DEPARTED = "departed"


@dataclass(frozen=True, slots=True)
class Change:
    """A band came, changed its zone, or went. ``before``: "" for one that came."""

    kind: Kind
    band: int
    zone: str
    before: str
    at_s: float
