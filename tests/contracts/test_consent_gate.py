"""Consent is asked for at one gate: nobody else reads or writes the ledger's tables."""

import ast
from pathlib import Path
from typing import Final

from tests.contracts.sources import trees

OWN: Final = Path("cart/profile/consent")
TABLES: Final = "cart.profile.consent.tables"


def imported(tree: ast.Module) -> set[str]:
    """Return what a module takes from the ledger's tables."""
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == TABLES
        for alias in node.names
    } | {
        "tables"
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == TABLES.rpartition(".")[0]
            and any(alias.name == "tables" for alias in node.names)
        )
        or (isinstance(node, ast.Import) and any(alias.name == TABLES for alias in node.names))
    }


def test_only_the_ledger_knows_its_tables() -> None:
    """A query of somebody's own would know neither what joined nor the wording's extent."""
    around = {
        path: taken
        for path, tree in trees()
        if not Path(path).is_relative_to(OWN) and (taken := imported(tree))
    }
    assert around == {}


def test_a_way_around_is_found() -> None:
    """Each way to import them is one that the test above sees."""
    for way in (
        f"from {TABLES} import ConsentRow",
        "from cart.profile.consent import tables",
        f"import {TABLES}",
    ):
        assert imported(ast.parse(way)), way
    assert imported(ast.parse("from cart.profile.consent import gate")) == set()
