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


def rows() -> list[str]:
    """Return every row that says how a requirement is met."""
    tables = _TABLE.findall(PAGE.read_text(encoding="utf-8"))
    return [row for table in tables for row in table.splitlines()]


def named_in(row: str) -> list[str]:
    """Return the tests that a row names, as ``path::name``."""
    return _TEST.findall(row)


def by_test() -> dict[str, set[str]]:
    """Return each test's names after requirements: ``asvs-12.1.3`` for ``pytest -k``."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows():
        numbers = _NUMBER.findall(row.split("|")[1])
        for test in named_in(row):
            found[test] |= {f"asvs-{number}" for number in numbers}
    return found
