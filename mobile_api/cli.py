"""Command line of the API process."""

import json
from typing import Annotated

import typer
from pydantic import ValidationError

from cart.memory import few_arenas
from cart.process import collect_seldom
from mobile_api import (
    cli_audiences,
    cli_audit,
    cli_cdp,
    cli_journeys,
    cli_orders,
    cli_privacy,
    cli_report,
    cli_staff,
    cli_subscriptions,
    cli_terms,
    cli_vouchers,
)
from mobile_api.settings import ApiSettings

app = typer.Typer(
    help="The mobile API: pages, live updates and mails for shoppers.",
    no_args_is_help=True,
    add_completion=False,
)


app.add_typer(cli_terms.app, name="terms")
app.add_typer(cli_vouchers.app, name="vouchers")
app.add_typer(cli_staff.app, name="staff")
app.add_typer(cli_orders.app, name="orders")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_privacy.app, name="privacy")
app.add_typer(cli_cdp.app, name="cdp")
app.add_typer(cli_audiences.app, name="audiences")
app.add_typer(cli_subscriptions.app, name="subscriptions")
app.add_typer(cli_journeys.app, name="journeys")
app.command()(cli_report.report)


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

    typer.echo(json.dumps(create_app(ApiSettings()).openapi(), indent=2, ensure_ascii=False))
