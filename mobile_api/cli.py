"""Command line of the API process."""

import json
from typing import Annotated

import typer
from pydantic import ValidationError

from cart.commands import with_parts
from cart.memory import few_arenas
from cart.process import collect_seldom

PARTS = {
    "terms": "mobile_api.cli_terms:app",
    "vouchers": "mobile_api.cli_vouchers:app",
    "staff": "mobile_api.cli_staff:app",
    "orders": "mobile_api.cli_orders:app",
    "audit": "mobile_api.cli_audit:app",
    "privacy": "mobile_api.cli_privacy:app",
    "cdp": "mobile_api.cli_cdp:app",
    "audiences": "mobile_api.cli_audiences:app",
    "subscriptions": "mobile_api.cli_subscriptions:app",
    "journeys": "mobile_api.cli_journeys:app",
    "report": "mobile_api.cli_report:report",
}

app = typer.Typer(
    cls=with_parts(PARTS),
    help="The mobile API: pages, live updates and mails for shoppers.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def root() -> None:
    """The mobile API: pages, live updates and mails for shoppers."""


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
) -> None:
    """Serve until a signal comes. Prints `ready http://…/` when it does."""
    collect_seldom()  # a sixth of the time to load the application was collecting nothing
    # The other commands start at once because the application is loaded only here.
    from cart.logs import configure  # noqa: PLC0415
    from mobile_api.serving import listening_on, serve  # noqa: PLC0415
    from mobile_api.settings import ApiSettings  # noqa: PLC0415

    few_arenas()
    try:
        settings = ApiSettings() if port is None else ApiSettings(http_port=port)
    except ValidationError as error:
        for fault in error.errors():
            typer.echo(f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}", err=True)
        raise typer.Exit(2) from error
    configure(settings)
    try:
        listening = listening_on(settings.http_host, settings.http_port)
    except OSError as error:
        typer.echo(f"cannot listen on {settings.http_host}:{settings.http_port}: {error}", err=True)
        raise typer.Exit(1) from error
    # A port of 0 is known only now; links in QR codes and mails need the real one.
    found_port = listening.getsockname()[1]
    settings = settings.model_copy(update={"http_port": found_port})
    serve(settings, listening)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from mobile_api.app import create_app  # noqa: PLC0415 - as above
    from mobile_api.settings import ApiSettings  # noqa: PLC0415

    typer.echo(json.dumps(create_app(ApiSettings()).openapi(), indent=2, ensure_ascii=False))
