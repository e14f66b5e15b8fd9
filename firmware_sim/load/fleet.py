"""Many devices' connections in one thread: paho clients without threads, on one selector.

Owns the sockets. Publishes at set moments whatever the gateway does (an open
loop: a slow gateway does not slow the measure down), and notes what comes back.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from cart.kernel.errors import CarryoverError, Unavailable
from firmware_sim.load.messages import Message
from gateway.wire.codec import decode
from gateway.wire.downlink import Receipt
from gateway.wire.topics import Channel, DeviceAddress

KEEPALIVE_S: Final = 300  # nobody turns the wheel while a thousand phones come
INFLIGHT_MAX: Final = 65_535  # an open loop never waits for an acknowledgement
CONNECT_S: Final = 60.0
MISC_EVERY_S: Final = 5.0
LOOK_S: Final = 0.05
SEND_BUFFER_BYTES: Final = 262_144
Spools = tuple[str, str]  # names: of what people do, and of telemetry


@dataclass(frozen=True, slots=True)
class Credential:
    """What one device connects with."""

    address: DeviceAddress
    secret: str


@dataclass(slots=True)
class Heard:
    """What came back, over all devices. Times in milliseconds from publishing."""

    published: int = 0
    acknowledged: int = 0
    confirmed: int = 0
    late_ms: float = 0.0  # the furthest that publishing fell behind its schedule
    receipt_ms: list[float] = field(default_factory=list)
    telemetry_ms: list[float] = field(default_factory=list)
    disconnects: int = 0


class _Device:
    """One connection, and what of its messages has no receipt yet."""

    def __init__(self, credential: Credential, heard: Heard, spools: Spools) -> None:
        self.address = credential.address
        self.ready = False
        self.refusal = ""
        self.leaving = False
        self._waiting: dict[bool, deque[tuple[int, float]]] = {False: deque(), True: deque()}
        self._heard = heard
        self._is_telemetry = {spools[0]: False, spools[1]: True}
        self._receipts = self.address.topic(Channel.RECEIPTS)
        self._topics = {
            False: self.address.topic(Channel.EVENTS),
            True: self.address.topic(Channel.TELEMETRY),
        }
        name = self.address.device_id
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=True, protocol=MQTTv311
        )
        self.client.username_pw_set(name, credential.secret)
        self.client.max_inflight_messages_set(INFLIGHT_MAX)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect

    def publish(self, message: Message) -> None:
        """Send; never waits."""
        self._waiting[message.telemetry].append((message.sequence, time.monotonic()))
        self.client.publish(self._topics[message.telemetry], message.payload, qos=1)
        self._heard.published += 1

    @property
    def waiting(self) -> int:
        """How many of its messages have no receipt yet."""
        return sum(map(len, self._waiting.values()))

    def _on_connect(self, client: Client, *details: Any) -> None:  # noqa: ANN401 - paho's
        if details[2].is_failure:
            self.refusal = str(details[2])
            return
        client.subscribe(self._receipts, 1)

    def _on_subscribe(self, _client: Client, *details: Any) -> None:  # noqa: ANN401 - paho's
        self.ready = not any(reason.is_failure for reason in details[2])
        self.refusal = "" if self.ready else "no subscription"

    def _on_publish(self, *_details: object) -> None:
        self._heard.acknowledged += 1

    def _on_disconnect(self, *_details: object) -> None:
        self._heard.disconnects += not self.leaving

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            receipt = decode(Receipt, bytes(message.payload))
        except CarryoverError:
            return
        telemetry = self._is_telemetry.get(receipt.spool)
        if telemetry is None:
            return
        waiting = self._waiting[telemetry]
        times = self._heard.telemetry_ms if telemetry else self._heard.receipt_ms
        now_s = time.monotonic()
        while waiting and waiting[0][0] <= receipt.stored_through:
            times.append((now_s - waiting.popleft()[1]) * 1000)
            self._heard.confirmed += 1


class Fleet:
    """All connections. ``connect``, ``publish`` a schedule, ``drain``, ``close``."""

    def __init__(self, url: str, credentials: Sequence[Credential], spools: Spools) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 1883
        self.heard = Heard()
        self._devices = [_Device(one, self.heard, spools) for one in credentials]
        self._selector = selectors.DefaultSelector()
        self._full: set[_Device] = set()
        self._misc_at_s = time.monotonic()

    def connect(self) -> None:
        """Connect all, and wait until each may hear its receipts.

        Raises:
            Unavailable: the broker refuses one, or is too slow.
        """
        deadline = time.monotonic() + CONNECT_S
        for device in self._devices:
            try:
                device.client.connect(self._host, self._port, KEEPALIVE_S)
            except OSError as error:
                msg = f"the broker at {self._host}:{self._port} does not answer: {error}"
                raise Unavailable(msg) from error
            line = device.client.socket()
            if isinstance(line, socket.socket):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                self._selector.register(line, selectors.EVENT_READ, device)
            self._look_at(device)
            self._turn(0)
        while not all(device.ready for device in self._devices):
            self._turn(LOOK_S)
            refused = next((one for one in self._devices if one.refusal), None)
            if refused is not None or time.monotonic() > deadline:
                name = refused.address.device_id if refused else "one"
                msg = f"{name} cannot connect: {refused.refusal if refused else 'no answer'}"
                raise Unavailable(msg)

    def publish(
        self, messages: Sequence[Message], rate: float, note: Callable[[str], None]
    ) -> float:
        """Publish message ``i`` at ``i / rate`` seconds; return the seconds that it took.

        ``note`` is told every event id just before it goes.
        """
        began_s = time.monotonic()
        next_one = 0
        while next_one < len(messages):
            passed_s = time.monotonic() - began_s
            due = min(len(messages), int(passed_s * rate) + 1)
            if next_one < due:
                late_ms = (passed_s - next_one / rate) * 1000
                self.heard.late_ms = max(self.heard.late_ms, late_ms)
            while next_one < due:
                message = messages[next_one]
                note(message.event_id)
                device = self._devices[message.device]
                device.publish(message)
                self._look_at(device)
                next_one += 1
            wait_s = began_s + next_one / rate - time.monotonic()
            self._turn(max(0.0, min(wait_s, LOOK_S)))
        return time.monotonic() - began_s

    def drain(self, wait_s: float) -> int:
        """Wait for the receipts that are missing; return how many messages have none."""
        deadline = time.monotonic() + wait_s
        while any(one.waiting for one in self._devices) and time.monotonic() < deadline:
            self._turn(LOOK_S)
        return sum(one.waiting for one in self._devices)

    def close(self) -> None:
        """Disconnect all."""
        for device in self._devices:
            device.leaving = True
            device.client.disconnect()
        self._selector.close()

    def _turn(self, wait_s: float) -> None:
        for device in tuple(self._full):  # the few whose socket did not take all at once
            device.client.loop_write()
            self._look_at(device)
        for key, _ in self._selector.select(min(wait_s, LOOK_S / 10) if self._full else wait_s):
            key.data.client.loop_read()
            self._look_at(key.data)
        if time.monotonic() >= self._misc_at_s:
            self._misc_at_s = time.monotonic() + MISC_EVERY_S
            for device in self._devices:
                device.client.loop_misc()
                self._look_at(device)

    def _look_at(self, device: _Device) -> None:
        if device.client.want_write():
            self._full.add(device)
        else:
            self._full.discard(device)
