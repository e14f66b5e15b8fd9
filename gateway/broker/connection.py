"""One client's connection: packets in, packets out, its keep-alive and its flow control."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.broker.access import Admitted
from gateway.broker.hub import Hub
from gateway.broker.packets import (
    PINGRESP,
    SUBSCRIPTION_REFUSED,
    Acknowledgement,
    Connect,
    ConnectReply,
    Decoder,
    Kind,
    Packet,
    ProtocolError,
    Publish,
    Subscribe,
    Unsubscribe,
    acknowledgement,
    connack,
    publish,
    suback,
)
from gateway.broker.sessions import MqttSession
from gateway.wire.codec import COMMAND_MAX_BYTES
from gateway.wire.events import PAYLOAD_MAX_BYTES

logger = logging.getLogger(__name__)

CONNECT_WAIT_S = 5.0  # a stranger who says nothing is gone after this
CONNECT_BYTES_MAX = 8_192  # ids, a credential and a will; before anybody has proved anything
# Four times what the wire allows: too large an event still reaches the gateway, which says why.
DEVICE_PACKET_BYTES_MAX = 4 * PAYLOAD_MAX_BYTES
SERVER_PACKET_BYTES_MAX = COMMAND_MAX_BYTES + 1_024  # and its topic
KEEP_ALIVE_FACTOR = 1.5  # 3.1.2.10
KEEP_ALIVE_MAX_S = 3_600.0  # also for a client that asks for none: a dead peer is found in the end
UNRELEASED_MAX = 1_000  # QoS 2 messages that a client has begun and not finished
SLOWED_S = 1.0  # a device beyond its limit is read once a second: a second's worth each time
WRITE_CHUNK_BYTES = 65_536  # put together before the socket is asked whether it takes more

# Asked with the common name of the client's certificate; without one, with "".
Admit = Callable[[Connect, str], Awaitable[Admitted | ConnectReply]]


class Connection(asyncio.Protocol):
    """From the first byte to the last. Satisfies :class:`gateway.broker.hub.Link`."""

    admitted: Admitted
    session: MqttSession

    def __init__(self, hub: Hub, admit: Admit, everybody: set["Connection"]) -> None:
        self._hub = hub
        self._admit = admit
        self._everybody = everybody
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(CONNECT_BYTES_MAX)
        self._transport: asyncio.Transport | None = None
        self._out = bytearray()
        self._pumping = False
        self._writable = True
        self._greeted = False
        self._joined = False
        self._admission: asyncio.Task[None] | None = None
        self._held = self._slowed = False
        self._will: Publish | None = None
        self._deadline = self._loop.time() + CONNECT_WAIT_S
        self._patience_s = CONNECT_WAIT_S

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        if not isinstance(transport, asyncio.Transport):
            msg = f"a stream was expected, not {transport!r}"
            raise TypeError(msg)
        self._transport = transport
        self._everybody.add(self)

    def data_received(self, data: bytes) -> None:
        """Take in what came; a stranger whose first byte is no CONNECT's is not waited for."""
        if not self._greeted:
            self._greeted = True
            if data[0] != Kind.CONNECT << 4:
                self.abort()
                return
        self._deadline = self._loop.time() + self._patience_s
        self._decoder.add(data)
        self._take()

    def pause_writing(self) -> None:
        """Send and take nothing: a client that does not read must not make us keep its answers."""
        self._writable = False
        self._listen()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self._listen()
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the hub, with the will if the client did not say goodbye."""
        del exc  # whatever it was, the client is gone
        self._everybody.discard(self)
        self._transport = None
        if self._admission is not None:
            self._admission.cancel()
        if self._joined:
            self._hub.leave(self, self._will)

    # What the hub and the server call.

    def pump(self) -> None:
        """Send soon what waits; many messages become one write."""
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._send_waiting)

    def hold(self) -> None:
        """Take nothing more from the client until :meth:`go_on`."""
        self._held = True
        self._listen()

    def go_on(self) -> None:
        """Take again, first what has come already."""
        self._held = False
        self._listen()
        self._loop.call_soon(self._take)

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        if self._joined:
            self._hub.leave(self, self._will)
        if self._transport is not None:
            self._transport.abort()

    def check(self, now: float) -> None:
        """Close a connection that has been silent too long; one that we hold cannot speak."""
        if now > self._deadline and not self._stopped:
            self.abort()

    # Inside.

    @property
    def _stopped(self) -> bool:
        return self._held or self._slowed or self._admission is not None

    def _listen(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._stopped or not self._writable:
            self._transport.pause_reading()
        else:
            self._deadline = self._loop.time() + self._patience_s
            self._transport.resume_reading()

    def _take(self) -> None:
        if self._stopped:
            return  # whoever ends that takes what waits
        if self._transport is None or self._transport.is_closing():
            return  # what was not acknowledged comes again
        try:
            for packet in self._decoder.packets():
                self._handle(packet)
                if self._stopped or self._transport is None or self._transport.is_closing():
                    return
        except ProtocolError as error:
            who = self.admitted.username if self._joined else "a stranger"
            logger.warning("closing the connection of %s: %s", who, error)
            self.abort()

    def _handle(self, packet: Packet) -> None:
        if not self._joined:
            if not isinstance(packet, Connect):
                msg = "the first packet is no CONNECT"
                raise ProtocolError(msg)
            self._admission = self._loop.create_task(self._enter(packet))
            self._listen()
            return
        match packet:
            case Publish():
                self._published(packet)
            case Acknowledgement():
                self._acknowledged(packet)
            case Subscribe(packet_id, filters):
                granted = [self._hub.subscribe(self, *one) for one in filters]
                replies = [SUBSCRIPTION_REFUSED if one is None else one for one in granted]
                self._answer(suback(packet_id, replies))
            case Unsubscribe(packet_id, names):
                for name in names:
                    self._hub.routes.unsubscribe(self.session, name)
                self._answer(acknowledgement(Kind.UNSUBACK, packet_id))
            case Connect():
                msg = "a second CONNECT"
                raise ProtocolError(msg)
            case _ if packet.kind is Kind.PINGREQ:
                self._answer(PINGRESP)
            case _:
                self._will = None  # 3.14.4: said goodbye
                self._close()

    async def _enter(self, packet: Connect) -> None:
        """Nothing of any session is touched before the client has proved who it is."""
        admitted = await self._admit(packet, _common_name(self._transport))
        self._admission = None
        if self._transport is None or self._transport.is_closing():
            return
        if isinstance(admitted, ConnectReply):
            self._refuse(admitted)
            return
        try:
            session, present = self._hub.enter(admitted, packet.client_id, clean=packet.clean)
        except PermissionError as error:
            logger.warning("%s", error)
            self._refuse(ConnectReply.UNAVAILABLE)
            return
        self.admitted, self.session = admitted, session
        self._will, self._joined = packet.will, True
        self._decoder.packet_bytes_max = (
            SERVER_PACKET_BYTES_MAX if admitted.is_server else DEVICE_PACKET_BYTES_MAX
        )
        asked_s = KEEP_ALIVE_FACTOR * packet.keep_alive_s
        self._patience_s = min(asked_s or KEEP_ALIVE_MAX_S, KEEP_ALIVE_MAX_S)
        self._hub.join(self)
        self._answer(connack(ConnectReply.ACCEPTED, session_present=present))
        for message in session.in_flight.values():  # 4.4: those that it did not acknowledge
            self._out += publish(message, again=True)
        self._listen()
        self._take()

    def _refuse(self, reply: ConnectReply) -> None:
        self._answer(connack(reply))
        self._close()

    def _published(self, message: Publish) -> None:
        if message.qos == 2 and message.packet_id in self.session.received:  # noqa: PLR2004
            self._answer(acknowledgement(Kind.PUBREC, message.packet_id))
            return
        if not self.admitted.may_publish(message.topic):
            # 3.3.5: MQTT 3.1.1 has no word for no. Acknowledging would be a lie, so hang up.
            self._hub.strayed(self, message.topic)
            msg = f"it may not publish to {message.topic}"
            raise ProtocolError(msg)
        self._hub.publish(message, self)
        if message.qos == 1:
            self._answer(acknowledgement(Kind.PUBACK, message.packet_id))
        elif message.qos:
            self._begun(message)
        if self._hub.too_fast(self):
            self._slow_down()

    def _begun(self, message: Publish) -> None:
        if len(self.session.received) >= UNRELEASED_MAX:
            msg = f"{UNRELEASED_MAX} messages of quality 2 begun and not finished"
            raise ProtocolError(msg)
        self.session.received.add(message.packet_id)
        self._answer(acknowledgement(Kind.PUBREC, message.packet_id))

    def _slow_down(self) -> None:
        self._slowed = True
        self._listen()
        self._loop.call_later(SLOWED_S, self._read_again)

    def _read_again(self) -> None:
        self._slowed = False
        self._listen()
        self._take()

    def _acknowledged(self, packet: Acknowledgement) -> None:
        if packet.kind is Kind.PUBACK:
            self.session.acknowledged(packet.packet_id)
            self.pump()
        elif packet.kind is Kind.PUBREL:
            self.session.received.discard(packet.packet_id)
            self._answer(acknowledgement(Kind.PUBCOMP, packet.packet_id))

    def _answer(self, frame: bytes) -> None:
        self._out += frame
        self.pump()

    def _send_waiting(self) -> None:
        self._pumping = False
        if self._transport is None or self._transport.is_closing():
            return
        while self._writable:
            message = self.session.next_to_send() if self._joined else None
            if message is not None:
                self._out += publish(message)
            if self._out and (message is None or len(self._out) >= WRITE_CHUNK_BYTES):
                self._transport.write(bytes(self._out))
                self._out.clear()
            if message is None:
                break
        if self._joined:
            self._hub.sent_some(self.session)

    def _close(self) -> None:
        if self._joined:
            self._hub.leave(self, self._will)
        if self._transport is not None:
            if self._out:
                self._transport.write(bytes(self._out))
                self._out.clear()
            self._transport.close()


def _common_name(transport: asyncio.Transport | None) -> str:
    """Return who the certificate names that the client has proved to have, "" without one."""
    shown = transport.get_extra_info("peercert") if transport else None
    for part in (shown or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""
