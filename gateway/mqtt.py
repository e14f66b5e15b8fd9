"""The server's only paho: a connection that acknowledges by hand and never acks stale.

Callbacks enqueue or hand over, and nothing else: an exception in one would end
the network thread while the client still says it is connected.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.swift import Received, SwiftClient
from gateway.wire.line import send_at_once
from gateway.wire.tls import client_context, refusal

logger = logging.getLogger(__name__)

KEEPALIVE_S = 30  # a dead link is noticed within 45 s; a shop's Wi-Fi drops for shorter
RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 30
# The broker keeps our session this long while we are away; longer than a night's shutdown.
SESSION_EXPIRY_S = 7 * 24 * 3600
RECEIVE_MAXIMUM = 65_535  # the protocol's own limit of unacknowledged messages
# Of QoS 1 that the broker has not acknowledged: carts and commands of 2 kB as a rule (10 MB), of
# 128 kB at most. What is more is refused: while a broker is away carts change on, each of those
# commands is worth less than the one after it, and the database has all of them.
OUTGOING_MAX = 5_000
# Of all connections of this process: a message of one link is never taken for another's.
_GENERATIONS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Address:
    """Where and as whom to connect; from ``mqtt://user:password@host:port``."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    version: str  # "3.1.1" or "5"
    ca_file: Path | None = None  # of TLS; None: whom the system trusts


def address_of(url: str, version: str, ca_file: Path | None = None) -> Address:
    """Take an ``mqtt://`` or ``mqtts://`` URL apart."""
    parts = urlsplit(url)
    tls = parts.scheme == "mqtts"
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or (8883 if tls else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
        version=version or "5",
        ca_file=ca_file,
    )


