"""Command lines whose parts are loaded when one of them is asked for.

A command is mostly its loading: all the tables of a server took two seconds where its own take
half of one (measured), and a script that hires staff or enrols tablets runs many.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Load modules in it: a quarter of the time went into looking for garbage (measured)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def with_parts(parts: Mapping[str, str]) -> type[TyperGroup]:
    """Return the ``cls`` of a :class:`typer.Typer` that has ``parts`` beside its own commands.

    A part's name is what is typed; its value says where it is: ``package.module:name``, of a
    ``Typer`` or of a function that is one command. All are loaded for ``--help`` of the whole.
    """

    class WithParts(TyperGroup):
        # Typer has these methods take a Context that is private to it.
        def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
            own = [name for name in super().list_commands(ctx) if name not in parts]
            return [*own, *parts]

        def get_command(  # type: ignore[override]
            self, ctx: typer.Context, cmd_name: str
        ) -> TyperCommand | TyperGroup | None:
            if cmd_name not in self.commands:
                # Of a name that nothing has, the nearest is said: all are loaded to be compared.
                for name in [cmd_name] if cmd_name in parts else parts:
                    self.commands.setdefault(name, _loaded(name, parts[name]))
            found = super().get_command(ctx, cmd_name)
            return found if isinstance(found, TyperCommand | TyperGroup) else None

    return WithParts


def _loaded(name: str, where: str) -> TyperCommand | TyperGroup:
    module, _, attribute = where.partition(":")
    with collecting_nothing():
        found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    command = get_command(alone)
    assert isinstance(command, TyperCommand)  # noqa: S101 - for the type checker
    return command
