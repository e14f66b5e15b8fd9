"""The command line of the gateway."""

import signal
import sys
import threading
from typing import Annotated

import typer
from pydantic import ValidationError

from cart.commands import with_parts
from cart.kernel.errors import InvalidInput
from cart.process import collect_seldom
from gateway.settings import MqttSettings

PARTS = {
    "devices": "gateway.cli_devices:app",
    "bands": "gateway.cli_bands:app",
    "dead-letters": "gateway.cli_dead_letters:app",
    "floor": "gateway.cli_floor:app",
    "broker-files": "gateway.cli_broker:broker_files",
    "device-ca": "gateway.cli_device_ca:device_ca",
    "partitions": "gateway.cli_partitions:partitions",
    "forget-session": "gateway.cli_partitions:forget_session",
    "backup": "gateway.cli_backup:backup",
    "restore": "gateway.cli_backup:restore",
}

app = typer.Typer(
    cls=with_parts(PARTS),
    no_args_is_help=True,
    add_completion=False,
    help="Where devices meet the cart.",
)

ONLINE_WAIT_S = 15.0


@app.command()
def run(
    *, verbose: Annotated[bool, typer.Option(help="Log what is done, not only what fails.")] = False
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C."""
    collect_seldom()  # what is loaded now is there to stay
    from cart.logs import configure  # noqa: PLC0415 - the other commands need none of it
    from gateway.wiring import Gateway  # noqa: PLC0415

    try:
        settings = MqttSettings()
    except ValidationError as error:
        for fault in error.errors():
            named = "".join(f"{one}: ".upper() for one in fault["loc"])
            typer.echo(f"{named}{fault['msg'].removeprefix('Value error, ')}", err=True)
        raise typer.Exit(2) from error
    configure(settings, verbose=verbose)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        gateway = Gateway(settings)
        port = gateway.start()
    except InvalidInput as error:  # a certificate that cannot be used
        typer.echo(error.message, err=True)
        raise typer.Exit(2) from error
    online = gateway.wait_online(ONLINE_WAIT_S)
    where = f"mqtt://127.0.0.1:{port}" if port else "the broker in MQTT_URL"
    sys.stdout.write(f"ready {where}\n" if online else f"waiting for {where}\n")
    sys.stdout.flush()
    stop.wait()
    gateway.stop()


@app.command()
def migrate() -> None:
    """Bring the database to the present schema."""
    from cart.db import make_engine  # noqa: PLC0415
    from cart.db.migrate import upgrade  # noqa: PLC0415

    upgrade(make_engine(MqttSettings().effective_database_url))
