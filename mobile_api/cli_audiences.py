"""Command line: audiences of advertisers, begun, listed and ended."""

from typing import Annotated

import typer
from sqlmodel import col, select

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.journeys.audiences import service
from cart.journeys.audiences.hashing import Style
from cart.journeys.audiences.tables import AudienceRow
from cart.journeys.audiences.targets import FILE, WEBHOOK
from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput, NotFound
from cart.kernel.ids import RandomIds
from inventory_api.terminal import opened_database
from mobile_api.settings import ApiSettings

app = typer.Typer(
    help="Audiences: who is in a segment and allows it, told to an advertiser as hashes.",
    no_args_is_help=True,
)


@app.command("begin")
def begin(
    segment: Annotated[str, typer.Argument(help="The segment's id, as its page shows it.")],
    style: Annotated[Style, typer.Option(help="Whose way of hashing.")],
    target: Annotated[str, typer.Option(help=f"Where it goes: {FILE} or {WEBHOOK}.")] = FILE,
) -> None:
    """Begin to tell an advertiser of a segment; print the audience's id."""
    if target not in {FILE, WEBHOOK} or (target == WEBHOOK and not ApiSettings().audience_url):
        msg = f"no target {target}: {FILE}, or {WEBHOOK} with AUDIENCE_URL set"
        raise InvalidInput(msg)
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        made = service.make(
            db,
            SystemClock(),
            RandomIds(),
            segment_id=segment,
            style=style,
            target=target,
            by="terminal",
        )
        note_at_terminal(db, Action.AUDIENCE_BEGIN, On("audience", made))
    typer.echo(made)


@app.command("list")
def listed() -> None:
    """List the audiences with what became of their last round."""
    with opened_database() as (engine, _), reading(engine) as db:
        for row in db.exec(select(AudienceRow).order_by(col(AudienceRow.created_at))):
            said = f"  {row.failure}" if row.failure else ""
            typer.echo(f"{row.id}  {row.segment_id}  {row.style}  {row.target}  {row.state}{said}")


@app.command("end")
def end(audience: Annotated[str, typer.Argument(help="The audience's id.")]) -> None:
    """Take everybody out of an audience, with the next rounds."""
    with opened_database() as (engine, _), unit_of_work(engine) as db:
        if db.get(AudienceRow, audience) is None:
            msg = f"there is no audience {audience}"
            raise NotFound(msg)
        service.end(db, audience)
        note_at_terminal(db, Action.AUDIENCE_END, On("audience", audience))
