"""Each complaint in docs/known-failures.md is held by a test that is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "known-failures.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_complaint_is_held_by_a_test_that_is_there() -> None:
    """A row names a test or a figure, and the test has not been renamed or lost."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    complaints = rows[1:]
    assert len(complaints) == 13
    assert [row for row in complaints if not NAMED.search(row) and "benchmarks.md" not in row] == []
    missing = []
    for path, name in NAMED.findall("\n".join(complaints)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if name not in names:
            missing.append(f"{path}::{name}")
    assert missing == []
