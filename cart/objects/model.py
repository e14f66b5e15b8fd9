"""The port to objects: named bytes that are there whole or not at all. No I/O here."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cart.kernel.errors import InvalidInput

# Two levels at most in what we keep; no dot, so that no name leads out of a folder.
_NAME: Final = re.compile(r"[a-z0-9_-]{1,100}(/[a-z0-9_-]{1,100}){0,3}")


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a list. ``changed_at``: aware UTC, by the clock of what keeps it."""

    name: str
    size_bytes: int
    changed_at: datetime


class Objects(Protocol):
    """What keeps objects. Calls block; whoever serves calls them in a thread.

    All raise StorageFull or Unavailable where what keeps them fails.
    """

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep an object, over the one before; until this returns nobody sees any of it."""
        ...

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset`` on, fewer at the object's end.

        Raises:
            ObjectGone: there is none of this name.
        """
        ...

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield what is kept under ``prefix/``, by name."""
        ...

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is deleted."""
        ...

    def tidy(self, before: datetime) -> int:
        """Delete what was begun before then and never became an object; return how many."""
        ...


def checked(name: str) -> str:
    """Return a name that can be one.

    Raises:
        InvalidInput: it cannot.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name[:200]!r} is no name of an object"
        raise InvalidInput(msg)
    return name
