"""The broker's thread: its loop, its socket, and what has to be looked at from time to time."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.kernel.errors import Unavailable
from gateway.broker.access import SERVER_USER, Access, Admitted, RegistryAccess
from gateway.broker.certificate import REREAD_S, Certificate
from gateway.broker.connection import CONNECT_WAIT_S, Admit, Connection
from gateway.broker.hub import Hub
from gateway.broker.packets import LEVEL, Connect, ConnectReply
from gateway.limits import DeviceLimits
from gateway.settings import MqttSettings

logger = logging.getLogger(__name__)

# A revoked device is off within this. One small statement each time, whatever the fleet.
RECHECK_S: Final = 2.0
TICK_S: Final = 0.5  # keep-alive times are looked at this often
# Two logins at a time: a fleet that comes back together must not starve ingest of the database.
LOGIN_THREADS: Final = 2
START_S: Final = 10.0
STOP_S: Final = 10.0


class EmbeddedBroker:
    """An MQTT 3.1.1 broker for the devices of the registry, in a thread of this process.

    Server processes log in as ``server`` with ``server_secret``, on the plain listener only;
    with a certificate in the settings there is a listener in TLS, for devices alone.
    """

    def __init__(self, engine: Engine, settings: MqttSettings, server_secret: str) -> None:
        self._access: Access = RegistryAccess(engine, server_secret)
        self._host, self._port = settings.mqtt_host, settings.mqtt_port
        self._certificate = Certificate.of(settings)
        self._certificate_alone = settings.mqtt_tls_client_cert_alone
        self.limits = DeviceLimits.of(settings)
        self._tls_host, self._tls_port = settings.mqtt_tls_host, settings.mqtt_tls_port
        self.tls_port = 0
        self._hub: Hub | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> int:
        """Listen; return the plain port, which is a free one if the settings say 0.

        :attr:`tls_port` is that of the listener in TLS, 0 without one.

        Raises:
            Unavailable: the address cannot be listened on.
        """
        ready: Future[int] = Future()
        places = f"{self._host} port {self._port}"
        if self._certificate:
            places += f", or in TLS on {self._tls_host} port {self._tls_port}"
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="broker", daemon=True
        )
        self._thread.start()
        try:
            return ready.result(START_S)
        except OSError as error:
            self._thread.join(STOP_S)
            msg = (
                f"the broker cannot listen on {places}: {error.strerror};"
                " MQTT_PORT=0 takes a free one"
            )
            raise Unavailable(msg) from error

    def stop(self) -> None:
        """Close every connection and end the thread; a second time does nothing."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        if thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join(STOP_S)

    def strays(self) -> dict[str, str]:
        """Return the devices that tried to speak where they may not since the last call.

        With the topic of each; from any thread.
        """
        if self._hub is None:
            return {}
        tried, self._hub.strays = self._hub.strays, {}
        return tried

    async def _serve(self, ready: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        hub = self._hub = Hub(self._loop.time, self.limits)
        connections: set[Connection] = set()
        logins = ThreadPoolExecutor(LOGIN_THREADS, thread_name_prefix="broker-login")
        desk = _Desk(self._access, logins)

        def listen(admit: Admit, host: str, port: int, **tls: Any) -> Awaitable[asyncio.Server]:  # noqa: ANN401
            return asyncio.get_running_loop().create_server(
                lambda: Connection(hub, admit, connections), host, port, **tls
            )

        servers: list[asyncio.Server] = []
        try:
            servers.append(await listen(desk.admit, self._host, self._port))
            if self._certificate:
                tls = {
                    "ssl": self._certificate.context,
                    "ssl_handshake_timeout": CONNECT_WAIT_S,
                    "ssl_shutdown_timeout": CONNECT_WAIT_S,
                }
                way = desk.admit_certified if self._certificate_alone else desk.admit_device
                servers.append(await listen(way, self._tls_host, self._tls_port, **tls))
                self.tls_port = servers[1].sockets[0].getsockname()[1]
        except OSError as error:
            for server in servers:
                server.close()
            ready.set_exception(error)
            logins.shutdown()
            return
        watch = [
            asyncio.create_task(_watch_silence(connections, hub)),
            asyncio.create_task(_watch_credentials(desk, hub)),
        ]
        if self._certificate:
            watch.append(asyncio.create_task(_watch_certificate(self._certificate)))
        ready.set_result(servers[0].sockets[0].getsockname()[1])
        await self._stopping.wait()
        for server in servers:
            server.close()
        for task in watch:
            task.cancel()
        for connection in tuple(connections):
            connection.abort()
        await asyncio.gather(*watch, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
        await asyncio.sleep(0)  # one turn for the connections to learn that they are lost
        await asyncio.to_thread(logins.shutdown, cancel_futures=True)


class _Desk:
    """Asks the registry, in threads of its own."""

    def __init__(self, access: Access, threads: ThreadPoolExecutor) -> None:
        self._access = access
        self._threads = threads
        self._loop = asyncio.get_running_loop()

    async def admit(self, packet: Connect, _certified: str = "") -> Admitted | ConnectReply:
        """Return who it is, or what the CONNECT is answered with."""
        return await self._asked(packet, self._access.admit, packet.username, packet.password)

    async def _asked(
        self, packet: Connect, ask: Callable[..., Admitted | None], name: str, *proof: str
    ) -> Admitted | ConnectReply:
        if packet.level != LEVEL:
            return ConnectReply.WRONG_VERSION
        if not packet.client_id and not packet.clean:
            return ConnectReply.WRONG_CLIENT_ID  # 3.1.3.1
        try:
            admitted = await self._loop.run_in_executor(self._threads, ask, name, *proof)
        except SQLAlchemyError:
            logger.exception("the registry does not answer")
            return ConnectReply.UNAVAILABLE
        if admitted is None:
            logger.warning("refused a login as %r", name)
            return ConnectReply.NOT_AUTHORISED
        if packet.will is not None and not admitted.may_publish(packet.will.topic):
            logger.warning("%s may not have a will on %s", name, packet.will.topic)
            return ConnectReply.NOT_AUTHORISED
        return admitted

    async def admit_device(self, packet: Connect, _certified: str) -> Admitted | ConnectReply:
        """The same, on a listener that is for devices alone: the server's secret opens nothing."""
        if packet.username == SERVER_USER:
            logger.warning("refused a login as %r where devices connect", SERVER_USER)
            return ConnectReply.NOT_AUTHORISED
        return await self.admit(packet)

    async def admit_certified(self, packet: Connect, certified: str) -> Admitted | ConnectReply:
        """The same by the client's certificate alone; another user name than its own is refused."""
        if packet.username and packet.username != certified:
            logger.warning(
                "refused a login as %r with the certificate of %r", packet.username, certified
            )
            return ConnectReply.NOT_AUTHORISED
        return await self._asked(packet, self._access.certified, certified)

    async def withdrawn(self, devices: list[Admitted]) -> set[Admitted]:
        """Return the devices whose credential is good no longer."""
        return await self._loop.run_in_executor(self._threads, self._access.withdrawn, devices)


async def _watch_silence(connections: set[Connection], hub: Hub) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(TICK_S)
        now = loop.time()
        for connection in tuple(connections):
            connection.check(now)
        hub.expire()


async def _watch_certificate(certificate: Certificate) -> None:
    while True:
        await asyncio.sleep(REREAD_S)
        certificate.renew()


async def _watch_credentials(desk: _Desk, hub: Hub) -> None:
    while True:
        await asyncio.sleep(RECHECK_S)
        devices = hub.devices()
        if not devices:
            continue
        try:
            gone = await desk.withdrawn(devices)
        except SQLAlchemyError:
            logger.exception("the registry does not answer; devices stay connected")
            continue
        if gone:
            logger.warning(
                "credentials withdrawn: %s", ", ".join(sorted({one.username for one in gone}))
            )
            hub.dismiss(gone)
