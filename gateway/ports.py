"""What the gateway asks of others about wristbands: whose one is, and where a reader stands.

Names nobody who answers; the process joins them.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a wristband now.

    ``greeting``: the name that she chose, empty without one. ``locale``: ``en``, ``he`` or ``pl``.
    ``follow``: whether she lets the shop follow where she is; a tap needs no such leave.
    ``loan_id``: this handing out of the band; the next one has another.
    """

    number: int
    session_id: str
    customer_id: str | None
    greeting: str
    locale: str
    follow: bool
    loan_id: str


@dataclass(frozen=True, slots=True)
class Whose:
    """A band that was shown to a reader.

    ``holder``: who has it; None: nobody has, or it is forged, too old, or no band of the shop.
    ``pressed``: its button was pressed since it was shown the last time.
    """

    holder: Holder | None
    pressed: bool


class Bands(Protocol):
    """Whoever knows the wristbands of the shop, and which reader stands where."""

    def whose(self, db: Session, frame: bytes) -> Whose:
        """Return who has the band of this frame (17 bytes) now.

        To be asked for every frame that is shown to a reader: presses count from the last one.
        """
        ...

    def stands_at(self, db: Session, receiver_id: str) -> str | None:
        """Return the id of the device at which this receiver reads, None when it is at none."""
        ...

    def desk_of(self, db: Session, receiver_id: str) -> tuple[str, str] | None:
        """Return location and name of the desk where this receiver reads, None when at none."""
        ...

    def gate_of(self, db: Session, receiver_id: str) -> str | None:
        """Return the location at whose door this receiver reads, None when at none."""
        ...

    def set_up(self, db: Session, *, location_id: str, command_id: str) -> int | None:
        """Take in the band that was set up by this command; its number, None: it was not."""
        ...
