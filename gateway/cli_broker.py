"""``gateway broker-files``: what a real Mosquitto needs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cart.db import make_engine
from cart.db.migrate import upgrade
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import RandomIds
from gateway.broker.key import CONTROL_FILE
from gateway.device_ca.authority import ca_files
from gateway.mosquitto import CONTROL_USER, BrokerFiles, BrokerTls, find_plugin, write_broker_files
from gateway.settings import MqttSettings

NAME = "NAME-IN-THE-CERTIFICATE"  # only who had it issued knows it


class Rules(StrEnum):
    """Where the broker has what each device may do."""

    FILES = "files"
    DYNAMIC = "dynamic"


def broker_files(  # noqa: PLR0913 - each is an option of its own
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
    client_cert_alone: Annotated[
        bool,
        typer.Option(
            help="The certificate is the way in, its common name the device's id; no credential."
            " Of the CA that `gateway device-ca` made, or with --client-ca and --rules dynamic."
        ),
    ] = False,
    rules: Annotated[
        Rules,
        typer.Option(help="Devices' rules in a file, up to 2,000, or in dynamic security."),
    ] = Rules.FILES,
    plugin: Annotated[
        Path | None,
        typer.Option(help="The broker's dynamic-security plug-in, where it is not to be found."),
    ] = None,
) -> None:
    """Write a Mosquitto configuration, its access rules, and the registry as its passwords."""
    if (client_ca or client_cert_alone) and not cert:
        typer.echo(
            "--client-ca and --client-cert-alone need --cert: clients show certificates in TLS"
            " only",
            err=True,
        )
        raise typer.Exit(2)
    settings = MqttSettings()
    if client_cert_alone and client_ca is None and (ours := ca_files(settings)[0]).exists():
        client_ca = ours
    tls = BrokerTls(cert, key or cert, client_ca, client_cert_alone) if cert else None
    port = port or (8883 if tls else 1883)
    engine = make_engine(settings.effective_database_url)
    upgrade(engine, all_tables=False)
    try:
        dynamic = (plugin or find_plugin()) if rules is Rules.DYNAMIC else None
        files = BrokerFiles(out.resolve(), port, server_port, bind, user, server_bind, tls, dynamic)
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
    if files.plugin:
        secret = (settings.data_dir / CONTROL_FILE).resolve()
        address = f"{CONTROL_USER}:$(cat {secret})@{host}:{server_port}"
        typer.echo(f'MOSQUITTO_CONTROL_URL="{scheme}://{address}"')
    if tls:
        typer.echo(f"MQTT_PUBLIC_URL=mqtts://{NAME}:{port}")
    typer.echo(f"MOSQUITTO_PASSWORD_FILE={files.passwords}")
    typer.echo(f"MOSQUITTO_PID_FILE={files.folder / 'mosquitto.pid'}")
