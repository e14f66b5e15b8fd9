"""Command line: journeys, loaded from files, switched on and off, and tried over history."""

from pathlib import Path
from typing import Annotated

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.journeys import history, loading, numbers
from cart.journeys.history import SMALLEST_GROUP, coarse
from cart.journeys.model import SOURCE_LENGTH_MAX
from cart.journeys.ports import World
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput
from cart.ports import Shop
from inventory_api.catalogue.queries import sellables
from inventory_api.kinds import Kinds
from inventory_api.places import Places
from inventory_api.stock.promises import Promises
from inventory_api.terminal import opened_database
from mobile_api.settings import ApiSettings

app = typer.Typer(help="Journeys: planned reminders that stop.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The journey's name.")]


@app.command("load")
def load(file: Annotated[Path, typer.Argument(help="A journey in TOML.")]) -> None:
    """Keep a version of a journey; new runs begin with the newest one. A new journey is off."""
    if file.stat().st_size > SOURCE_LENGTH_MAX * 4:  # bytes of UTF-8
        msg = f"a journey has at most {SOURCE_LENGTH_MAX} characters"
        raise InvalidInput(msg)
    source = file.read_text(encoding="utf-8")
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        one = loading.load(db, SystemClock(), source)
        note_at_terminal(db, Action.JOURNEY_LOAD, On("journey", one.name))
        state = "on" if loading.find(db, one.name).active else "off"
    typer.echo(f"{one.name}  version {one.version}  {len(one.steps)} steps  {state}")


@app.command("list")
def listed() -> None:
    """List the journeys with their numbers."""
    with opened_database() as (engine, _), reading(engine) as db:
        for one in numbers.all_numbers(db):
            state = "on" if one.active else "off"
            typer.echo(
                f"{one.name}  version {one.version}  {state}  entered {one.entered}"
                f"  waiting {one.pending + one.running}  sent {one.sent}"
                f"  refused {sum(one.refused.values())}"
                f"  bought {one.treated.buyers} of {one.treated.people}"
                f"  held out {one.held_out.buyers} of {one.held_out.people}"
                f"  starts with {one.trigger.kind}  by {', '.join(one.channels) or 'nothing'}"
            )


@app.command("on")
def on(name: Name) -> None:
    """Switch a journey on."""
    _switch(name, active=True)


@app.command("off")
def off(name: Name) -> None:
    """Switch a journey off: nobody begins, and nothing is sent any more."""
    _switch(name, active=False)


def _switch(name: str, *, active: bool) -> None:
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        loading.switch(db, SystemClock(), name, active=active)
        action = Action.JOURNEY_ON if active else Action.JOURNEY_OFF
        note_at_terminal(db, action, On("journey", name))
    typer.echo(f"{name}  {'on' if active else 'off'}")


@app.command("dry-run")
def tried(
    name: Name,
    days: Annotated[int, typer.Option(help="So far back.", min=1, max=history.DAYS_MAX)] = 30,
) -> None:
    """Say who would have got what, in numbers; nothing is sent, nobody is named."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            loading.find(db, name)
            note_at_terminal(db, Action.JOURNEY_TRY, On("journey", name))
        with reading(engine) as db:
            one = loading.version_of(db, name, loading.find(db, name).version)
            shop = Shop(sellables, Promises(), Places())
            world = World(SystemClock(), ApiSettings().key(), shop, catalogue=Kinds())
            said = history.dry_run(db, world, one, days)
    if said.unknown:
        typer.echo(f"nobody kept how stock and prices were: {one.trigger.kind} cannot be tried")
        return
    typer.echo(f"triggered {_number(said.triggered)}  entered {_number(said.entered)}")
    for what, number in sorted(said.would.items()):
        typer.echo(f"message {what}  {_number(number)}")
    for why, number in sorted(said.ended.items()):
        typer.echo(f"run {why}  {_number(number)}")
    if said.cut:
        typer.echo("there was more: only part of it was looked at")


def _number(number: int) -> str:
    shown = coarse(number)
    return f"fewer than {SMALLEST_GROUP}" if shown is None else str(shown)
