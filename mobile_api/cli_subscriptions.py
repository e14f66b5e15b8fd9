"""Command line: mailing lists by topic."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from cart.profile.subscriptions import importing, service
from cart.profile.subscriptions.importing import Said
from inventory_api.terminal import opened_database
from mobile_api.settings import ApiSettings

app = typer.Typer(help="Mailing lists by topic.", no_args_is_help=True)
IMPORT_BYTES_MAX: Final = 50_000_000  # some 200,000 rows; it is read whole
AT_ONCE: Final = 100  # rows in a transaction


@app.command("topic")
def topic(
    topic_id: Annotated[str, typer.Argument(help="Small letters, digits and dashes.")],
    name: Annotated[str, typer.Option(help="English name.")],
) -> None:
    """Make a topic; its other languages are given on /staff/topics."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        service.make_topic(db, SystemClock(), topic_id=topic_id, names={"en": name}, abouts={})
        note_at_terminal(db, Action.TOPIC_MAKE, On("topic", topic_id))


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
) -> None:
    """Take a list in; prints what became of each row, and ends with 1 if any was refused."""
    if path.stat().st_size > IMPORT_BYTES_MAX:
        typer.echo(f"{path} is larger than {IMPORT_BYTES_MAX} bytes", err=True)
        raise typer.Exit(2)
    clock, ids, refused = SystemClock(), RandomIds(), 0
    found = list(importing.rows(path.read_text(encoding="utf-8-sig", errors="replace")))
    with opened_database() as (engine, _):
        secret = ApiSettings().key()
        for start in range(0, len(found), AT_ONCE):
            with unit_of_work(engine) as db:
                said = [
                    importing.take(db, clock, ids, secret, line=line, given=row)
                    for line, row in found[start : start + AT_ONCE]
                ]
            for one in said:
                typer.echo(f"{one.line}\t{one.said.value}\t{one.address}")
                refused += one.said not in {Said.TAKEN, Said.ALREADY}
        with unit_of_work(engine) as db:
            note_at_terminal(db, Action.LETTERS_IMPORT, On("list", path.name[:64]))
    if refused:
        raise typer.Exit(1)


@app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", help="The CSV file; it must not be there yet.")],
) -> None:
    """Write all subscriptions, readable by the file's owner alone."""
    with opened_database() as (engine, _):
        to.touch(mode=0o600, exist_ok=False)
        with reading(engine) as db, to.open("w", encoding="utf-8", newline="") as out:
            out.writelines(importing.export(db))
        with unit_of_work(engine) as db:
            note_at_terminal(db, Action.LETTERS_EXPORT, On("list", to.name[:64]))


@app.command("bounce")
def bounce() -> None:
    """Take a raw message from the standard input: a bounce, a complaint, or `leave …`."""
    from mobile_api.letters.returning import take_in  # noqa: PLC0415 - it loads the API
    from mobile_api.mail.returned import RETURNED_BYTES_MAX  # noqa: PLC0415

    raw = sys.stdin.buffer.read(RETURNED_BYTES_MAX + 1)
    with opened_database() as (engine, _):
        taken = take_in(engine, SystemClock(), RandomIds(), ApiSettings().key(), raw)
    typer.echo("taken" if taken else "about no letter of ours")
