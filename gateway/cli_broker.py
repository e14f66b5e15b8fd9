"""``gateway broker-files``: what a real Mosquitto needs."""

from pathlib import Path
from typing import Annotated

import typer

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import RandomIds
from gateway.mosquitto import BrokerFiles, BrokerTls, write_broker_files
from gateway.settings import MqttSettings

NAME = "NAME-IN-THE-CERTIFICATE"  # only who had it issued knows it


def broker_files(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files; made if missing.")],
    port: Annotated[
        int | None, typer.Option(help="Where devices connect.", show_default="1883, in TLS 8883")
    ] = None,
    server_port: Annotated[int, typer.Option(help="Where server processes connect.")] = 1884,
    server_bind: Annotated[
        str, typer.Option(help="Address for server processes, if they are on other machines.")
    ] = "127.0.0.1",
    bind: Annotated[str, typer.Option(help="Address for devices; empty: every one.")] = "",
    user: Annotated[str, typer.Option(help="Who runs the broker.")] = "mosquitto",
    cert: Annotated[
        Path | None, typer.Option(help="Its certificate with the chain, PEM: devices speak TLS.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The certificate's key; without: in the same file.")
    ] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="CA whose certificates devices need besides, with --cert.")
    ] = None,
) -> None:
    """Write a Mosquitto configuration, its access rules, and the registry as its passwords."""
    if client_ca and not cert:
        typer.echo("--client-ca needs --cert: clients show certificates in TLS only", err=True)
        raise typer.Exit(2)
    tls = BrokerTls(cert, key or cert, client_ca) if cert else None
    port = port or (8883 if tls else 1883)
    settings = MqttSettings()
    engine = make_engine(settings.effective_database_url)
    upgrade(engine)
    files = BrokerFiles(out.resolve(), port, server_port, bind, user, server_bind, tls)
    try:
        write_broker_files(engine, settings, RandomIds(), files)
    except InvalidInput as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    finally:
        engine.dispose()
    secret = (settings.data_dir / "broker.key").resolve()
    typer.echo(f"mosquitto -c {files.conf}")
    scheme, host = ("mqtts", NAME) if files.server_tls else ("mqtt", "127.0.0.1")
    typer.echo(f'MQTT_URL="{scheme}://server:$(cat {secret})@{host}:{server_port}"')
    if tls:
        typer.echo(f"MQTT_PUBLIC_URL=mqtts://{NAME}:{port}")
    typer.echo(f"MOSQUITTO_PASSWORD_FILE={files.passwords}")
    typer.echo(f"MOSQUITTO_PID_FILE={files.folder / 'mosquitto.pid'}")
