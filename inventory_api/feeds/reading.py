"""Files to rows: JSON Lines and CSV, read piece by piece, each row checked.

What is wrong with one row is a problem of that row; only a file that no row can
be read from is refused whole. Memory stays the same however long the file is.
"""

import codecs
import csv
import difflib
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Generic, NoReturn, TypeVar

from pydantic import ValidationError

from cart.kernel.errors import UnusableFeed
from inventory_api.feeds import columns
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import Row

R = TypeVar("R", bound=Row)
LINE_BYTES_MAX: Final = 262_144  # a variant with three long texts and twenty pictures is 50 kB
HEADER_BYTES_MAX: Final = 16_384
HASH_BLOCK_BYTES: Final = 1 << 20
PROBLEMS_PER_ROW_MAX: Final = 20
_DELIMITERS: Final = ",;\t"  # spreadsheets of half of Europe write semicolons
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_UTF8: Final = "is not UTF-8 text; save the file as UTF-8"

Item = tuple[int, R | list[Problem]]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()


class Reader(Generic[R]):
    """Reads one file of one kind. ``bytes_read`` of ``bytes_total`` says how far it is."""

    def __init__(self, path: Path, kind: Kind, model: type[R]) -> None:
        self._path = path
        self._kind = kind
        self._model = model
        self.bytes_read = 0
        self.bytes_total = path.stat().st_size

    def rows(self) -> Iterator[Item[R]]:
        """Yield line numbers, each with its row or with what is wrong with it.

        Raises:
            UnusableFeed: empty, in UTF-16, or (CSV) without a usable header.
        """
        with self._path.open("rb") as file:
            start = file.read(4)
            if start.startswith(_WIDE_MARKS):
                self._refuse("is UTF-16; save it as UTF-8")
            file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
            read = self._csv if self._path.suffix.lower() == ".csv" else self._json_lines
            empty = True
            for item in read(file):
                empty = False
                yield item
        if empty:
            self._refuse("has no rows")

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        msg = f"{self._path.name} {reason}"
        raise UnusableFeed(msg, file=self._path.name) from cause

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        line = 0
        while text := file.readline(LINE_BYTES_MAX + 1):
            line += 1
            self.bytes_read += len(text)
            yield line, text
            while len(text) > LINE_BYTES_MAX and not text.endswith(b"\n"):
                text = file.readline(LINE_BYTES_MAX + 1)
                self.bytes_read += len(text)

    def _json_lines(self, file: BinaryIO) -> Iterator[Item[R]]:
        validate = self._model.model_validate_json
        for line, text in self._lines(file):
            if not text.strip():
                continue
            if len(text) > LINE_BYTES_MAX:
                reason = f"the row is longer than {LINE_BYTES_MAX} bytes"
                yield line, [Problem(line, "", reason)]
            elif b"\\u0000" in text or b"\0" in text:
                yield line, [Problem(line, "", "the row has a NUL character in it")]
            else:
                try:
                    yield line, validate(text)
                except ValidationError as error:
                    yield line, _problems(line, error, None, text)

    def _csv(self, file: BinaryIO) -> Iterator[Item[R]]:
        header = file.readline(HEADER_BYTES_MAX)
        self.bytes_read += len(header)
        delimiter = max(_DELIMITERS, key=lambda mark: header.count(mark.encode()))
        try:
            heading = next(csv.reader([header.decode()], delimiter=delimiter), [])
        except UnicodeDecodeError as error:
            self._refuse(_NOT_UTF8, error)
        except csv.Error as error:  # a carriage return within a name
            self._refuse(f"has a header that is no CSV row: {error}", error)
        flat = self._flat([name.strip() for name in heading])
        text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        try:
            yield from self._csv_rows(text, delimiter, flat, len(heading))
        finally:
            text.detach()  # the file is closed by who opened it

    def _csv_rows(
        self, text: io.TextIOWrapper, delimiter: str, flat: columns.Flat, width: int
    ) -> Iterator[Item[R]]:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 2  # where the row begins; the header is line 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, [Problem(line, "", f"not a CSV row: {error}")]
                continue
            self.bytes_read += sum(map(len, cells)) + len(cells)
            if any(cells):
                yield line, self._cells(flat, line, cells, width)

    def _flat(self, heading: list[str]) -> columns.Flat:
        if not any(heading):
            self._refuse("is empty" if self.bytes_total == 0 else "has no header")
        found = [columns.column(self._kind, name) for name in heading]
        for name, column in zip(heading, found, strict=True):
            if column is None:
                close = difflib.get_close_matches(name, columns.known(self._kind), 1)
                hint = f"; is it {close[0]}?" if close else ""
                shown = name[:40]
                self._refuse(
                    f"has no header, or an unknown column in it: {shown!r} is none of"
                    f" a {self._kind} feed's columns{hint}"
                )
        missing = [name for name in columns.REQUIRED[self._kind] if name not in heading]
        if missing:
            self._refuse(f"lacks the column {', '.join(missing)}")
        if len(set(heading)) != len(heading):
            self._refuse("has a column twice")
        return columns.Flat([column for column in found if column])

    def _cells(
        self, flat: columns.Flat, line: int, cells: list[str], width: int
    ) -> R | list[Problem]:
        if len(cells) != width:
            return [Problem(line, "", f"the row has {len(cells)} cells, the header {width}")]
        for number, cell in enumerate(cells):
            if not cell.isascii() and any("\udc80" <= mark <= "\udcff" for mark in cell):
                return [Problem(line, flat.name(number), f"the row {_NOT_UTF8}")]
            if "\0" in cell:
                return [Problem(line, flat.name(number), "the row has a NUL character in it")]
        row, problems = flat.nested(line, cells)
        if problems:
            return problems
        try:
            return self._model.model_validate(row, strict=False)
        except ValidationError as error:
            return _problems(line, error, flat)


def _problems(
    line: int, error: ValidationError, flat: columns.Flat | None, text: bytes = b""
) -> list[Problem]:
    """Say in one sentence per value what is wrong with it."""
    problems = []
    for detail in error.errors(include_url=False)[:PROBLEMS_PER_ROW_MAX]:
        place = tuple(part for part in detail["loc"] if part != "[key]")
        column = flat.heading(place) if flat else ".".join(map(str, place))
        reason = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "json_invalid" and not _is_utf8(text):
            reason = f"the row {_NOT_UTF8}"
        elif isinstance(detail["input"], str | int | float) and detail["loc"]:
            reason += f" (it is {str(detail['input'])[:60]!r})"
        problems.append(Problem(line, column, reason))
    return problems


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
