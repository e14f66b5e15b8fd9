"""A command loads its own part of the program, and all that the part's tables refer to."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from gateway.cli import PARTS as OF_GATEWAY
from gateway.cli import app as gateway
from mobile_api.cli import PARTS as OF_API
from mobile_api.cli import app as api

MODULES: Final = sorted(
    {where.partition(":")[0] for parts in (OF_GATEWAY, OF_API) for where in parts.values()}
)
# Also what a command imports only when it runs.
LOOK: Final = """
import ast, importlib, sys
from sqlmodel import SQLModel

module = importlib.import_module(sys.argv[1])
for node in ast.walk(ast.parse(open(module.__file__).read())):
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] != "typing":
        importlib.import_module(node.module)
tables = SQLModel.metadata.tables
named = {key.target_fullname for table in tables.values() for key in table.foreign_keys}
print(*sorted(name for name in named if name.partition(".")[0] not in tables))
"""


def said(*command: str) -> str:
    """Return what Python says that runs it by itself."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command in ``group``."""
    context = group.make_context("it", [], resilient_parsing=True)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        assert found.name == name
        if isinstance(found, TyperGroup):
            yield from commands(found, (*words, name))
        else:
            yield (*words, name)


@pytest.mark.parametrize("module", MODULES)
def test_what_a_commands_rows_refer_to_is_there(module: str) -> None:
    """By itself: no other command's imports help."""
    assert said("-c", LOOK, module).split() == []


@pytest.mark.parametrize("name", ["gateway.cli", "mobile_api.cli"])
def test_a_command_line_has_no_tables_before_a_command_is_known(name: str) -> None:
    """They are most of what loading takes."""
    look = f"import sys, {name}; print(*[n for n in sys.modules if n.endswith('.tables')])"
    assert said("-c", look).split() == []


def test_every_command_is_found_and_has_its_help() -> None:
    """By its name, with what it says of itself; also where all are listed."""
    for app, parts in ((gateway, OF_GATEWAY), (api, OF_API)):
        group = get_command(app)
        assert isinstance(group, TyperGroup)
        found = list(commands(group))
        assert {words[0] for words in found} == {*parts, *group.commands}
        assert any(len(words) > 1 for words in found)
        for words in found:
            shown = CliRunner().invoke(app, [*words, "--help"])
            assert shown.exit_code == 0, shown.output
            assert " ".join(words) in shown.output
        listed = CliRunner().invoke(app, ["--help"]).output
        assert all(name in listed for name in parts)


def test_a_command_that_is_not_there_is_said_so() -> None:
    """With the nearest, as for any other command line."""
    refused = CliRunner().invoke(gateway, ["device", "list"])
    assert refused.exit_code == 2
    assert "No such command 'device'" in refused.output
    assert "Did you mean 'devices'" in refused.output
