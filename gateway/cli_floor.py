"""``gateway floor …``: where the zones of a location are, and where receivers hang.

Prints; decides nothing. Every refusal is one sentence on stderr and exit code 1.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.errors import CarryoverError
from gateway.floor import queries
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.settings import MqttSettings

app = typer.Typer(no_args_is_help=True, help="The floor on which bands are followed.")

Location = Annotated[str, typer.Option(help="Whose floor, e.g. harbour-street.")]


@app.command("load")
def load(
    plan: Annotated[Path, typer.Argument(help="A TOML file; docs/wristband.md shows one.")],
    *,
    location: Location,
) -> None:
    """Put the plan in the file in the place of the one before."""
    engine = make_engine(MqttSettings().effective_database_url)
    try:
        upgrade(engine)
        wanted = read_plan(plan.read_bytes())
        with unit_of_work(engine) as db:
            draw(db, location, wanted)
            note_at_terminal(db, Action.FLOOR_DRAW, On("location", location))
    except (CarryoverError, OSError) as error:
        typer.echo(error.message if isinstance(error, CarryoverError) else str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        engine.dispose()
    typer.echo(f"{location}: {len(wanted.zone)} zones, {len(wanted.receiver)} receivers")


@app.command("show")
def show(
    *,
    location: Location,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the plan as it is kept."""
    engine = make_engine(MqttSettings().effective_database_url)
    with reading(engine) as db:
        plan = queries.plan_of(db, location)
    engine.dispose()
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
