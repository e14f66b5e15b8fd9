"""Command line: who works at a location. A PIN is printed once and kept as a hash."""

from typing import Annotated

import typer
from sqlmodel import Session

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import UnknownStaff
from cart.kernel.ids import RandomIds
from cart.picking import second, staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission, grant, holds, take_back
from cart.picking.roles import Role
from inventory_api.places import Places
from inventory_api.terminal import opened_database

app = typer.Typer(help="Who picks and hands over at a location.", no_args_is_help=True)
Location = Annotated[str, typer.Option(help="Location id.")]
Number = Annotated[str, typer.Option(help="Staff number: what she types to sign in.")]


@app.command("add")
def add(
    location: Location,
    number: Number,
    name: Annotated[str, typer.Option(help="As colleagues call her.")],
    *,
    role: Annotated[
        Role | None, typer.Option(help="What she does; see docs/operations.md.")
    ] = None,
    lead: Annotated[bool, typer.Option("--lead", help="The same as --role lead.")] = False,
    operator: Annotated[
        bool, typer.Option("--operator", help="May see the devices and send dead letters again.")
    ] = False,
) -> None:
    """Take somebody on and print her PIN. It is shown this once."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            Places().facts(db, location)
            new, pin = staff.add(
                db,
                SystemClock(),
                RandomIds(),
                location_id=location,
                number=number,
                name=name,
                role=role or (Role.LEAD if lead else Role.ASSOCIATE),
            )
            if operator:
                grant(db, SystemClock(), staff_id=new.id, permission=Permission.OPERATOR)
                note_at_terminal(db, Action.STAFF_GRANT, On("staff", new.id))
            note_at_terminal(db, Action.STAFF_ADD, On("staff", new.id))
        typer.echo(f"{new.number}  {new.name}  PIN {pin}")


@app.command("list")
def everybody(location: Location) -> None:
    """Show who can sign in at a location."""
    with opened_database() as (engine, _), reading(engine) as db:
        Places().facts(db, location)
        for one in staff.everybody(db, location):
            operator = ", operator" if holds(db, one.id, Permission.OPERATOR) else ""
            factor = ", second factor" if second.has(db, one.id).since else ""
            typer.echo(f"{one.number:<12}  {one.role.value:<9}  {one.name}{operator}{factor}")


@app.command("operator")
def operator_(
    location: Location,
    number: Number,
    *,
    off: Annotated[bool, typer.Option("--off", help="Take it back.")] = False,
) -> None:
    """Let somebody of the staff see the devices and send dead letters again, or no longer."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            found = _known(db, location, number)
            if off:
                take_back(db, staff_id=found.id, permission=Permission.OPERATOR)
                note_at_terminal(db, Action.STAFF_TAKE_BACK, On("staff", found.id))
            else:
                grant(db, SystemClock(), staff_id=found.id, permission=Permission.OPERATOR)
                note_at_terminal(db, Action.STAFF_GRANT, On("staff", found.id))
        typer.echo(f"{found.number}  {found.name}  {'no operator' if off else 'operator'}")


@app.command("deactivate")
def deactivate(location: Location, number: Number) -> None:
    """Let somebody sign in no longer, from now on and everywhere. Her name stays in histories."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            found = _known(db, location, number)
            staff.deactivate(db, SystemClock(), staff_id=found.id)
            note_at_terminal(db, Action.STAFF_DEACTIVATE, On("staff", found.id))
        typer.echo(f"{found.number}  {found.name}  signs in no longer")


@app.command("new-pin")
def new_pin(location: Location, number: Number) -> None:
    """Print a new PIN. Whoever is signed in with the old one is signed out."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            found = _known(db, location, number)
            pin = staff.new_pin(db, SystemClock(), RandomIds(), staff_id=found.id)
            note_at_terminal(db, Action.STAFF_NEW_PIN, On("staff", found.id))
        typer.echo(f"{found.number}  {found.name}  PIN {pin}")


@app.command("role")
def role_(location: Location, number: Number, role: Annotated[Role, typer.Argument()]) -> None:
    """Give somebody another role. She is signed out, and signs in anew."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            found = _known(db, location, number)
            staff.set_role(db, SystemClock(), staff_id=found.id, role=role)
            note_at_terminal(db, Action.STAFF_ROLE, On("staff", found.id))
        typer.echo(f"{found.number}  {found.name}  {role.value}")


@app.command("reset-second")
def reset_second(location: Location, number: Number) -> None:
    """Take a second factor away: the phone is lost. She sets up another if her role needs it."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            found = _known(db, location, number)
            had = second.reset(db, SystemClock(), staff_id=found.id)
            note_at_terminal(db, Action.SECOND_RESET, On("staff", found.id))
        came_to = "has no second factor any more" if had else "had no second factor"
        typer.echo(
            f"{found.number}  {found.name}  {came_to};"
            " sets up another when she signs in next, if her role needs one"
        )


def _known(db: Session, location: str, number: str) -> Staff:
    for one in staff.everybody(db, location):
        if one.number == number:
            return one
    msg = f"nobody active at {location} has the number {number}"
    raise UnknownStaff(msg)
