"""``gateway floor …``: where the zones of a location are, and where receivers hang.

Prints; decides nothing. Every refusal is one sentence on stderr and exit code 1.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from gateway.cli_database import opened
from gateway.floor import queries
from gateway.floor.model import read_plan
from gateway.floor.service import draw

app = typer.Typer(no_args_is_help=True, help="The floor on which bands are followed.")

Location = Annotated[str, typer.Option(help="Whose floor, e.g. harbour-street.")]


@app.command("load")
def load(
    plan: Annotated[Path, typer.Argument(help="A TOML file; docs/wristband.md shows one.")],
    *,
    location: Location,
) -> None:
    """Put the plan in the file in the place of the one before."""
    with opened() as (engine, _):
        wanted = read_plan(plan.read_bytes())
        with unit_of_work(engine) as db:
            draw(db, location, wanted)
            note_at_terminal(db, Action.FLOOR_DRAW, On("location", location))
    typer.echo(f"{location}: {len(wanted.zone)} zones, {len(wanted.receiver)} receivers")


@app.command("show")
def show(
    *,
    location: Location,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the plan as it is kept."""
    with opened() as (engine, _), reading(engine) as db:
        plan = queries.plan_of(db, location)
    areas = {
        zone: [[one.left, one.top, one.right, one.bottom] for one in some]
        for zone, some in plan.zones.items()
    }
    if as_json:
        typer.echo(json.dumps({"zones": areas, "receivers": dict(plan.receivers)}))
        return
    for zone, some in areas.items():
        typer.echo(f"{zone:<24} {'  '.join(map(str, some))}")
    for device, at in plan.receivers.items():
        typer.echo(f"{device:<24} at {at[0]}, {at[1]}")
    if not areas:
        typer.echo(f"nothing is drawn of {location}")
