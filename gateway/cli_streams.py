"""``gateway devices streams``: how far each device's events are stored."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from cart.db import make_engine, reading
from gateway.ingest import queries
from gateway.settings import MqttSettings


def streams(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Print, for each spool of each device, what is stored of it."""
    engine = make_engine(MqttSettings().effective_database_url)
    with reading(engine) as db:
        found = queries.streams(db)
    engine.dispose()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        typer.echo(
            f"{one.device_id:<14} {one.spool:<32} {one.channel:<9} through {one.stored_through:>8}"
            f"  {one.events:>8} events  {one.given_up:>6} given up  {one.missing:>6} missing"
        )
