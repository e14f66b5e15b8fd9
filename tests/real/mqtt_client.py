"""A real paho client for tests: every wait has an end, what arrived can be asked for."""

import queue
import ssl
import threading
from types import TracebackType
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.wire.line import send_at_once
from tests.real.waiting import wait_until

WAIT_S = 10.0
NOTHING_S = 0.3  # long enough for a loopback broker to deliver what it should not


class MqttClient:
    """One MQTT 3.1.1 connection, as a context: leaving says goodbye, :meth:`die` does not."""

    def __init__(
        self,
        port: int,
        client_id: str,
        username: str | None = None,
        password: str | None = None,
        *,
        clean: bool = True,
        will: tuple[str, bytes] | None = None,
        keep_alive_s: int = 60,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls``: speak it, with a broker whose certificate is for localhost."""
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.reply: ReasonCode | None = None
        self.session_present = False
        self.gone = threading.Event()
        self._answered = threading.Event()
        self._subscribed: queue.Queue[list[ReasonCode]] = queue.Queue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,  # a test that wants to come back makes another
        )
        if username is not None:
            self._client.username_pw_set(username, password)
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)
        self._client.on_socket_open = send_at_once
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.connect("localhost" if tls else "127.0.0.1", port, keep_alive_s)
        self._client.loop_start()
        assert self._answered.wait(WAIT_S), "no answer to CONNECT"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        # Each holds the other, and with it three sockets, until the collector comes by.
        self._client.on_socket_open = None
        self._client.on_connect = None
        self._client.on_disconnect = None
        self._client.on_subscribe = None
        self._client.on_message = None

    @property
    def accepted(self) -> bool:
        """Whether the broker let the client in."""
        return self.reply is not None and not self.reply.is_failure

    def subscribe(self, topic_filter: str, qos: int = 1) -> bool:
        """Subscribe; say whether the broker agreed."""
        self._client.subscribe(topic_filter, qos)
        return not self._subscribed.get(timeout=WAIT_S)[0].is_failure

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and wait for the acknowledgement of a quality over 0."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(WAIT_S)

    def try_publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish; wait until it is sent and acknowledged, or the broker hangs up."""
        sent = self._client.publish(topic, payload, qos, retain)

        def over() -> bool:
            try:
                return self.gone.is_set() or sent.is_published()
            except RuntimeError:  # paho's word for a connection that ended under it
                return True

        wait_until(over)

    def publish_soon(self, topic: str, payload: bytes) -> None:
        """Publish at quality 1 and wait for nothing."""
        self._client.publish(topic, payload, 1)

    def publish_all(self, topic: str, payloads: list[bytes]) -> None:
        """Publish many at once; wait for the last acknowledgement."""
        sent = [self._client.publish(topic, payload, 1) for payload in payloads]
        for one in sent:
            one.wait_for_publish(WAIT_S)

    def next(self) -> tuple[str, bytes]:
        """Return topic and payload of the next message."""
        return self.received.get(timeout=WAIT_S)

    def hears_nothing(self) -> bool:
        """Say whether nothing arrives for a moment."""
        try:
            self.received.get(timeout=NOTHING_S)
        except queue.Empty:
            return True
        return False

    def die(self) -> None:
        """Drop the connection without a goodbye, as a power cut does."""
        socket = self._client.socket()
        assert socket is not None
        socket.close()
        self._client.loop_stop()

    def _on_connect(
        self,
        _client: paho.Client,
        _data: object,
        flags: paho.ConnectFlags,
        reply: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.reply, self.session_present = reply, flags.session_present
        self._answered.set()

    def _on_disconnect(self, *_: object) -> None:
        self.gone.set()
        self._answered.set()

    def _on_subscribe(
        self,
        _client: paho.Client,
        _data: object,
        _mid: int,
        replies: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._subscribed.put(replies)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.received.put((message.topic, bytes(message.payload)))
