"""What the following of bands asks of whoever has them in a database."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlmodel import Session

from gateway.bands.model import Heard, OutBand
from gateway.notices import Notice
from gateway.presence.leaving import Veil, Watch
from gateway.presence.model import Worn
from gateway.presence.oddities import Odd


class Bands(Protocol):
    """Whoever knows which bands are worn, by whom, and takes back what was heard of them."""

    def worn(self, db: Session) -> Sequence[Worn]:
        """Return the bands that are out."""
        ...

    def watches(self, db: Session) -> set[Watch]:
        """Return whose wearer has which device, and the receiver there."""
        ...

    def lost(self, db: Session) -> Sequence[OutBand]:
        """Return the bands that were reported lost."""
        ...

    def odd(self, db: Session, found: Sequence[Odd]) -> Iterable[Notice]:
        """Keep what is odd about bands; return what changed by it."""
        ...

    def note(self, db: Session, heard: Sequence[Heard]) -> None:
        """Keep what was learned of bands."""
        ...

    def veiled(self, db: Session, veils: Sequence[Veil]) -> Iterable[Notice]:
        """Have what is hers hidden at her device, or shown again; return what changed."""
        ...

    def left(self, db: Session, gone: Sequence[Watch]) -> Iterable[Notice]:
        """End the visits of those who walked away from their device; return what changed."""
        ...

    def came(self, db: Session, location_ids: Sequence[str]) -> Iterable[Notice]:
        """Look who has come where she was called to; return what changed."""
        ...
