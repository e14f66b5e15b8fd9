"""Rules of the house that no linter on the market knows."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from tests.contracts.sources import PACKAGES, ROOT, SERVER

FOLDERS = (*PACKAGES, "migrations", "tests")
VAGUE = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
LINES_MAX = 400  # what can be read in one sitting; most have a quarter of it
TEST_LINES_MAX = 500  # a list of cases is read one by one
COMMITS = re.compile(r"(?<!\bsaved)\.commit\(")  # a savepoint's keeps nothing by itself
COMMITS_IN = {Path("cart/db/unit_of_work.py")}

# A word of another trade or another system, and ours. GLOSSARY.md says why. Whole
# parts of identifiers are compared, so `restore` and `itemgetter` are none of these. Only in
# the server: a reader of codes knows EAN and UPC as ways to print them, a drawing has shadows.
SYNONYMS = {
    "ean": "gtin",
    "upc": "gtin",
    "shadow": "twin",
    "pairing": "binding",
    "blacklist": "suppression or deny list",
    "whitelist": "allow-list",
    "stocklevel": "on_hand",
    "fulfilment": "fulfillment",  # codespell:ignore
    "enrollment": "enrolment",
}
ALLOWED_NAMES = {"from_upc_e", "UPC_E_LENGTHS"}  # how a small pack's code is printed
STORE_NAMES = re.compile(r"stores|store_(id|ids|name|code)")  # a shop is a location


@lru_cache(maxsize=1)
def _modules() -> list[Path]:
    return sorted(
        path.relative_to(ROOT)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )


@lru_cache(maxsize=512)
def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def _identifiers(tree: ast.Module) -> set[str]:
    """Return the names that a module itself gives: classes, functions, arguments, variables."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module called utils collects what nobody could name."""
    assert [path for path in _modules() if VAGUE & {path.stem, *path.parts}] == []


def test_every_module_says_what_it_owns() -> None:
    """Its docstring is the first thing a reader sees."""
    assert [path for path in _modules() if not ast.get_docstring(_tree(path))] == []


def test_every_module_can_be_read_in_one_sitting() -> None:
    """Revisions are written by a program and are as long as the schema."""
    long = [
        path
        for path in _modules()
        if path.parts[:2] != ("migrations", "versions")
        and len((ROOT / path).read_text(encoding="utf-8").splitlines())
        > (TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX)
    ]
    assert long == []


def test_nothing_is_mocked() -> None:
    """Ports have fakes written by hand; a patched name proves only that it was patched."""
    mocking = [
        path
        for path in _modules()
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest"))
        or (isinstance(node, ast.Import) and any(n.name.startswith("unittest") for n in node.names))
    ]
    assert mocking == []


def test_the_database_is_committed_to_in_one_place() -> None:
    """Who writes does so inside ``unit_of_work``; a half-done change cannot be kept."""
    committing = [
        path
        for path in _modules()
        if path.parts[0] in PACKAGES
        and path.parts[0] not in {"store_devices", "firmware_sim"}  # a device has its own files
        and path not in COMMITS_IN
        and COMMITS.search((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert committing == []


@pytest.mark.parametrize("package", SERVER)
def test_one_word_for_one_thing(package: str) -> None:
    """The words that GLOSSARY.md tells not to use name nothing in the code."""
    strange = [
        f"{path}: {name} (say {SYNONYMS.get(part, 'location')})"
        for path in _modules()
        if path.parts[0] == package
        for name in _identifiers(_tree(path))
        if name not in ALLOWED_NAMES
        for part in {*re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().split("_")}
        if part in SYNONYMS or STORE_NAMES.fullmatch(name.lower())
    ]
    assert strange == []


def test_the_glossary_has_the_words_that_are_kept() -> None:
    """Each refused word stands in GLOSSARY.md, beside ours."""
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").lower()
    assert [word for word in SYNONYMS if word not in glossary.replace(" ", "")] == []


def test_every_decision_names_a_test_that_is_there() -> None:
    """A decision that nothing keeps true is a memory."""
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert len(decisions) >= 6
    for decision in decisions:
        text = decision.read_text(encoding="utf-8")
        named = re.findall(r"`(tests/[\w/]+\.py)`", text)
        assert named, decision.name
        assert [path for path in named if not (ROOT / path).exists()] == [], decision.name
