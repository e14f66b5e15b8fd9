"""The database of a command line: with the present schema, and errors in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from sqlalchemy import Engine

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.errors import CarryoverError
from cart.settings import DatabaseSettings

UNUSABLE: Final = 2  # how a command ends that could not do its work


@contextmanager
def opened_database() -> Iterator[tuple[Engine, DatabaseSettings]]:
    """Yield an engine with the present schema; a refusal ends the command in one sentence."""
    settings = DatabaseSettings()
    engine = make_engine(settings.effective_database_url)
    try:
        upgrade(engine, all_tables=False)
        yield engine, settings
    except CarryoverError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(UNUSABLE) from error
    finally:
        engine.dispose()
