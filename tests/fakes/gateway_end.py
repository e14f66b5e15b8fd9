"""The gateway's end of the wire, small: keeps what arrives and answers when told to."""

import json
import queue
import threading
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from gateway.wire.codec import decode, decode_event, encode
from gateway.wire.downlink import Ack, Receipt, Status
from gateway.wire.events import DeviceEvent
from gateway.wire.sightings import Sightings
from gateway.wire.topics import Channel, DeviceAddress


class GatewayEnd:
    """Subscribes to one device; ``answering`` says whether receipts are sent."""

    def __init__(self, port: int, address: DeviceAddress) -> None:
        self.answering = True
        self.events: list[DeviceEvent] = []  # each once, in the order they first came
        self.channels: dict[str, str] = {}  # by event id, the last one
        self.qos: dict[str, set[int]] = {}  # of channels, as messages came
        self.arrivals = 0
        self.chain: list[str] = []  # ids in the order in which they could be receipted
        self.acks: queue.Queue[Ack] = queue.Queue()
        self.statuses: queue.Queue[Status] = queue.Queue()
        self.sightings: queue.Queue[Sightings] = queue.Queue()
        self._address = address
        self._port = port
        self._seen: set[str] = set()
        self._through: dict[str, int] = {}
        self._changed = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect

    def start(self) -> None:
        """Connect; returns when subscribed."""
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
        # A circle of ours would keep paho's sockets open until the collector comes by.
        self._client.on_subscribe = self._client.on_connect = self._client.on_message = None

    def command(self, payload: bytes) -> None:
        """Send bytes down the commands channel."""
        self._client.publish(self._address.topic(Channel.COMMANDS), payload, qos=1)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send bytes on any topic."""
        self._client.publish(topic, payload, qos=1)

    def receipt(
        self,
        spool: str,
        through: int,
        at: datetime | None = None,
        resend_from: int | None = None,
    ) -> None:
        """Send a receipt."""
        note = Receipt(
            spool=spool,
            stored_through=through,
            at=at or datetime.now(UTC),
            resend_from=resend_from,
        )
        self._client.publish(self._address.topic(Channel.RECEIPTS), encode(note), qos=1)

    def wait_for(self, count: int, timeout_s: float = 30) -> list[DeviceEvent]:
        """Return the first events once ``count`` different ones are here."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, timeout_s), (
                f"{len(self.events)} of {count} events came"
            )
            return list(self.events)

    def wait_for_arrivals(self, count: int, timeout_s: float = 30) -> None:
        """Wait until ``count`` messages have come, the same one again counted again."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.arrivals >= count, timeout_s)

    def _on_connect(self, *_: Any) -> None:  # noqa: ANN401 - paho's callback
        up = (Channel.EVENTS, Channel.TELEMETRY, Channel.ACKS, Channel.STATUS, Channel.SIGHTINGS)
        # All at 1, so that each comes as it was published: a broker raises none.
        self._client.subscribe([(self._address.topic(channel), 1) for channel in up])

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        self.qos.setdefault(message.topic.rpartition("/")[2], set()).add(message.qos)
        if message.topic.endswith("/acks"):
            self.acks.put(decode(Ack, payload))
        elif message.topic.endswith("/status"):
            self.statuses.put(decode(Status, payload))
        elif message.topic.endswith("/sightings"):
            self.sightings.put(decode(Sightings, payload))
        else:
            event = decode_event(payload)
            self.channels[event.id] = message.topic.rpartition("/")[2]
            self._store(event, json.loads(payload))

    def _store(self, event: DeviceEvent, raw: dict[str, Any]) -> None:
        with self._changed:
            self.arrivals += 1
            if event.id not in self._seen:
                self._seen.add(event.id)
                self.events.append(event)
            through = self._through.get(event.spool, 0)
            if raw["previous"] <= through < event.sequence:
                self.chain.append(event.id)
            if raw["previous"] <= through:
                self._through[event.spool] = max(through, event.sequence)
            self._changed.notify_all()
        if self.answering:
            self.receipt(event.spool, self._through.get(event.spool, 0))
