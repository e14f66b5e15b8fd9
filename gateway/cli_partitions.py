"""``gateway partitions`` and ``gateway forget-session``: who holds what, and what nobody needs."""

import json
from typing import Annotated

import typer

from cart.db import make_engine
from cart.db.migrate import upgrade
from gateway.leases import service
from gateway.links import client_ids
from gateway.links import forget_session as forget
from gateway.settings import MqttSettings
from gateway.wire.topics import PARTITION_NAMES

WAIT_S = 10.0  # a broker answers in milliseconds; one that is being started, in seconds


def partitions(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Print which gateway holds which partition, and how often it has changed hands."""
    engine = make_engine(MqttSettings().effective_database_url)
    upgrade(engine, all_tables=False)
    seen = service.seen(engine)
    engine.dispose()
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {"name": one.name, "holder": seen.name_of(one.holder), "fence": one.fence}
                    for one in seen.leases
                ]
            )
        )
        return
    for one in seen.leases:
        typer.echo(f"{one.name:<8} {one.fence:>6}  {seen.name_of(one.holder) or '-'}")
    if not seen.leases:
        typer.echo("no gateway has been run with GATEWAY_SHARED on this database")


def forget_session(
    name: Annotated[
        str, typer.Argument(help="An MQTT client id; without one: those of all partitions.")
    ] = "",
) -> None:
    """Make the broker forget a session that no gateway uses any more, and what waits in it."""
    settings = MqttSettings()
    names = (
        [name]
        if name
        else [client_id for one in PARTITION_NAMES for client_id in client_ids(settings, one)]
    )
    for one in names:
        if not forget(settings, one, WAIT_S):
            typer.echo(f"the broker has not answered about {one} within {WAIT_S:.0f} s", err=True)
            raise typer.Exit(1)
        typer.echo(f"{one} is forgotten")
