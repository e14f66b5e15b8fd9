"""What became of a file: how many rows, and which were refused, where and why."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Final, Self

SHOWN_MAX: Final = 100  # problems on the terminal; the report file has all of them


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a row. ``refused`` false: it was taken, with the given remark."""

    line: int
    column: str
    reason: str
    refused: bool = True


@dataclass(slots=True)
class Outcome:
    """The numbers of one file. ``changed`` rows are among the ``taken`` ones."""

    file: str
    kind: str
    run_id: str
    rows: int = 0
    taken: int = 0
    changed: int = 0
    refused: int = 0
    seconds: float = 0.0
    shown: list[Problem] = field(default_factory=list)
    problems: int = 0
    report: Path | None = None


class Report:
    """Counts refused rows and writes every problem to a file, made with the first of them."""

    def __init__(self, outcome: Outcome, folder: Path) -> None:
        self._outcome = outcome
        stem = Path(outcome.file).stem
        self._path = folder / f"{stem}-{outcome.run_id}.refused.jsonl"
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, problems: list[Problem]) -> None:
        """Note the problems of one row; the row counts as refused if one of them says so."""
        if any(problem.refused for problem in problems):
            self._outcome.refused += 1
        for problem in problems:
            self._outcome.problems += 1
            if len(self._outcome.shown) < SHOWN_MAX:
                self._outcome.shown.append(problem)
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w", encoding="utf-8")
                self._outcome.report = self._path
            self._file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
