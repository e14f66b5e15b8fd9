"""What every kind of feed has in common: how rows are judged and applied.

Judging happens once per row, in the order of the file, and may remember; applying
happens once per chunk inside a unit of work and may be repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sqlmodel import Session

from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import Row

R = TypeVar("R", bound=Row)
Lines = Sequence[tuple[int, R]]


@dataclass(slots=True)
class Applied:
    """What a chunk did: lines that changed something, and problems that the database showed."""

    changed: int = 0
    problems: list[Problem] = field(default_factory=list)


class Feed(Protocol[R]):
    """One reading of one file of one kind."""

    model: type[R]

    def judge(self, line: int, row: R) -> list[Problem]:
        """Say what is wrong with a row, beside the rows before it and the feed's folder."""
        ...

    def apply(self, db: Session, lines: Lines[R]) -> Applied:
        """Bring a chunk into the database; lines it names in its problems are left out."""
        ...


class Firsts:
    """Remembers on which line a name was first, to refuse it the second time."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._lines: dict[object, int] = {}

    def problem(self, line: int, name: object, shown: str) -> Problem | None:
        """Return what to say if the name was there before, and remember it if not."""
        first = self._lines.setdefault(name, line)
        if first == line:
            return None
        return Problem(line, self._column, f"{shown} is on line {first} already")
