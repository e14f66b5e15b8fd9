"""The device's line to the gateway.

Owns the connection and its worker thread: sends what :mod:`delivery` says is
due, answers commands, hands receipts to the spool. Every connection has a client
of its own (:mod:`connection`), so that nothing of an old one can be acknowledged on
a new one; what was under way is in the spool. It decides nothing about carts or screens.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from paho.mqtt.enums import MQTTErrorCode

from cart.kernel.clock import Clock
from cart.kernel.errors import CarryoverError
from gateway.wire import topics
from gateway.wire.codec import decode, decode_command, encode
from gateway.wire.downlink import Ack, AckOutcome, Command, Receipt, Rotate, Status, StockNotice
from gateway.wire.tls import refusal
from gateway.wire.topics import Channel
from store_devices.connection import (
    CONNECT_TIMEOUT_S,
    IDLE_WAIT_S,
    PORTS,
    Came,
    Connected,
    Connection,
    Item,
    Lost,
    Subscribed,
    Woken,
)
from store_devices.delivery import deliveries
from store_devices.link import (
    Answer,
    Hearer,
    Keyring,
    LinkState,
    OneCredential,
    UplinkOptions,
)
from store_devices.spool import Spool

BACK_OFF_MAX_S: Final = 30.0  # a shop whose broker restarts sees all its tablets within that
ROTATED_WAIT_S: Final = 3.0
"""From the answer to a rotation to the connection with the fresh credential: the gateway has
stored it within 50 ms. Where it has not yet, the one before is still good."""
DETAIL_LENGTH_MAX: Final = 500  # of an answer, as the contract has it
FAREWELL_S: Final = 2.0  # for the last status to leave before the connection is closed

_LOG = logging.getLogger(__name__)


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
        keyring: Keyring | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is connected before :meth:`start`. ``jitter`` gives 0 to 1.

        ``telemetry``: what the device says of itself, None when it says nothing.
        """
        self._options = options
        self._spool = spool
        self._clock = clock
        self._hearer = hearer
        self._keyring = keyring or OneCredential(options.credential)
        self._refusals = 0  # of credentials, since one was taken
        self._rotated_at_s: float | None = None
        self._jitter = jitter
        self._deliveries = deliveries(
            spool,
            telemetry,
            clock,
            window_max=options.window_max,
            resend_after_s=options.resend_after_s,
        )
        self._stopping = threading.Event()
        self._complaint = ""
        parts = urlsplit(options.url)
        self._broker = f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
        self._connection: Connection | None = None
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
                connection.inbox.put_nowait(Woken())
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

    def say(self, channel: Channel, payload: bytes) -> bool:
        """Send at QoS 0 and forget; return whether it was sent. From any thread; never waits.

        For what is old when the next one comes. False while the broker is not reached, and
        when so much waits for the line that this would be old when it came.
        """
        connection = self._connection
        if connection is None or not self._state.online:
            return False
        return connection.say(self._options.address.topic(channel), payload)

    def answer(self, command_id: str, answer: Answer) -> None:
        """Answer a command that took a while. From any thread; never waits.

        Where the line is down it is let go: the gateway asks again what it has no answer to.
        """
        connection = self._connection
        if connection is not None and self._state.online:
            self._publish(connection, Channel.ACKS, encode(_ack(command_id, answer)))

    def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            lived = self._connect_and_serve()
            self._connection = None
            self._set_online(online=False)
            failures = 1 if lived else failures + 1
            self._stopping.wait(self._back_off_s(failures))

    def _connect_and_serve(self) -> bool:
        """Work through one connection, from before it is made; return whether it ever stood."""
        try:
            candidates = self._keyring.candidates()
            credential = candidates[self._refusals % len(candidates)]
            connection = Connection(self._options, credential)
        except CarryoverError as error:  # a file of ours; it may be put there while we run
            self._complain(error.message)
            return False
        self._connection = connection
        try:
            connection.open(self._options)
        except (OSError, ValueError) as error:
            _LOG.info("the broker does not answer: %s", error)
            self._complain(refusal(error, self._broker, self._options.ca_file))
            return False
        else:
            self._complaint = ""
            lived = self._serve_safely(connection, credential)
            self._refusals = 0 if lived else self._refusals + 1
            return lived
        finally:
            connection.close()

    def _complain(self, words: str) -> None:
        """Say what is wrong with a certificate, once until it is something else."""
        if words and words != self._complaint:
            _LOG.warning(words)
        self._complaint = words

    def _back_off_s(self, failures: int) -> float:
        """Full jitter over the upper half: a shop's tablets do not come back in one second."""
        ceiling_s: float = min(BACK_OFF_MAX_S, self._options.back_off_min_s * 2.0**failures)
        return ceiling_s * (0.5 + 0.5 * self._jitter())

    def _serve_safely(self, connection: Connection, credential: str) -> bool:
        try:
            return self._serve(connection, credential)
        except Exception:  # noqa: BLE001 - it ends the connection, never the thread
            # A broken disk or a mistake of ours ends this connection, never the uplink:
            # the spool still has everything, and the next connection tries again.
            _LOG.exception("the connection is given up")
            return False

    def _serve(self, connection: Connection, credential: str) -> bool:
        """Work until the connection ends; return whether it ever stood."""
        greeted = False
        self._rotated_at_s = None  # whatever this connection proves itself with, it is a new one
        asked: int | None = None
        deadline_s = self._clock.monotonic() + CONNECT_TIMEOUT_S
        while not self._stopping.is_set():
            item = self._next(connection, greeted=greeted)
            match item:
                case Connected(refusal=""):
                    asked = self._subscribe(connection)
                case Subscribed(mid=mid, refusal="") if mid == asked:
                    greeted = True
                    self._keyring.used(credential)
                    self._greet(connection)
                case Subscribed(mid=mid, refusal=reason) if mid != asked:
                    _LOG.debug("a stock topic: %s", reason or "granted")
                case Connected(refusal=reason) | Subscribed(refusal=reason) | Lost(reason):
                    _LOG.info("the broker is gone: %s", reason)
                    return greeted
                case Came():
                    self._hear(connection, item)
            if greeted:
                self._send(connection)
            elif self._clock.monotonic() > deadline_s:
                return False
        if greeted:
            self._part(connection)
        return greeted

    def _is_to_come_back(self) -> bool:
        """Say whether to connect anew, with the fresh credential that the server has by now."""
        at_s = self._rotated_at_s
        if at_s is None or self._clock.monotonic() < at_s + ROTATED_WAIT_S:
            return False
        self._rotated_at_s = None
        return True

    def _next(self, connection: Connection, *, greeted: bool) -> Item:
        waits = [one.wait_s() for one in self._deliveries.values()] if greeted else []
        due_s = min((one for one in waits if one is not None), default=IDLE_WAIT_S)
        if greeted and self._is_to_come_back():
            return Lost("a fresh credential is tried")
        try:
            return connection.inbox.get(timeout=min(IDLE_WAIT_S, due_s))
        except queue.Empty:
            alive = connection.client.is_connected() or not greeted
            return Woken() if alive else Lost("the network thread ended")

    def _subscribe(self, connection: Connection) -> int | None:
        address = self._options.address
        down = [(address.topic(channel), 1) for channel in topics.DOWN]
        return connection.client.subscribe(down)[1]

    def _greet(self, connection: Connection) -> None:
        """Begin only now: a receipt or command can reach us."""
        self._subscribed = None
        for delivery in self._deliveries.values():
            delivery.connected()
        self._say_status(connection)
        self._set_online(online=True)

    def _send(self, connection: Connection) -> None:
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

    def _say_status(self, connection: Connection) -> None:
        self._announced = self._visit
        status = Status(
            online=True,
            spool=self._spool.id,
            visit=self._announced,
            firmware=self._options.firmware,
            at=self._spool.server_now(),
            boot=self._spool.opened,
        )
        self._publish(connection, Channel.STATUS, encode(status), retain=True)

    def _part(self, connection: Connection) -> None:
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
        self, connection: Connection, channel: Channel, payload: bytes, *, retain: bool = False
    ) -> None:
        connection.client.publish(
            self._options.address.topic(channel), payload, qos=1, retain=retain
        )

    def _hear(self, connection: Connection, came: Came) -> None:
        """Act on one message; a bad one is logged and let go, it would be as bad next time."""
        address = self._options.address
        try:
            if came.topic == address.topic(Channel.RECEIPTS):
                receipt = decode(Receipt, came.payload)
                for delivery in self._deliveries.values():
                    delivery.receipt(receipt)  # passes over what another spool is told
            elif came.topic == address.topic(Channel.COMMANDS):
                answer = self._obey(decode_command(came.payload))
                if answer is not None:
                    self._publish(connection, Channel.ACKS, encode(answer))
            else:
                self._hearer.stock(decode(StockNotice, came.payload))
        except CarryoverError as error:
            _LOG.warning("a message on %s was not understood: %s", came.topic, error.message)
        connection.client.ack(came.mid, came.qos)

    def _obey(self, command: Command) -> Ack | None:
        answer: Answer | None
        try:
            if isinstance(command, Rotate):
                answer = Answer(detail=self._keyring.rotate())
                self._rotated_at_s = self._clock.monotonic()
            else:
                answer = self._hearer.command(command)
        except CarryoverError as error:
            answer = Answer(AckOutcome.REFUSED, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it did, the line must stay up
            _LOG.exception("command %s failed", command.id)
            answer = Answer(AckOutcome.FAILED, type(error).__name__)
        return None if answer is None else _ack(command.id, answer)

    def _set_online(self, *, online: bool) -> None:
        if self._state.online != online:
            self._state = LinkState(online=online, since=self._clock.now())
            self._hearer.link(self._state)


def _ack(command_id: str, answer: Answer) -> Ack:
    return Ack(
        command_id=command_id, outcome=answer.outcome, detail=answer.detail[:DETAIL_LENGTH_MAX]
    )
