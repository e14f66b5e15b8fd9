"""``gateway broker-files``: what a real Mosquitto needs."""

from pathlib import Path
from typing import Annotated

import typer

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.ids import RandomIds
from gateway.mosquitto import BrokerFiles, write_broker_files
from gateway.settings import MqttSettings


def broker_files(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files; made if missing.")],
    port: Annotated[int, typer.Option(help="Where devices connect.")] = 1883,
    server_port: Annotated[int, typer.Option(help="Where server processes connect.")] = 1884,
    server_bind: Annotated[
        str, typer.Option(help="Address for server processes, if they are on other machines.")
    ] = "127.0.0.1",
    bind: Annotated[str, typer.Option(help="Address for devices; empty: every one.")] = "",
    user: Annotated[str, typer.Option(help="Who runs the broker.")] = "mosquitto",
) -> None:
    """Write a Mosquitto configuration, its access rules, and the registry as its passwords."""
    settings = MqttSettings()
    engine = make_engine(settings.effective_database_url)
    upgrade(engine)
    files = BrokerFiles(out.resolve(), port, server_port, bind, user, server_bind)
    write_broker_files(engine, settings, RandomIds(), files)
    engine.dispose()
    key = (settings.data_dir / "broker.key").resolve()
    typer.echo(f"mosquitto -c {files.conf}")
    typer.echo(f'MQTT_URL="mqtt://server:$(cat {key})@127.0.0.1:{server_port}"')
    typer.echo(f"MOSQUITTO_PASSWORD_FILE={files.passwords}")
    typer.echo(f"MOSQUITTO_PID_FILE={files.folder / 'mosquitto.pid'}")
