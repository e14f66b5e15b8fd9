"""The tables of docs/security.md: which test shows which requirement of OWASP ASVS 5.0."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "security.md"
_TABLE: Final = re.compile(r"^\| requirement .*\n\|(?:-+\|)+\n((?:\|.*\n)+)", re.MULTILINE)
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
_NUMBER: Final = re.compile(r"\d+\.\d+\.\d+")
_SPAN: Final = re.compile(r"(\d+\.\d+)\.(\d+) to \1\.(\d+)")
_UNMET: Final = re.compile(r"^## Level 2: [^\n]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^## .*\((\d[^)]*)\)$", re.MULTILINE)


def rows() -> list[str]:
    """Return every row that says how a requirement is met."""
    tables = _TABLE.findall(PAGE.read_text(encoding="utf-8"))
    return [row for table in tables for row in table.splitlines()]


def numbers_in(words: str) -> list[str]:
    """Return the numbers of requirements in a text; of ``9.1.1 to 9.1.3`` all three."""

    def whole(span: re.Match[str]) -> str:
        section, first, last = span[1], int(span[2]), int(span[3])
        return " ".join(f"{section}.{number}" for number in range(first, last + 1))

    return _NUMBER.findall(_SPAN.sub(whole, words))


def shown() -> set[str]:
    """Return the requirements that a row shows by a test, or the page itself is."""
    headings = _HEADING.findall(PAGE.read_text(encoding="utf-8"))
    told = [row.split("|")[1] for row in rows()] + headings
    return {number for words in told for number in numbers_in(words)}


def owned_up() -> set[str]:
    """Return the requirements that the page says are not met, not shown, or do not apply."""
    found = _UNMET.findall(PAGE.read_text(encoding="utf-8"))
    return {number for words in found for number in numbers_in(words)}


def named_in(row: str) -> list[str]:
    """Return the tests that a row names, as ``path::name``."""
    return _TEST.findall(row)


def by_test() -> dict[str, set[str]]:
    """Return each test's names after requirements: ``asvs-12.1.3`` for ``pytest -k``."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows():
        numbers = numbers_in(row.split("|")[1])
        for test in named_in(row):
            found[test] |= {f"asvs-{number}" for number in numbers}
    return found
