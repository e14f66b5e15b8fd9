"""Command line: take feeds, look at stock, book by hand, recount."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock, from_us
from cart.kernel.errors import UnusableFeed
from cart.kernel.ids import RandomIds
from inventory_api.catalogue import queries as catalogue
from inventory_api.feeds.kinds import Kind, files_of
from inventory_api.feeds.progress import ProgressLine, summary
from inventory_api.feeds.service import Importing
from inventory_api.reconciling import reconcile as recount
from inventory_api.stock import queries, service
from inventory_api.stock.model import Reason
from inventory_api.terminal import UNUSABLE, opened_database

ALL_TAKEN: Final = 0
SOME_REFUSED: Final = 1
DIFFERENCES_SHOWN_MAX: Final = 1_000

app = typer.Typer(
    help="Catalogue and stock: feeds in, recounts, and an operator's hand.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("import")
def import_feeds(
    paths: Annotated[list[Path], typer.Argument(help="Feed files, or folders of them.")],
    kind: Annotated[
        Kind | None, typer.Option(help="What the files are, if their names do not say.")
    ] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Count anew although the file was counted before.")
    ] = False,
) -> None:
    """Take CSV and JSON Lines feeds. The same file again changes nothing.

    Ends with 0 if every row was taken, 1 if some were refused, 2 if a file or
    the database could not be used.
    """
    refused, unusable = 0, 0
    with opened_database() as (engine, settings):
        importing = Importing(engine, SystemClock(), RandomIds(), settings.data_dir)
        for file_kind, path in files_of(paths, kind):
            progress = ProgressLine(sys.stderr, SystemClock())
            try:
                outcome = importing.take(file_kind, path, again=again, progress=progress)
            except UnusableFeed as error:
                progress.end()
                typer.echo(error.message, err=True)
                unusable += 1
                continue
            progress.end()
            with unit_of_work(engine) as db:
                note_at_terminal(db, Action.FEED_IMPORT, On("feed", outcome.run_id))
            typer.echo("\n".join(summary(outcome)))
            refused += outcome.refused
    raise typer.Exit(UNUSABLE if unusable else SOME_REFUSED if refused else ALL_TAKEN)


@app.command()
def stock(
    sku: Annotated[str, typer.Argument(help="A SKU, or the digits under a barcode.")],
) -> None:
    """Show a variant's pieces at every location."""
    with opened_database() as (engine, _), reading(engine) as db:
        item = catalogue.item(db, sku)
        variant = item.product.variant(item.sku)
        typer.echo(f"{item.sku}  {item.gtin}  {item.product.name} {variant.colour} {variant.size}")
        rows = queries.of_sku(db, item.sku)
        if not rows:
            typer.echo("no location has ever had it")
        for row in rows:
            place = "/".join(filter(None, (row.zone_id, row.bay_id)))
            moment = from_us(row.changed_at_us).isoformat(sep=" ", timespec="seconds")
            typer.echo(
                f"{row.location_id:<24} on hand {row.on_hand:>6}  available {row.available:>6}"
                f"  reserved {row.reserved:>4}  allocated {row.allocated:>4}"
                f"  buffer {row.safety_stock:>4}  {place:<20} {moment}"
            )


@app.command(context_settings={"ignore_unknown_options": True})
def move(
    location: Annotated[str, typer.Argument(help="Location id.")],
    sku: Annotated[str, typer.Argument()],
    delta: Annotated[int, typer.Argument(help="Pieces in, or out with a minus.")],
    reason: Annotated[Reason, typer.Option(help="Why.")],
    reference: Annotated[
        str | None, typer.Option(help="Receipt, delivery, …: the same one counts once.")
    ] = None,
) -> None:
    """Book pieces in or out by hand."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            now = service.move(
                db,
                SystemClock(),
                location_id=location,
                sku=sku,
                delta=delta,
                reason=reason,
                reference=reference,
            )
            note_at_terminal(db, Action.STOCK_MOVE, On("sku", sku), location_id=location)
        typer.echo(f"{location} {sku}: on hand {now.on_hand}, available {now.available}")


@app.command()
def count(
    location: Annotated[str, typer.Argument(help="Location id.")],
    sku: Annotated[str, typer.Argument()],
    on_hand: Annotated[int, typer.Argument(help="Pieces that were counted.", min=0)],
    safety_stock: Annotated[
        int | None, typer.Option(help="Pieces that are never promised.", min=0)
    ] = None,
) -> None:
    """Book what was counted; the ledger gets the difference."""
    with opened_database() as (engine, _):
        with unit_of_work(engine) as db:
            now = service.count(
                db,
                SystemClock(),
                location_id=location,
                sku=sku,
                on_hand=on_hand,
                safety_stock=safety_stock,
                reference=RandomIds().new("count"),
            )
            note_at_terminal(db, Action.STOCK_COUNT, On("sku", sku), location_id=location)
        typer.echo(f"{location} {sku}: on hand {now.on_hand}, available {now.available}")


@app.command()
def reconcile(
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Bring the ledger to what is on hand.")
    ] = False,
) -> None:
    """Recount every ledger and every promise against the stock, and report each difference.

    Ends with 1 if something is (still) wrong.
    """
    with opened_database() as (engine, _):
        wrong, fixed = 0, 0
        for found in recount(engine, SystemClock(), RandomIds(), fix=fix):
            wrong += 1
            fixed += found.right_now
            if wrong <= DIFFERENCES_SHOWN_MAX:
                what = "; ".join(found.difference.reasons)
                done = "" if found.booked is None else f"; booked {found.booked:+}"
                typer.echo(f"{found.difference.location_id} {found.difference.sku}: {what}{done}")
        if fixed:
            with unit_of_work(engine) as db:
                note_at_terminal(db, Action.STOCK_RECOUNT, On("", ""))
        typer.echo(f"{wrong:,} rows with a difference, {fixed:,} of them right now")
    raise typer.Exit(SOME_REFUSED if wrong > fixed else ALL_TAKEN)


if __name__ == "__main__":
    app()
