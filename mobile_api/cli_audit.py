"""Command line: who saw and did what, and whether anybody has changed what stands there."""

import json
from typing import Annotated, Final

import typer

from cart.audit import service
from cart.audit.model import FIELDS, Action, Head
from cart.db import reading
from cart.kernel.clock import from_us
from inventory_api.terminal import opened_database

app = typer.Typer(help="The audit log: who saw and did what.", no_args_is_help=True)
BROKEN: Final = 1


@app.command("verify")
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="NUMBER:HASH as this printed before and you kept: is it still in there?"),
    ] = None,
) -> None:
    """Examine every entry: intact through which, or the first that does not fit. Changes nothing.

    Ends with 1 if one does not fit.
    """
    with opened_database() as (engine, _):
        kept = None if head is None else Head.parse(head)
        with reading(engine) as db:
            found = service.verify(db, kept)
    if found.fault:
        typer.echo(f"{found.fault}; intact through {found.head.seq}, head {found.head}")
        raise typer.Exit(BROKEN)
    typer.echo(f"intact through {found.head.seq}, head {found.head}")


@app.command("show")
def show(
    *,
    staff: Annotated[str, typer.Option(help="Of this one only: a staff id, a user's name.")] = "",
    action: Annotated[Action | None, typer.Option(help="This only.")] = None,
    on: Annotated[str, typer.Option(help="What was done to this id only.")] = "",
    location: Annotated[str, typer.Option(help="By staff of this location only.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show entries, the newest first."""
    with opened_database() as (engine, _), reading(engine) as db:
        rows = service.newest(
            db,
            who_id=staff,
            action=action.value if action else "",
            on_id=on,
            location_id=location,
            limit=limit,
        )
    for row in rows:
        if as_json:
            typer.echo(json.dumps({name: getattr(row, name) for name in FIELDS}))
            continue
        moment = from_us(row.at_us).isoformat(sep=" ", timespec="seconds")
        typer.echo(
            f"{row.seq:>8}  {moment}  {row.who_kind:<8} {row.who_id or '-':<20} {row.role:<9}"
            f" {row.location_id:<16} {row.action:<18} {row.on_kind} {row.on_id or '-'}"
            f"  {row.outcome}"
        )
