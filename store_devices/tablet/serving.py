"""The kiosk page's server: uvicorn on loopback, in a thread of its own."""

import asyncio
import socket
import threading
from typing import Final

import uvicorn

from store_devices.tablet.kiosk import Kiosk

HOST: Final = "127.0.0.1"  # the screen hangs on this machine; nobody else is served
STOP_S: Final = 5
BACKLOG: Final = 16


class Serving:
    """Serves one kiosk; the port is bound when it is made, so that ``url`` is known at once."""

    def __init__(self, kiosk: Kiosk, port: int) -> None:
        """Bind ``port``, or any free one for 0.

        Raises:
            OSError: the port is taken.
        """
        self._kiosk = kiosk
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, port))
        self._socket.listen(BACKLOG)
        self.url: Final = f"http://{HOST}:{self._socket.getsockname()[1]}/"
        self._loop: asyncio.AbstractEventLoop | None = None
        config = uvicorn.Config(
            kiosk.app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
            limit_concurrency=64,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._work, name="kiosk", daemon=True)

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """End the open streams and then the server. May be called twice."""
        self._server.should_exit = True
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._kiosk.close)
            self._thread.join(STOP_S * 2)
        self._socket.close()

    def _work(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())
