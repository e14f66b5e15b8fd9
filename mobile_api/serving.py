"""Serves the application: the socket, the signals, and what is announced when it is up."""

import socket
from types import FrameType

import typer
import uvicorn
from fastapi import FastAPI

from cart.run_files import announce
from mobile_api.app import create_app
from mobile_api.memory import give_back
from mobile_api.settings import ApiSettings

# Streams end by themselves at a signal; a download on a slow phone gets this long.
GRACE_S = 5
BACKLOG = 512


def listening_on(host: str, port: int) -> socket.socket:
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


def serve(settings: ApiSettings, listening: socket.socket) -> None:
    """Serve on ``listening`` until a signal comes."""
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
