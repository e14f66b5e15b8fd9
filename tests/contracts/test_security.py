"""Each promise in docs/security.md is held by a test that is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HEAD = re.compile(r"^\| requirement .*\n\|(?:-+\|)+\n((?:\|.*\n)+)", re.MULTILINE)


def test_every_requirement_is_held_by_a_test_that_is_there() -> None:
    """A row names a test, and the test has not been renamed or lost."""
    tables = HEAD.findall(PAGE.read_text(encoding="utf-8"))
    assert tables
    rows = [row for table in tables for row in table.splitlines()]
    assert [row for row in rows if not NAMED.search(row)] == []
    missing = []
    for path, name in NAMED.findall("\n".join(rows)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if name not in names:
            missing.append(f"{path}::{name}")
    assert missing == []
