"""What the following of bands is told of them, and what it tells. No database."""

from dataclasses import dataclass
from datetime import datetime

from gateway.wire.band import BandKey


@dataclass(frozen=True, slots=True)
class Shown:
    """A band that was shown to a reader, and whether its button was pressed since the last time."""

    number: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class Worn:
    """A band that somebody wears.

    Its key and clock are those of its loan: they are set between two loans only. Its clock stood
    at ``clock_s``, give or take ``off_s``, at ``at``. ``follow``: its wearer agreed that the shop
    knows in which zone she is.
    """

    number: int
    loan_id: str
    key: BandKey
    clock_s: float
    off_s: float
    at: datetime
    follow: bool
