"""The device's line to the gateway, and the devices' only paho.

Owns the connection and its worker thread: sends what :mod:`delivery` says is
due, answers commands, hands receipts to the spool. paho's callbacks only put
into a bounded queue. Every connection has a client of its own, so that nothing
of an old one can be acknowledged on a new one; what was under way is in the
spool. It decides nothing about carts or screens.
"""

import logging
import queue
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from gateway.wire import topics
from gateway.wire.codec import decode, decode_command, encode
from gateway.wire.downlink import Ack, AckOutcome, Command, Receipt, Status, StockNotice
from gateway.wire.topics import Channel
from store_devices.delivery import TELEMETRY_WINDOW_MAX, deliveries
from store_devices.link import Answer, Hearer, LinkState, UplinkOptions
from store_devices.spool import Spool

INBOX_MAX: Final = 1_000
"""Messages from the broker that wait for the worker; when full, TCP holds the broker back."""
KEEPALIVE_S: Final = 20  # a tablet that is carried out of the Wi-Fi is seen as gone within 30 s
CONNECT_TIMEOUT_S: Final = 5.0
BACK_OFF_MAX_S: Final = 30.0  # a shop whose broker restarts sees all its tablets within that
SESSION_EXPIRY_S: Final = 7 * 24 * 3600  # MQTT 5: the broker keeps our commands for a week
IDLE_WAIT_S: Final = 1.0  # how often the worker looks whether the network thread still lives
FAREWELL_S: Final = 2.0  # for the last status to leave before the connection is closed
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Connected:
    refusal: str  # empty when the broker took us


@dataclass(frozen=True, slots=True)
class _Subscribed:
    mid: int
    refusal: str  # empty when every topic was granted


@dataclass(frozen=True, slots=True)
class _Lost:
    reason: str


@dataclass(frozen=True, slots=True)
class _Came:
    topic: str
    payload: bytes
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class _Woken:
    """There may be something new to send."""


_Item = _Connected | _Subscribed | _Lost | _Came | _Woken


