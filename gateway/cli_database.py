"""Opens the gateway's database for a command line, and says a refusal as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from sqlalchemy import Engine

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.errors import CarryoverError
from gateway.settings import MqttSettings


@contextmanager
def opened() -> Iterator[tuple[Engine, MqttSettings]]:
    """Yield the database, with the present schema, and the settings that name it.

    Raises:
        typer.Exit: with 1, where something was refused or a file cannot be read; it is said.
    """
    settings = MqttSettings()
    engine = make_engine(settings.effective_database_url)
    try:
        upgrade(engine, all_tables=False)
        yield engine, settings
    except CarryoverError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        engine.dispose()
