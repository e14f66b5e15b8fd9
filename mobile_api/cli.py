"""Command line of the API process."""

import json
import logging
import socket
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from cart.run_files import announce
from mobile_api import cli_orders, cli_staff, cli_terms, cli_vouchers
from mobile_api.app import create_app
from mobile_api.memory import few_arenas, give_back
from mobile_api.settings import ApiSettings

# Streams end by themselves at a signal; a download on a slow phone gets this long.
GRACE_S = 5
BACKLOG = 512
app = typer.Typer(
    help="The mobile API: pages, live updates and mails for shoppers.",
    no_args_is_help=True,
    add_completion=False,
)


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket that says it is TCP.

    asyncio sends small packets at once only on connections that say so; without
    it every answer waited 40 ms for the other side's delayed acknowledgement.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


app.add_typer(cli_terms.app, name="terms")
app.add_typer(cli_vouchers.app, name="vouchers")
app.add_typer(cli_staff.app, name="staff")
app.add_typer(cli_orders.app, name="orders")


class _Server(uvicorn.Server):
    """Says when it is ready, and ends open streams at a signal instead of waiting for them."""

    def __init__(self, config: uvicorn.Config, application: FastAPI, url: str) -> None:
        super().__init__(config)
        self._application = application
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the address."""
        await super().startup(sockets)
        if self.started:
            settings = self._application.state.parts.settings
            give_back()
            announce(settings.data_dir, "api", url=self._url)
            typer.echo(f"ready {self._url}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        parts = self._application.state.parts
        parts.hub.close()
        parts.bells.close()
        parts.stock_live.tell(None)
        super().handle_exit(sig, frame)


@app.callback()
def root() -> None:
    """The mobile API: pages, live updates and mails for shoppers."""


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
) -> None:
    """Serve until a signal comes. Prints `ready http://…/` when it does."""
    few_arenas()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = ApiSettings() if port is None else ApiSettings(http_port=port)
    except ValidationError as error:
        for fault in error.errors():
            typer.echo(f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}", err=True)
        raise typer.Exit(2) from error
    try:
        listening = _listening(settings.http_host, settings.http_port)
    except OSError as error:
        typer.echo(f"cannot listen on {settings.http_host}:{settings.http_port}: {error}", err=True)
        raise typer.Exit(1) from error
    # A port of 0 is known only now; links in QR codes and mails need the real one.
    found_port = listening.getsockname()[1]
    settings = settings.model_copy(update={"http_port": found_port})
    application = create_app(settings)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        proxy_headers=True,
    )
    _Server(config, application, f"{settings.base_url}/").run(sockets=[listening])


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    typer.echo(json.dumps(create_app(ApiSettings()).openapi(), indent=2, ensure_ascii=False))
