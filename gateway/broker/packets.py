"""MQTT 3.1.1 as bytes, the server's side of it; no sockets, no sessions.

Section numbers are those of the OASIS standard of 29 October 2014.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

LEVEL = 4  # 3.1.2.2: the protocol level of MQTT 3.1.1
LENGTH_BYTES_MAX = 4  # 2.2.3: a remaining length has one to four bytes


class Kind(IntEnum):
    """Packet types (2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class ConnectReply(IntEnum):
    """What a CONNECT is answered with (3.2.2.3)."""

    ACCEPTED = 0
    WRONG_VERSION = 1
    WRONG_CLIENT_ID = 2
    UNAVAILABLE = 3
    NOT_AUTHORISED = 5


SUBSCRIPTION_REFUSED = 0x80  # 3.9.3
PINGRESP = bytes((Kind.PINGRESP << 4, 0))


class ProtocolError(Exception):
    """These bytes are not MQTT 3.1.1, or more than is allowed; the connection is to be closed."""


@dataclass(frozen=True, slots=True)
class Publish:
    """An application message."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    packet_id: int = 0


@dataclass(frozen=True, slots=True)
class Connect:
    """The first packet of a client. ``level`` other than LEVEL: nothing else was read."""

    level: int
    client_id: str = ""
    username: str = ""
    password: str = ""
    clean: bool = True
    keep_alive_s: int = 0
    will: Publish | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    kind: Kind
    packet_id: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Topic filters with the quality asked for."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Topic filters."""

    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """PINGREQ or DISCONNECT: a packet that is nothing but its type."""

    kind: Kind


Packet = Connect | Publish | Acknowledgement | Subscribe | Unsubscribe | Signal


class Decoder:
    """Cuts a stream of bytes into packets. ``packet_bytes_max`` may be raised while it runs."""

    def __init__(self, packet_bytes_max: int) -> None:
        self.packet_bytes_max = packet_bytes_max
        self._buffer = bytearray()

    def add(self, data: bytes) -> None:
        """Take in what came from the network."""
        self._buffer += data

    def packets(self) -> Iterator[Packet]:
        """Yield the packets that are complete; whoever stops early gets the rest next time.

        Raises:
            ProtocolError: what came is not MQTT 3.1.1, or longer than allowed.
        """
        while (packet := self._next()) is not None:
            yield packet

    def _next(self) -> Packet | None:
        length = shift = 0
        for place in range(1, LENGTH_BYTES_MAX + 1):
            if place >= len(self._buffer):
                return None
            byte = self._buffer[place]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
                break
        else:
            msg = "the remaining length has more than four bytes"
            raise ProtocolError(msg)
        start = place + 1
        if start + length > self.packet_bytes_max:
            msg = f"a packet of {start + length} bytes; {self.packet_bytes_max} are allowed"
            raise ProtocolError(msg)
        if len(self._buffer) < start + length:
            return None
        head = self._buffer[0]
        body = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return _parsed(head, body)


class _Body:
    """A cursor over one packet's bytes; running out of them is a ProtocolError."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            msg = "a field is longer than its packet"
            raise ProtocolError(msg)
        taken, self._at = self._body[self._at : end], end
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def packet_id(self) -> int:
        if (number := self.number()) == 0:
            msg = "a packet id of zero"  # 2.3.1
            raise ProtocolError(msg)
        return number

    def binary(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            text = self.binary().decode()
        except UnicodeDecodeError as error:
            msg = "text that is not UTF-8"
            raise ProtocolError(msg) from error
        if "\0" in text:
            msg = "text with a zero character"  # 1.5.3
            raise ProtocolError(msg)
        return text

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    @property
    def more(self) -> bool:
        return self._at < len(self._body)


# 2.2.2: the four flag bits of every type but PUBLISH are fixed.
_FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}


def _parsed(head: int, raw: bytes) -> Packet:
    try:
        kind = Kind(head >> 4)
    except ValueError as error:
        msg = f"packet type {head >> 4} is reserved"
        raise ProtocolError(msg) from error
    body = _Body(raw)
    if kind is Kind.PUBLISH:
        return _publish(head & 15, body)
    if head & 15 != _FLAGS.get(kind, 0):
        msg = f"wrong flags in {kind.name}"
        raise ProtocolError(msg)
    match kind:
        case Kind.CONNECT:
            return _connect(body)
        case Kind.PUBACK | Kind.PUBREC | Kind.PUBREL | Kind.PUBCOMP:
            return Acknowledgement(kind, body.packet_id())
        case Kind.SUBSCRIBE:
            packet_id = body.packet_id()
            return Subscribe(packet_id, tuple(_subscriptions(body)))
        case Kind.UNSUBSCRIBE:
            packet_id = body.packet_id()
            return Unsubscribe(packet_id, tuple(_filters(body)))
        case Kind.PINGREQ | Kind.DISCONNECT:
            return Signal(kind)
        case _:
            msg = f"{kind.name} is for servers to send"
            raise ProtocolError(msg)


def _publish(flags: int, body: _Body) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3:  # noqa: PLR2004 - 3.3.1.2: both bits set is malformed
        msg = "a quality of service of three"
        raise ProtocolError(msg)
    topic = body.text()
    if not topic or "#" in topic or "+" in topic:
        msg = "a topic name that is empty or has a wildcard"  # 3.3.2.1
        raise ProtocolError(msg)
    packet_id = body.packet_id() if qos else 0
    return Publish(topic, body.rest(), qos, bool(flags & 1), packet_id)


def _connect(body: _Body) -> Connect:
    if body.binary() not in {b"MQTT", b"MQIsdp"}:
        msg = "the first packet is not MQTT's"
        raise ProtocolError(msg)
    level = body.take(1)[0]
    if level != LEVEL:
        return Connect(level)
    flags = body.take(1)[0]
    if flags & 1:
        msg = "the reserved flag of CONNECT is set"  # 3.1.2.3
        raise ProtocolError(msg)
    keep_alive_s = body.number()
    client_id = body.text()
    will = None
    if flags & 4:
        qos = flags >> 3 & 3
        will = Publish(body.text(), body.binary(), min(qos, 2), bool(flags & 32))
        if not will.topic or "#" in will.topic or "+" in will.topic:
            msg = "a will without a topic of its own"
            raise ProtocolError(msg)
    username = body.text() if flags & 128 else ""
    try:
        password = body.binary().decode() if flags & 64 else ""
    except UnicodeDecodeError:
        password = ""  # bytes are allowed; no credential of ours has any
    return Connect(level, client_id, username, password, bool(flags & 2), keep_alive_s, will)


def _filters(body: _Body) -> Iterator[str]:
    if not body.more:
        msg = "no topic filter"
        raise ProtocolError(msg)
    while body.more:
        yield body.text()


def _subscriptions(body: _Body) -> Iterator[tuple[str, int]]:
    if not body.more:
        msg = "no topic filter"
        raise ProtocolError(msg)
    while body.more:
        topic_filter, qos = body.text(), body.take(1)[0]
        if qos > 2:  # noqa: PLR2004
            msg = "a quality of service over two"
            raise ProtocolError(msg)
        yield topic_filter, qos


def _framed(head: int, body: bytes) -> bytes:
    length, frame = len(body), bytearray((head,))
    while True:
        length, byte = length >> 7, length & 0x7F
        frame.append(byte | (0x80 if length else 0))
        if not length:
            break
    return bytes(frame) + body


def connack(reply: ConnectReply, *, session_present: bool = False) -> bytes:
    """Return a CONNACK."""
    return bytes((Kind.CONNACK << 4, 2, session_present, reply))


def acknowledgement(kind: Kind, packet_id: int) -> bytes:
    """Return a PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK."""
    flags = _FLAGS.get(kind, 0)
    return bytes((kind << 4 | flags, 2)) + packet_id.to_bytes(2, "big")


def suback(packet_id: int, replies: list[int]) -> bytes:
    """Return a SUBACK: a granted quality or SUBSCRIPTION_REFUSED per filter."""
    return _framed(Kind.SUBACK << 4, packet_id.to_bytes(2, "big") + bytes(replies))


def publish(message: Publish, *, again: bool = False) -> bytes:
    """Return a PUBLISH; ``again`` sets the DUP flag."""
    head = Kind.PUBLISH << 4 | (8 if again else 0) | message.qos << 1 | message.retain
    topic = message.topic.encode()
    packet_id = message.packet_id.to_bytes(2, "big") if message.qos else b""
    return _framed(head, len(topic).to_bytes(2, "big") + topic + packet_id + message.payload)
