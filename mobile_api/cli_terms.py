"""Command line: on what terms a location sells."""

from dataclasses import replace
from typing import Annotated, Any, Final

import typer
from sqlmodel import Session

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput
from cart.kernel.money import Money
from cart.orders import terms
from cart.orders.terms import Terms
from inventory_api.places import Places
from inventory_api.terminal import opened_database

NO_LIMIT: Final = 0
app = typer.Typer(help="On what terms a location sells.", no_args_is_help=True)
Location = Annotated[str, typer.Argument(help="Location id.")]


@app.command("show")
def show(location: Location) -> None:
    """Show a location's terms; the defaults where nobody has set any."""
    with opened_database() as (engine, _), reading(engine) as db:
        typer.echo("\n".join(_told(db, location)))


@app.command("set")
def put(  # noqa: PLR0913 - each is an option of its own
    location: Location,
    *,
    tax_bp: Annotated[
        int | None, typer.Option(help="Tax within prices, in basis points: 2300 is 23 %.")
    ] = None,
    tax_of: Annotated[
        list[str] | None,
        typer.Option(help="CATEGORY=BP taxes a category otherwise; CATEGORY= like the rest again."),
    ] = None,
    orders_per_quarter: Annotated[
        int | None, typer.Option(help="Orders promised per quarter hour; 0: no limit.", min=0)
    ] = None,
    lead_minutes: Annotated[
        int | None, typer.Option(help="The soonest that an order can be ready.")
    ] = None,
    reserve_minutes: Annotated[
        int | None, typer.Option(help="How long pieces are kept for who is paying.")
    ] = None,
    remind_hours: Annotated[
        int | None, typer.Option(help="When who has not come is reminded.")
    ] = None,
    uncollected_hours: Annotated[
        int | None, typer.Option(help="When an order goes back on the shelf and is refunded.")
    ] = None,
    ships: Annotated[bool | None, typer.Option(help="Whether it sends parcels.")] = None,
    shipping: Annotated[str | None, typer.Option(help="What a parcel costs, as 4.95.")] = None,
    currency: Annotated[str, typer.Option(help="Currency of --shipping.")] = "EUR",
    takes_orders: Annotated[
        bool | None, typer.Option(help="Whether it takes orders at all.")
    ] = None,
) -> None:
    """Set some of a location's terms; what is not named stays as it is."""
    given: dict[str, Any] = {
        "tax_rate_bp": tax_bp,
        "lead_minutes": lead_minutes,
        "reserve_minutes": reserve_minutes,
        "remind_hours": remind_hours,
        "uncollected_hours": uncollected_hours,
        "ships": ships,
        "takes_orders": takes_orders,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        if shipping is not None:
            changes["shipping_minor"] = Money.parse(shipping, currency).minor
        if orders_per_quarter is not None:
            changes["orders_per_quarter"] = orders_per_quarter or None
        Places().facts(db, location)
        terms.put(db, replace(terms.get(db, location), **changes))
        for one in tax_of or []:
            _put_tax(db, location, one)
        note_at_terminal(db, Action.TERMS_SET, On("location", location))
        typer.echo("\n".join(_told(db, location)))


def _put_tax(db: Session, location: str, given: str) -> None:
    category, equals, rate = given.rpartition("=")
    if not equals or not category or not (rate == "" or rate.isdecimal()):
        msg = f"{given!r} is not CATEGORY=BASIS_POINTS, such as books=800"
        raise InvalidInput(msg)
    terms.put_tax_rate(db, location, category, int(rate) if rate else None)


def _told(db: Session, location: str) -> list[str]:
    place = Places().facts(db, location)
    known: Terms = terms.get(db, location)
    limit = known.orders_per_quarter
    taxes = {"": known.tax_rate_bp} | terms.tax_exceptions(db, location)
    rates = [f"{name or 'usual'} {rate / 100:g} %" for name, rate in taxes.items()]
    return [
        f"{location}  {place.name}  {'takes orders' if known.takes_orders else 'takes no orders'}",
        f"tax                 {', '.join(rates)}",
        f"orders per quarter  {'no limit' if limit is None else limit}",
        f"soonest             {known.lead_minutes} minutes",
        f"reserved for        {known.reserve_minutes} minutes",
        f"reminded after      {known.remind_hours} hours",
        f"uncollected after   {known.uncollected_hours} hours",
        f"parcels             {_shipping(known)}",
    ]


def _shipping(known: Terms) -> str:
    return f"for {known.shipping_minor} minor units" if known.ships else "none"
