"""A paho client that reads many messages per system call and acknowledges a batch in one packet.

Plain paho reads a packet's header byte by byte, asks ``select`` before each packet, builds a
dozen objects for properties that nobody sent, and wakes its own thread for each
acknowledgement. Profiled, that was half of the gateway's time at full load. So whole PUBLISH
packets are taken out of the read buffer here; all else, and whatever is unusual about a
PUBLISH, is left to paho. Two methods that paho does not document are touched
(``_create_socket``, ``_packet_queue``); the tests of the link run them against real brokers,
so a release of paho that changes them fails there.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import MessageType, MQTTErrorCode

from gateway.wire.line import ClosesWhatIsOver

READ_BYTES = 262_144  # what is asked of the system at once: several hundred events
# Packets read before paho looks at what is to be sent; bounds how late an acknowledgement goes.
PACKETS_AT_ONCE = 500
ACKS_AT_ONCE = 1000
# MQTT 5, 3.4.2.1: success without properties leaves the reason code out, as in MQTT 3.1.1.
_PUBACK = struct.Struct("!BBH")
_PUBACK_REMAINING = 2
_MORE = 0x80  # another byte of a variable byte integer follows (MQTT 5, 1.5.5)
_RETAIN = 0x01
_QOS_2 = 2


class Received(NamedTuple):
    """A PUBLISH as it came."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retain: bool


def take_publish(data: bytes, start: int, *, properties: bool) -> tuple[Received, int] | None:
    """Return the PUBLISH that begins at ``start`` and where the next packet begins.

    ``properties``: the connection speaks MQTT 5. None where there is no whole PUBLISH of
    QoS 0 or 1 in readable form: paho says what is to be done with that.
    """
    try:
        head = data[start]
        qos = head >> 1 & 3
        if head & 0xF0 != MessageType.PUBLISH or qos >= _QOS_2:
            return None
        length, at = _number(data, start + 1)
        end = at + length
        if end > len(data):
            return None
        topic_end = at + 2 + (data[at] << 8 | data[at + 1])
        body = topic_end + 2 if qos else topic_end
        mid = data[topic_end] << 8 | data[topic_end + 1] if qos else 0
        if properties:
            skipped, body = _number(data, body)
            body += skipped
        if body > end or topic_end == at + 2:
            return None
        topic = data[at + 2 : topic_end].decode()
    except (IndexError, UnicodeDecodeError):
        return None
    return Received(topic, data[body:end], mid, qos, bool(head & _RETAIN)), end


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a variable byte integer (MQTT 5, 1.5.5); return it and where it ends.

    Raises:
        IndexError: it is longer than four bytes, or than what is there.
    """
    value = 0
    for place in range(4):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < _MORE:
            return value, at + place + 1
    raise IndexError


class ReadAheadSocket:
    """A connected socket with a read buffer; everything else is the socket's own.

    Says in ``pending`` what ``select`` cannot see, as a TLS socket does. While paho holds
    half a packet the buffer is empty: it reads on until the packet or the buffer ends.
    """

    def __init__(self, sock: Any, *, properties: bool) -> None:  # noqa: ANN401 - or paho's wrapper
        self._sock = sock
        self._properties = properties
        self._ahead = b""
        self._start = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        """Return the socket's own attribute."""
        return getattr(self._sock, name)

    def recv(self, most: int) -> bytes:
        """Return up to ``most`` bytes; the system is asked only when nothing is kept.

        Raises:
            BlockingIOError: nothing is there yet.
        """
        start = self._start
        if start == len(self._ahead):
            start = self._start = 0
            self._ahead = b""
            self._ahead = self._sock.recv(READ_BYTES)
        chunk = self._ahead[start : start + most]
        self._start = start + len(chunk)
        return chunk

    def take(self) -> Received | None:
        """Return the PUBLISH at the head of the buffer, if one is there as a whole."""
        found = take_publish(self._ahead, self._start, properties=self._properties)
        if found is None:
            return None
        self._start = found[1]
        return found[0]

    def ahead(self) -> int:
        """Return how many bytes are kept here."""
        return len(self._ahead) - self._start

    def pending(self) -> int:
        """Return how many bytes can be had without the network; TLS may keep some too."""
        below = getattr(self._sock, "pending", None)
        return self.ahead() + (below() if below else 0)


class SwiftClient(ClosesWhatIsOver, paho.Client):
    """paho's client; see the module. ``on_received`` replaces ``on_message``; it must not raise."""

    on_received: Callable[[Received], None]
    may_connect: Callable[[], bool]
    """Asked at the last moment before every connection: paho makes one by itself."""
    on_unreached: Callable[[OSError], None]
    """Told why a connection could not be made; must not raise. paho itself says only that."""

    def _create_socket(self) -> Any:  # noqa: ANN401 - paho's SocketLike is private
        sock = None
        if self.may_connect():
            try:
                sock = super()._create_socket()
            except OSError as error:
                self.on_unreached(error)
                raise
            if not self.may_connect():  # to connect may take seconds
                sock.close()
                sock = None
        if sock is None:
            msg = "the session is not ours just now"
            raise ConnectionAbortedError(msg)  # as if nobody listened: paho tries again later
        return ReadAheadSocket(sock, properties=self._protocol == paho.MQTTv5)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle every packet that is here already, not one for each look at the network."""
        received = self.on_received
        result = super().loop_read(max_packets)
        for _ in range(PACKETS_AT_ONCE):
            sock = self.socket()
            if result or not isinstance(sock, ReadAheadSocket) or not sock.ahead():
                break
            if message := sock.take():
                received(message)
            else:
                result = super().loop_read(max_packets)
        return result

    def ack_all(self, mids: Iterable[int]) -> None:
        """Acknowledge these QoS 1 messages of the present connection, many in one write."""
        waiting = iter(mids)
        for some in iter(lambda: list(islice(waiting, ACKS_AT_ONCE)), []):
            self._packet_queue(MessageType.PUBACK, b"".join(_pubacks(some)), some[0], 1)


def _pubacks(mids: Iterable[int]) -> Iterator[bytes]:
    return (_PUBACK.pack(MessageType.PUBACK, _PUBACK_REMAINING, mid) for mid in mids)
