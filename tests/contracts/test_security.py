"""Each promise in docs/security.md is held by a test that is there, and can be asked for by it."""

import ast
import subprocess
import sys

from tests.contracts.requirements import ROOT, by_test, named_in, rows


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


def test_a_requirement_calls_its_tests() -> None:
    """``pytest -k asvs-12.1.3`` runs those that the table names for it, and no other."""
    wanted = {test for test, names in by_test().items() if "asvs-12.1.3" in names}
    assert wanted
    files = sorted({test.partition("::")[0] for test in wanted})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-k", "asvs-12.1.3", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=90)
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert collected == wanted
