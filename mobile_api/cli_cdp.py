"""Command line: how far a CDP was told, and telling it again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput
from cart.profile.timeline import queries
from inventory_api.terminal import opened_database

app = typer.Typer(help="What a CDP is told of the timeline.", no_args_is_help=True)
MARK = "cdp"


@app.command("show")
def show() -> None:
    """Print how far the CDP was told, and how far the timeline is."""
    with opened_database() as (engine, _), reading(engine) as db:
        told = queries.mark(db, MARK).position
        typer.echo(f"told up to {told} of {queries.mark(db, queries.LAST).position}")


@app.command("replay")
def replay(
    begin: Annotated[
        str,
        typer.Option(
            "--from", help="A position, or a day as 2026-03-02: the first thing that happened then."
        ),
    ],
) -> None:
    """Let the running API tell everything from there again; a CDP counts by id what it has."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        if begin.isdecimal():
            position = int(begin)
        else:
            try:
                day = datetime.strptime(begin, "%Y-%m-%d").replace(tzinfo=UTC)
            except ValueError as error:
                msg = f"{begin!r} is neither a position nor a day as 2026-03-02"
                raise InvalidInput(msg) from error
            position = queries.first_since(db, day)
        from mobile_api.timeline.cdp import replay as begin_again  # noqa: PLC0415 - it loads httpx2

        begin_again(db, max(0, position - 1))
        note_at_terminal(db, Action.CDP_REPLAY, On("position", str(position)))
    typer.echo(f"telling again from {position}")
