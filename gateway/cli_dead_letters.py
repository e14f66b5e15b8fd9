"""``gateway dead-letters``: what could not be done, why, and trying again."""

import json
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import DONE, Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.errors import CarryoverError, NotFound
from cart.kernel.ids import RandomIds
from gateway.dead_letters import service
from gateway.dead_letters.replay import replay as again
from gateway.dead_letters.tables import DeadLetterRow
from gateway.fanout import Fanout
from gateway.ingest.batch import Domain
from gateway.settings import MqttSettings
from inventory_api.catalogue.queries import sellables

app = typer.Typer(no_args_is_help=True, help="Messages that could not be done.")
LIST_DEFAULT, LIST_MAX = 50, 10_000
PREVIEW_CHARACTERS = 60
BROKER_WAIT_S = 3.0


def _engine() -> Engine:
    return make_engine(MqttSettings().effective_database_url)


@app.command("list")
def list_letters(
    *,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason code.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those done by a replay.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX)] = LIST_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List dead letters, newest first; as JSON with all that stands in them."""
    engine = _engine()
    with reading(engine) as db:
        found = service.listed(db, limit=limit, reason=reason, every=every)
        total = service.counted(db)
    if as_json:  # before it is given away
        with unit_of_work(engine) as db:
            note_at_terminal(db, Action.LETTER_SEE, *[On("letter", row.id) for row in found])
    for row in found:
        if as_json:
            typer.echo(json.dumps(_facts(row)))
        else:
            typer.echo(
                f"{row.id}  {row.last_at:%Y-%m-%d %H:%M:%S}Z  {row.times}x  {row.reason}"
                f"  {row.device_id or '-'}  {row.detail[:PREVIEW_CHARACTERS]}"
            )
    if not as_json:
        typer.echo(f"{total} waiting")


@app.command()
def show(letter_id: str) -> None:
    """Show one dead letter whole."""
    try:
        with unit_of_work(_engine()) as db:
            facts = _facts(service.letter(db, letter_id))
            note_at_terminal(db, Action.LETTER_SEE, On("letter", letter_id))
    except NotFound as error:
        raise typer.BadParameter(error.message) from error
    typer.echo(json.dumps(facts, indent=2))


@app.command()
def replay(
    letter_ids: Annotated[list[str] | None, typer.Argument(help="Ids; or use --all.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every one that waits.")] = False,
    reason: Annotated[str | None, typer.Option(help="With --all: only this reason.")] = None,
) -> None:
    """Try dead letters again, oldest first. Exit status 1 when one is still refused."""
    engine = _engine()
    chosen = list(letter_ids or [])
    if every:
        with reading(engine) as db:
            waiting = service.listed(db, limit=LIST_MAX, reason=reason)
            chosen += [row.id for row in reversed(waiting)]
    if not chosen:
        typer.echo("nothing to replay")
        return
    domain = Domain(SystemClock(), RandomIds(), sellables)
    # As "api": the gateway listens to it and shows the cart on the device.
    fanout = Fanout(MqttSettings(), "api")
    told = _try_start(fanout)
    failed = 0
    for letter_id in chosen:
        try:
            with unit_of_work(engine) as db:
                error, outcome = again(db, domain, letter_id)
                came_to = DONE if error is None else error.code
                on = On("letter", letter_id)
                note_at_terminal(db, Action.LETTER_REPLAY, on, outcome=came_to)
        except CarryoverError as refusal:
            error, outcome = refusal, None
        except SQLAlchemyError as failure:  # what our code cannot do stays, and stops no other
            error, outcome = CarryoverError(f"{type(failure).__name__}: {failure}"), None
        if outcome and told:
            fanout.publish(*outcome.notices)
        failed += error is not None
        typer.echo(f"{letter_id}  {'done' if error is None else f'{error.code}: {error.message}'}")
    if told:
        fanout.stop()
    raise typer.Exit(1 if failed else 0)


def _try_start(fanout: Fanout) -> bool:
    try:
        fanout.start()
        online = fanout.wait_online(BROKER_WAIT_S)
    except (CarryoverError, OSError):
        online = False
    if not online:
        typer.echo("the broker does not answer: screens will show it at their next look", err=True)
    return online


def _facts(row: DeadLetterRow) -> dict[str, object]:
    return {
        "id": row.id,
        "device_id": row.device_id,
        "topic": row.topic,
        "reason": row.reason,
        "detail": row.detail,
        "times": row.times,
        "received_at": row.received_at.isoformat(),
        "last_at": row.last_at.isoformat(),
        "replayed_at": row.replayed_at.isoformat() if row.replayed_at else None,
        "outcome": row.outcome,
        "payload": row.payload.decode("utf-8", errors="backslashreplace"),
    }
