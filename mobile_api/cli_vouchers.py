"""Command line: gift cards and vouchers."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.kernel.money import Money
from cart.orders import vouchers
from inventory_api.terminal import opened_database

app = typer.Typer(help="Gift cards and vouchers.", no_args_is_help=True)
UTC = ZoneInfo("UTC")


@app.command("issue")
def issue(
    amount: Annotated[str, typer.Option(help="What it is worth, as 25.00.")],
    currency: Annotated[str, typer.Option(help="Currency, as EUR.")] = "EUR",
    expires: Annotated[
        datetime | None, typer.Option(help="First moment at which it is good no longer, UTC.")
    ] = None,
) -> None:
    """Issue a voucher and print its code. It is shown this once; only its hash is kept."""
    with opened_database() as (engine, _):
        worth = Money.parse(amount, currency)
        with unit_of_work(engine) as db:
            code = vouchers.issue(
                db,
                SystemClock(),
                RandomIds(),
                amount_minor=worth.minor,
                currency=currency,
                expires_at=expires.replace(tzinfo=UTC) if expires else None,
            )
            note_at_terminal(db, Action.VOUCHER_ISSUE, On("voucher", vouchers.find(db, code).id))
        typer.echo(code)


@app.command("show")
def show(code: Annotated[str, typer.Argument(help="Its code, with or without dashes.")]) -> None:
    """Show what is left on a voucher."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        found = vouchers.find(db, code)
        note_at_terminal(db, Action.VOUCHER_SEE, On("voucher", found.id))
        left, issued = (
            Money(minor, found.currency) for minor in (found.balance_minor, found.issued_minor)
        )
        until = (
            "for ever" if found.expires_at is None else f"until {found.expires_at:%Y-%m-%d %H:%M}"
        )
        typer.echo(
            f"{found.id}  …{found.ending}  {left.amount} of {issued.amount} {found.currency}"
            f"  good {until}"
        )
