"""Each promise in docs/security.md is held by a test that is there, and can be asked for by it."""

import ast
import subprocess
import sys

from tests.contracts.asvs import levels
from tests.contracts.requirements import (
    ROOT,
    by_test,
    named_in,
    numbers_in,
    owned_up,
    rows,
    shown,
)

THIRD = 3  # a level that nobody here claims; some of its requirements are met all the same


def test_every_requirement_is_held_by_a_test_that_is_there() -> None:
    """A row names a test, and the test has not been renamed or lost."""
    assert rows()
    assert [row for row in rows() if not named_in(row)] == []
    missing = []
    for path, name in (one.split("::") for row in rows() for one in named_in(row)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if name not in names:
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_number_selects_a_test() -> None:
    """Of a span all of it, and none that ASVS 5.0.0 does not have."""
    assert numbers_in("seen (9.1.1 to 9.1.3), (2.1.1)") == ["9.1.1", "9.1.2", "9.1.3", "2.1.1"]
    called = {name for names in by_test().values() for name in names}
    for row in rows():
        for number in numbers_in(row.split("|")[1]):
            assert f"asvs-{number}" in called, row
    assert {"asvs-3.4.4", "asvs-9.1.2"} <= called, "the middle of a span"
    assert (shown() | owned_up()) - levels().keys() == set(), "no such requirement"


def test_no_requirement_of_level_2_is_passed_over() -> None:
    """Each is shown by a test, or said to be unmet, not shown, or not to apply."""
    wanted = {number for number, level in levels().items() if level < THIRD}
    assert len(wanted) == 253, "70 of level 1 and 183 of level 2"
    assert sorted(wanted - shown() - owned_up(), key=_in_order) == []


def _in_order(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


def test_a_requirement_calls_its_tests() -> None:
    """``pytest -k asvs-12.1.3`` runs those that the table names for it, and no other."""
    wanted = {test for test, names in by_test().items() if "asvs-12.1.3" in names}
    assert wanted
    files = sorted({test.partition("::")[0] for test in wanted})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-k", "asvs-12.1.3", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=90)
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert collected == wanted
