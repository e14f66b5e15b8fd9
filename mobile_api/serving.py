"""Serves the application: the socket, the signals, and what is announced when it is up."""

import asyncio
import socket
import threading
from types import FrameType

import typer
import uvicorn
from fastapi import FastAPI

from cart.memory import give_back
from cart.process import open_many_files, take_short_turns
from cart.run_files import announce
from gateway.monitor.exposition import metrics_page
from gateway.monitor.health import WAIT_S
from gateway.monitor.listener import Monitor, health_pages
from mobile_api.app import create_app
from mobile_api.health import liveness
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
        parts = application.state.parts
        self._loop: asyncio.AbstractEventLoop | None = None
        self._monitor = Monitor(
            health_pages(liveness(self._beat), parts.health)
            | {"/metrics": metrics_page(parts.metrics.registry)},
            host=parts.settings.monitor_host,
            port=parts.settings.monitor_port,
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the address."""
        await super().startup(sockets)
        if self.started:
            settings = self._application.state.parts.settings
            give_back()
            self._loop = asyncio.get_running_loop()
            self._monitor.start()
            facts: dict[str, str | int] = {
                "url": self._url,
                "http_port": settings.http_port,  # PUBLIC_URL may lead to a proxy
                "monitor_port": self._monitor.port,
            }
            announce(settings.data_dir, settings.api_name, **facts)
            typer.echo(f"ready {self._url}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, the listener for machines first: what ends is not ready."""
        await asyncio.to_thread(self._monitor.stop)
        await super().shutdown(sockets)

    def _beat(self) -> str:
        answered = threading.Event()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(answered.set)
        return "" if answered.wait(WAIT_S) else "the event loop does not answer"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        parts = self._application.state.parts
        parts.hub.close()
        parts.bells.close()
        parts.stock_live.tell(None)
        super().handle_exit(sig, frame)


def serve(settings: ApiSettings, listening: socket.socket) -> None:
    """Serve on ``listening`` until a signal comes."""
    take_short_turns()
    open_many_files()
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
