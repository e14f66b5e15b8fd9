"""Command line: what a person may ask about her data."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import col, select

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.email import normal_address
from cart.kernel.errors import InvalidInput, NotFound
from cart.kernel.i18n import LOCALES
from cart.kernel.ids import RandomIds
from cart.personal.tables import ErasureRow
from cart.profile.queries import customer_of
from inventory_api.terminal import opened_database
from mobile_api.settings import ApiSettings

app = typer.Typer(help="What a person may ask about her data.", no_args_is_help=True)
SHOWN_MAX = 1_000


@app.command("erase")
def erase(
    email: Annotated[str, typer.Option(help="An address that the customer has proved.")],
) -> None:
    """Erase a customer: she is signed out at once, the running API does the rest.

    Refused while an order of hers is open or a payment is under way. Make sure that it is
    she who asks: that she reads mails to this address, for example.
    """
    from mobile_api.rights.erasing import ask  # noqa: PLC0415 - it loads DBOS

    with opened_database() as (engine, _), unit_of_work(engine) as db:
        customer_id = customer_of(db, normal_address(email))
        if customer_id is None:
            msg = "no customer has proved this address"
            raise NotFound(msg)
        erasure_id, _notices = ask(
            db,
            SystemClock(),
            RandomIds(),
            ApiSettings().key(),
            customer_id=customer_id,
            asked_by="terminal",
        )
        note_at_terminal(db, Action.ERASURE_ASK, On("erasure", erasure_id))
    typer.echo(erasure_id)


@app.command("export")
def export_all(
    email: Annotated[str, typer.Option(help="An address that the customer has proved.")],
    to: Annotated[Path, typer.Option(help="The ZIP file to be written; it must not exist.")],
    language: Annotated[str, typer.Option(help="Of the page in it: en, he or pl.")] = "en",
) -> None:
    """Write everything about a customer into a ZIP file, readable by its owner alone.

    Make sure that it is she who asks, and that nobody else gets the file.
    """
    from mobile_api.rights.exporting import export  # noqa: PLC0415 - it loads the templates

    if language not in LOCALES:
        msg = f"--language is one of {', '.join(LOCALES)}"
        raise InvalidInput(msg)
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            customer_id = customer_of(db, normal_address(email))
            if customer_id is None:
                msg = "no customer has proved this address"
                raise NotFound(msg)
            note_at_terminal(db, Action.EXPORT, On("customer", customer_id))
        try:
            descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            msg = f"{to} cannot be written: {error.strerror}"
            raise InvalidInput(msg) from error
        with os.fdopen(descriptor, "wb") as file:
            made = export(engine, SystemClock(), customer_id=customer_id, locale=language)
            with made:
                shutil.copyfileobj(made, file)
    typer.echo(str(to))


@app.command("erasures")
def erasures() -> None:
    """Show erasures, the newest first: when, by whom asked for, rows by table."""
    with opened_database() as (engine, _), reading(engine) as db:
        rows = db.exec(
            select(ErasureRow).order_by(col(ErasureRow.asked_at).desc()).limit(SHOWN_MAX)
        ).all()
    for row in rows:
        done = row.done_at.isoformat(timespec="seconds") if row.done_at else "-"
        counts = " ".join(f"{name}={number}" for name, number in sorted(row.counts.items()))
        asked = row.asked_at.isoformat(timespec="seconds")
        typer.echo(f"{row.id}  asked {asked} by {row.asked_by}  done {done}  {counts}")


@app.command("retention")
def retention(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the next round would end.")
    ] = False,
) -> None:
    """Show for how long each kind of data is kept, and end what is kept too long.

    The running API does the same every hour.
    """
    from mobile_api.rights import retention as keeping  # noqa: PLC0415 - it loads the catalogue

    clock, settings = SystemClock(), ApiSettings()
    with opened_database() as (engine, _):
        found = (
            keeping.looked_at(engine, clock, settings)
            if dry_run
            else ((rule, keeping.sweep(engine, clock, settings, rule)) for rule in keeping.RULES)
        )
        for rule, number in found:
            verb = "to end" if dry_run else "ended"
            typer.echo(f"{rule.name:<15} {number:>6} {verb}  {rule.what}: {rule.keeps(settings)}")


@app.command("apply-again")
def apply_again() -> None:
    """After a restore: ask anew for every erasure that the database does not know of.

    The API does the same whenever it starts.
    """
    from mobile_api.rights.erasing import apply_again as ask_anew  # noqa: PLC0415

    with opened_database() as (engine, settings):
        key = ApiSettings().key()
        again = ask_anew(engine, SystemClock(), RandomIds(), key, settings.data_dir)
    typer.echo(f"{again} to be erased again")
