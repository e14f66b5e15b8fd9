"""``gateway device-ca``: makes the shop's own CA for the certificates of devices."""

from typing import Annotated

import typer

from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput
from gateway.device_ca.authority import ca_files, make
from gateway.settings import MqttSettings


def device_ca(
    *,
    name: Annotated[str, typer.Option(help="What certificates name as their issuer.")] = (
        "Carryover devices"
    ),
) -> None:
    """Make the CA that signs each device's own certificate at enrolment; once for a shop.

    A CA of yours does as well: DEVICE_CA_CERT_FILE and DEVICE_CA_KEY_FILE.
    """
    settings = MqttSettings()
    try:
        cert_file = make(settings, SystemClock().now(), name)
    except (InvalidInput, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{cert_file} is for brokers; keep {ca_files(settings)[1]} as you keep backups")
