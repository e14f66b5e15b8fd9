"""One connection of a device to the broker: a paho client that is used once and never again.

paho's callbacks only put into a bounded queue, which the uplink's worker empties. It knows
nothing of spools or commands.
"""

import queue
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.wire.codec import encode
from gateway.wire.downlink import Status
from gateway.wire.line import ClosesWhatIsOver, send_at_once
from gateway.wire.tls import client_context
from gateway.wire.topics import Channel
from store_devices.delivery import TELEMETRY_WINDOW_MAX
from store_devices.link import UplinkOptions

INBOX_MAX: Final = 1_000
"""Messages from the broker that wait for the worker; when full, TCP holds the broker back."""
SAID_MAX: Final = 32
"""Messages at QoS 0 that wait for the line: what half a second of the fullest shop brings. When
TCP holds us back for longer, what is not sent is old, and the next one is fresher."""
KEEPALIVE_S: Final = 20  # a tablet that is carried out of the Wi-Fi is seen as gone within 30 s
CONNECT_TIMEOUT_S: Final = 5.0
SESSION_EXPIRY_S: Final = 7 * 24 * 3600  # MQTT 5: the broker keeps our commands for a week
IDLE_WAIT_S: Final = 1.0  # how often the worker looks whether the network thread still lives
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has answered."""

    refusal: str  # empty when the broker took us


@dataclass(frozen=True, slots=True)
class Subscribed:
    """It has answered a subscription."""

    mid: int
    refusal: str  # empty when every topic was granted


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class Came:
    """A message from the broker."""

    topic: str
    payload: bytes
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Woken:
    """There may be something new to send."""


Item = Connected | Subscribed | Lost | Came | Woken


class _Client(ClosesWhatIsOver, Client):
    """paho's, with that."""


class Connection:
    """One paho client for one connection, never used again after it."""

    def __init__(self, options: UplinkOptions, credential: str) -> None:
        """Prepare; nothing is connected before :meth:`open`.

        Raises:
            InvalidInput: a certificate's file is missing or is not what it should be.
        """
        self.inbox: queue.Queue[Item] = queue.Queue(INBOX_MAX)
        self._closed = threading.Event()
        self._saying = threading.Lock()
        self._said: deque[MQTTMessageInfo] = deque()  # at QoS 0, and still to be written
        five = options.version == "5"
        self.client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.address.device_id,
            clean_session=None if five else False,
            protocol=MQTTv5 if five else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client = self.client
        client.username_pw_set(options.address.device_id, credential)
        status = options.address.topic(Channel.STATUS)
        client.will_set(status, encode(Status(online=False)), qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(options.window_max + TELEMETRY_WINDOW_MAX)
        if urlsplit(options.url).scheme == "mqtts":
            client.tls_set_context(
                client_context(options.ca_file, options.cert_file, options.key_file)
            )
        client.on_socket_open = send_at_once
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

    def say(self, topic: str, payload: bytes) -> bool:
        """Hand over at QoS 0, unless SAID_MAX wait for the line; return whether that was done."""
        with self._saying:
            while self._said and self._said[0].is_published():
                self._said.popleft()
            if len(self._said) >= SAID_MAX:
                return False
            sent = self.client.publish(topic, payload, qos=0)
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
            self._said.append(sent)
            return True

    def close(self) -> None:
        """End the network thread; nothing more comes into the inbox, and nothing is left open."""
        self._closed.set()
        self.client.disconnect()
        self.client.loop_stop()
        self.client.close_sockets()

    def _put(self, item: Item) -> None:
        while not self._closed.is_set():
            try:
                self.inbox.put(item, timeout=IDLE_WAIT_S)
            except queue.Full:
                continue
            return

    def _on_connect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._put(Connected(str(reason) if reason.is_failure else ""))

    def _on_subscribe(
        self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._put(Subscribed(mid, ", ".join(refused)))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._put(Lost(str(reason)))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._put(Came(message.topic, bytes(message.payload), message.mid, message.qos))