class _Connection:
    """One paho client for one connection, never used again after it."""

    def __init__(self, options: UplinkOptions) -> None:
        self.inbox: queue.Queue[_Item] = queue.Queue(INBOX_MAX)
        self._closed = threading.Event()
        five = options.version == "5"
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.address.device_id,
            clean_session=None if five else False,
            protocol=MQTTv5 if five else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client = self.client
        client.username_pw_set(options.address.device_id, options.credential)
        status = options.address.topic(Channel.STATUS)
        client.will_set(status, encode(Status(online=False)), qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(options.window_max + TELEMETRY_WINDOW_MAX)
        if urlsplit(options.url).scheme == "mqtts":
            client.tls_set(ca_certs=str(options.ca_file) if options.ca_file else None)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message

    def open(self, options: UplinkOptions) -> None:
        """Connect and start the network thread.

        Raises:
            OSError: nobody answers, or not in TLS.
        """
        parts = urlsplit(options.url)
        arguments: dict[str, Any] = {}
        if options.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            arguments = {"clean_start": False, "properties": properties}
        port = parts.port or PORTS[parts.scheme]
        self.client.connect(parts.hostname or "127.0.0.1", port, KEEPALIVE_S, **arguments)
        self.client.loop_start()

    def close(self) -> None:
        """End the network thread; nothing more comes into the inbox."""
        self._closed.set()
        self.client.disconnect()
        self.client.loop_stop()

    def _put(self, item: _Item) -> None:
        while not self._closed.is_set():
            try:
                self.inbox.put(item, timeout=IDLE_WAIT_S)
            except queue.Full:
                continue
            return

    def _on_connect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._put(_Connected(str(reason) if reason.is_failure else ""))

    def _on_subscribe(
        self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._put(_Subscribed(mid, ", ".join(refused)))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._put(_Lost(str(reason)))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._put(_Came(message.topic, bytes(message.payload), message.mid, message.qos))


class Uplink:
    """Keeps a device connected; start it once, stop it once."""

    def __init__(
        self,
        options: UplinkOptions,
        *,
        spool: Spool,
        telemetry: Spool | None = None,
        clock: Clock,
        hearer: Hearer,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is connected before :meth:`start`. ``jitter`` gives 0 to 1.

        ``telemetry``: what the device says of itself, None when it says nothing.
        """
        self._options = options
        self._spool = spool
        self._clock = clock
        self._hearer = hearer
        self._jitter = jitter
        self._deliveries = deliveries(
            spool,
            telemetry,
            clock,
            window_max=options.window_max,
            resend_after_s=options.resend_after_s,
        )
        self._stopping = threading.Event()
        self._connection: _Connection | None = None
        self._visit: str | None = None
        self._announced: str | None = None
        self._watched: str | None = None
        self._subscribed: str | None = None
        self._state = LinkState(online=False, since=clock.now())
        self._worker = threading.Thread(target=self._work, name="uplink", daemon=True)

    @property
    def state(self) -> LinkState:
        """Whether the broker is reached, and since when."""
        return self._state

    def start(self) -> None:
        """Connect, and stay connected, in a thread of its own."""
        self._worker.start()

    def stop(self) -> None:
        """Say offline, disconnect and end the thread; what is unsent stays in the spool."""
        self._stopping.set()
        self.wake()
        self._worker.join()

    def wake(self) -> None:
        """Send what has come into the spool. From any thread; never waits."""
        connection = self._connection
        if connection is not None:
            try:
                connection.inbox.put_nowait(_Woken())
            except queue.Full:
                return  # the worker looks at the spool after every item anyway

    def watch(self, product_id: str | None) -> None:
        """Hear the stock of this product from now on, and of no other."""
        self._watched = product_id
        self.wake()

    def announce(self, visit: str | None) -> None:
        """Say on the status topic which visit is in progress."""
        self._visit = visit
        self.wake()

    def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            connection = _Connection(self._options)
            self._connection = connection
            try:
                connection.open(self._options)
            except (OSError, ValueError) as error:
                _LOG.info("the broker does not answer: %s", error)
                lived = False
            else:
                lived = self._serve_safely(connection)
            self._connection = None
            connection.close()
            self._set_online(online=False)
            failures = 1 if lived else failures + 1
            self._stopping.wait(self._back_off_s(failures))

    def _back_off_s(self, failures: int) -> float:
        """Full jitter over the upper half: a shop's tablets do not come back in one second."""
        ceiling_s: float = min(BACK_OFF_MAX_S, self._options.back_off_min_s * 2.0**failures)
        return ceiling_s * (0.5 + 0.5 * self._jitter())

    def _serve_safely(self, connection: _Connection) -> bool:
        try:
            return self._serve(connection)
        except Exception:  # noqa: BLE001 - it ends the connection, never the thread
            # A broken disk or a mistake of ours ends this connection, never the uplink:
            # the spool still has everything, and the next connection tries again.
            _LOG.exception("the connection is given up")
            return False

    def _serve(self, connection: _Connection) -> bool:
        """Work until the connection ends; return whether it ever stood."""
        greeted = False
        asked: int | None = None
        deadline_s = self._clock.monotonic() + CONNECT_TIMEOUT_S
        while not self._stopping.is_set():
            item = self._next(connection, greeted=greeted)
            match item:
                case _Connected(refusal=""):
                    asked = self._subscribe(connection)
                case _Subscribed(mid=mid, refusal="") if mid == asked:
                    greeted = True
                    self._greet(connection)
                case _Subscribed(mid=mid, refusal=reason) if mid != asked:
                    _LOG.debug("a stock topic: %s", reason or "granted")
                case _Connected(refusal=reason) | _Subscribed(refusal=reason) | _Lost(reason):
                    _LOG.info("the broker is gone: %s", reason)
                    return greeted
                case _Came():
                    self._hear(connection, item)
            if greeted:
                self._send(connection)
            elif self._clock.monotonic() > deadline_s:
                return False
        if greeted:
            self._part(connection)
        return greeted

    def _next(self, connection: _Connection, *, greeted: bool) -> _Item:
        waits = [one.wait_s() for one in self._deliveries.values()] if greeted else []
        due_s = min((one for one in waits if one is not None), default=IDLE_WAIT_S)
        try:
            return connection.inbox.get(timeout=min(IDLE_WAIT_S, due_s))
        except queue.Empty:
            alive = connection.client.is_connected() or not greeted
            return _Woken() if alive else _Lost("the network thread ended")

    def _subscribe(self, connection: _Connection) -> int | None:
        address = self._options.address
        down = [(address.topic(channel), 1) for channel in topics.DOWN]
        return connection.client.subscribe(down)[1]

    def _greet(self, connection: _Connection) -> None:
        """Begin only now: a receipt or command can reach us."""
        self._subscribed = None
        for delivery in self._deliveries.values():
            delivery.connected()
        self._say_status(connection)
        self._set_online(online=True)

    def _send(self, connection: _Connection) -> None:
        if self._watched != self._subscribed:
            if self._subscribed is not None:
                connection.client.unsubscribe(topics.stock(self._subscribed))
            self._subscribed = self._watched
            if self._subscribed is not None:
                connection.client.subscribe(topics.stock(self._subscribed), qos=0)
        if self._visit != self._announced:
            self._say_status(connection)
        for channel, delivery in self._deliveries.items():
            topic = self._options.address.topic(channel)
            for event in delivery.due():
                sent = connection.client.publish(topic, event.payload, qos=1)
                if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return  # the connection is going; all of it is sent again on the next one
                delivery.sent(event)

    def _say_status(self, connection: _Connection) -> None:
        self._announced = self._visit
        status = Status(
            online=True,
            spool=self._spool.id,
            visit=self._announced,
            firmware=self._options.firmware,
            at=self._spool.server_now(),
        )
        self._publish(connection, Channel.STATUS, encode(status), retain=True)

    def _part(self, connection: _Connection) -> None:
        message = connection.client.publish(
            self._options.address.topic(Channel.STATUS),
            encode(Status(online=False, at=self._spool.server_now())),
            qos=1,
            retain=True,
        )
        try:
            message.wait_for_publish(FAREWELL_S)
        except (RuntimeError, ValueError):  # it was just cut off; the last will says it for us
            _LOG.debug("no farewell")

    def _publish(
        self, connection: _Connection, channel: Channel, payload: bytes, *, retain: bool = False
    ) -> None:
        connection.client.publish(
            self._options.address.topic(channel), payload, qos=1, retain=retain
        )

    def _hear(self, connection: _Connection, came: _Came) -> None:
        """Act on one message; a bad one is logged and let go, it would be as bad next time."""
        address = self._options.address
        try:
            if came.topic == address.topic(Channel.RECEIPTS):
                receipt = decode(Receipt, came.payload)
                for delivery in self._deliveries.values():
                    delivery.receipt(receipt)  # passes over what another spool is told
            elif came.topic == address.topic(Channel.COMMANDS):
                answer = self._obey(decode_command(came.payload))
                self._publish(connection, Channel.ACKS, encode(answer))
            else:
                self._hearer.stock(decode(StockNotice, came.payload))
        except CarryoverError as error:
            _LOG.warning("a message on %s was not understood: %s", came.topic, error.message)
        connection.client.ack(came.mid, came.qos)

    def _obey(self, command: Command) -> Ack:
        try:
            answer = self._hearer.command(command)
        except CarryoverError as error:
            answer = Answer(AckOutcome.REFUSED, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it did, the line must stay up
            _LOG.exception("command %s failed", command.id)
            answer = Answer(AckOutcome.FAILED, type(error).__name__)
        return Ack(command_id=command.id, outcome=answer.outcome, detail=answer.detail[:500])

    def _set_online(self, *, online: bool) -> None:
        if self._state.online != online:
            self._state = LinkState(online=online, since=self._clock.now())
            self._hearer.link(self._state)


def _send_at_once(_client: Client, _data: object, sock: Any) -> None:  # noqa: ANN401 - paho's
    """Turn Nagle's algorithm off: one scan behind another would wait 40 ms for the broker's ack."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