class Incoming(NamedTuple):
    """One message. ``generation`` says on which connection it came."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retain: bool
    generation: int


class MqttLink:
    """One client with its own network thread; reconnects by itself, for ever.

    ``on_message`` runs in the network thread: it must only enqueue. With
    ``by_hand`` the broker sees an acknowledgement only after :meth:`ack`.
    ``find`` is asked for the address before every connection, so that a broker
    that moved is found again; ``may_connect`` whether there is to be one at all.
    """

    def __init__(
        self,
        find: Callable[[], Address],
        *,
        client_id: str,
        subscriptions: Sequence[tuple[str, int]],
        on_message: Callable[[Incoming], None],
        on_online: Callable[[], None] = lambda: None,
        by_hand: bool = False,
        receive_maximum: int = RECEIVE_MAXIMUM,
        may_connect: Callable[[], bool] = lambda: True,
    ) -> None:
        self._find = find
        self._may_connect = may_connect
        self._subscriptions = list(subscriptions)
        self._on_message = on_message
        self._on_online = on_online
        self._by_hand = by_hand
        self._receive_maximum = min(receive_maximum, RECEIVE_MAXIMUM)
        self.first_generation = self._generation = next(_GENERATIONS)
        self.connections = 0  # since the start
        self.acked = 0  # messages that the broker need not send again
        self.refused = 0  # publications of QoS 1 for which there was no room
        self._lock = threading.Lock()
        self._online = threading.Event()
        self._stopping = False
        self._trouble = ""
        self._address = find()
        self._client = self._make(self._address, client_id)

    def _make(self, address: Address, client_id: str) -> SwiftClient:
        modern = address.version == "5"
        client = SwiftClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if modern else not self._by_hand,
            protocol=paho.MQTTv5 if modern else paho.MQTTv311,
            manual_ack=self._by_hand,
        )
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        client.max_queued_messages_set(OUTGOING_MAX)
        if address.username:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set_context(client_context(address.ca_file))
        client.may_connect = self._may_connect
        client.on_socket_open = send_at_once
        client.on_connect = self._connected
        client.on_connect_fail = self._not_connected
        client.on_unreached = self._unreached
        client.on_disconnect = self._disconnected
        client.on_message = self._unusual
        client.on_received = self._received
        client.on_subscribe = self._subscribed
        return client

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._aim()
        self._client.loop_start()

    def forsake(self) -> None:
        """Take in and acknowledge nothing any more, from this moment on."""
        self._stopping = True
        with self._lock:
            self._generation = next(_GENERATIONS)

    def stop(self) -> None:
        """Disconnect and end the network thread; waits for it, up to a connection's timeout."""
        self.forsake()
        self._client.disconnect()
        self._client.loop_stop()
        self._client.close_sockets()
        self._online.clear()

    @property
    def generation(self) -> int:
        """Which of this process's connections the present one is; later ones are greater."""
        return self._generation

    @property
    def stopping(self) -> bool:
        """Whether nothing that comes is wanted any more."""
        return self._stopping

    @property
    def online(self) -> bool:
        """Whether the broker has confirmed our subscriptions on the present connection."""
        return self._online.is_set()

    @property
    def trouble(self) -> str:
        """Why the broker's certificate was refused, or ours by it; empty when none was."""
        return self._trouble

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until :attr:`online`; say whether it came in time."""
        return self._online.wait(timeout_s)

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Send; while offline QoS 1 waits in memory, and QoS 0 is dropped (see callers).

        With ``OUTGOING_MAX`` waiting it is refused and counted in :attr:`refused`: whoever
        publishes says it again from the database when we are online.
        """
        if qos == 0 and not self.online:
            return
        sent = self._client.publish(topic, payload, qos=qos, retain=retain)
        if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            if not self.refused:
                logger.warning("%d messages wait for the broker; no more are taken", OUTGOING_MAX)
            self.refused += 1

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge those messages that came on the present connection; return how many.

        The rest will come again: their packet ids may name other messages by now.
        """
        with self._lock:
            present = self._generation
            mids = [one.mid for one in messages if one.qos and one.generation == present]
            self._client.ack_all(mids)
            self.acked += len(mids)
        return len(mids)

    def _aim(self) -> None:
        address = self._address = self._find()
        properties = None
        if address.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S if self._by_hand else 0
            properties.ReceiveMaximum = self._receive_maximum
            self._client.connect_async(
                address.host, address.port, KEEPALIVE_S, clean_start=not self._by_hand,
                properties=properties,
            )  # fmt: skip
        else:
            self._client.connect_async(address.host, address.port, KEEPALIVE_S)

    def _connected(self, client: paho.Client, *details: Any) -> None:  # noqa: ANN401 - paho's
        reason = details[2]
        if reason.is_failure:
            logger.error("the broker refused us: %s", reason)
            return
        if self._stopping:
            client.disconnect()
            return
        with self._lock:
            self._generation = next(_GENERATIONS)
            self.connections += 1
        self._trouble = ""
        if self._subscriptions:
            client.subscribe(self._subscriptions)
        else:
            self._now_online()

    def _subscribed(self, _client: paho.Client, *details: Any) -> None:  # noqa: ANN401
        reasons = details[2]
        if refused := [str(reason) for reason in reasons if reason.is_failure]:
            logger.error("the broker refused our subscriptions: %s", refused)
            return
        self._now_online()

    def _now_online(self) -> None:
        self._online.set()
        try:
            self._on_online()
        except Exception:  # an exception here would end the network thread in silence
            logger.exception("after connecting")

    def _disconnected(self, *details: Any) -> None:  # noqa: ANN401
        reason = details[3]
        with self._lock:
            self._generation = next(_GENERATIONS)
        self._online.clear()
        if self._stopping:
            return
        logger.warning("the connection to the broker ended: %s", reason)
        self._aim_again()

    def _unreached(self, error: OSError) -> None:
        """Say once, and keep, what is wrong with the broker's certificate."""
        address = self._address
        found = refusal(error, f"{address.host}:{address.port}", address.ca_file)
        if found and found != self._trouble:
            logger.error(found)
        self._trouble = found

    def _not_connected(self, *_details: Any) -> None:  # noqa: ANN401 - paho's
        self._aim_again()

    def _aim_again(self) -> None:
        """Look where the broker is now: it may have come back on another port."""
        try:
            self._aim()
        except Exception:  # the address could not be found just now; the old one is tried again
            logger.exception("looking for the broker")

    def _unusual(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        """Take a message that paho had to read: the half of a buffer, or of QoS 2."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            logger.error("a message whose topic is no UTF-8 is left with the broker")  # noqa: TRY400
            return
        self._received(
            Received(topic, bytes(message.payload), message.mid, message.qos, message.retain)
        )

    def _received(self, message: Received) -> None:
        if self._stopping:
            return
        try:
            self._on_message(Incoming(*message, self._generation))
        except Exception:  # an exception here would end the network thread in silence
            logger.exception("taking in a message")
