"""Messages cut out of the read buffer are those that paho itself would have read there."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.swift import ReadAheadSocket, Received, take_publish

TOPICS = st.text(
    st.characters(exclude_characters="+#\0", exclude_categories=["Cs"]), min_size=1, max_size=80
)
VERSIONS = {False: MQTTProtocolVersion.MQTTv311, True: MQTTProtocolVersion.MQTTv5}


def _length(number: int) -> bytes:
    """Encode a remaining length as MQTT 3.1.1, 2.2.3 spells it out."""
    out = b""
    while True:
        number, digit = divmod(number, 128)
        out += bytes([digit | (0x80 if number else 0)])
        if not number:
            return out


@st.composite
def publishes(draw: st.DrawFn, *, modern: bool) -> bytes:
    """Return a PUBLISH of any QoS, with user properties on MQTT 5."""
    qos = draw(st.integers(0, 2))
    mid = draw(st.integers(1, 65535))
    again = draw(st.booleans()) and qos > 0
    raw = draw(TOPICS).encode()
    body = struct.pack("!H", len(raw)) + raw + (struct.pack("!H", mid) if qos else b"")
    if modern:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        pairs = draw(st.lists(st.tuples(st.text("ab", max_size=90), st.just("v")), max_size=3))
        if pairs:
            properties.UserProperty = pairs
        body += properties.pack()  # type: ignore[no-untyped-call]
    body += draw(st.binary(max_size=400))
    return bytes([0x30 | again << 3 | qos << 1 | draw(st.booleans())]) + _length(len(body)) + body


def as_paho_reads(packet: bytes, *, modern: bool) -> Received:
    """Return what paho's own decoder finds in a whole packet."""
    start = next(place for place in range(1, 5) if packet[place] < 0x80) + 1
    read = _packet.decode_publish(packet[0], packet[start:], VERSIONS[modern])
    return Received(read.topic.decode(), bytes(read.payload), read.mid, read.qos, read.retain)


@given(data=st.data(), modern=st.booleans(), before=st.binary(max_size=9))
def test_a_whole_publish_reads_as_with_paho(
    data: st.DataObject,
    modern: bool,  # noqa: FBT001 - drawn
    before: bytes,
) -> None:
    """Field by field the same, wherever in the buffer it lies; QoS 2 is left to paho."""
    packet = data.draw(publishes(modern=modern))
    wanted = as_paho_reads(packet, modern=modern)
    found = take_publish(before + packet + b"0after", len(before), properties=modern)
    if wanted.qos == 2:
        assert found is None
    else:
        assert found == (wanted, len(before) + len(packet))


@given(data=st.data(), modern=st.booleans())
def test_half_a_publish_is_left_to_paho(data: st.DataObject, modern: bool) -> None:  # noqa: FBT001
    """Cut anywhere, nothing is taken: the rest is still on its way."""
    packet = data.draw(publishes(modern=modern))
    cut = data.draw(st.integers(0, len(packet) - 1))
    assert take_publish(packet[:cut], 0, properties=modern) is None


@given(noise=st.binary(max_size=60), modern=st.booleans())
def test_noise_never_raises_nor_reads_past_its_end(noise: bytes, modern: bool) -> None:  # noqa: FBT001
    """Whatever bytes come, a message is either whole within them or not taken."""
    found = take_publish(noise, 0, properties=modern)
    if found is not None:
        message, end = found
        assert end <= len(noise)
        assert message.payload == noise[end - len(message.payload) : end]


class Wire:
    """A socket that gives these bytes in these portions."""

    def __init__(self, portions: list[bytes]) -> None:
        self.portions = portions

    def recv(self, most: int) -> bytes:
        """Return the next portion."""
        if not self.portions:
            raise BlockingIOError
        portion, self.portions[0] = self.portions[0][:most], self.portions[0][most:]
        if not self.portions[0]:
            del self.portions[0]
        return portion


@given(portions=st.lists(st.binary(min_size=1, max_size=20), max_size=8), data=st.data())
def test_the_buffer_gives_every_byte_once_and_in_order(
    portions: list[bytes], data: st.DataObject
) -> None:
    """However paho asks, it gets the stream; an empty line blocks, it does not end."""
    sock = ReadAheadSocket(Wire(list(portions)), properties=False)
    whole, got = b"".join(portions), b""
    while len(got) < len(whole):
        most = data.draw(st.integers(1, 30))
        chunk = sock.recv(most)
        assert 1 <= len(chunk) <= most
        got += chunk
        assert sock.pending() == sock.ahead()
    assert got == whole
    assert sock.ahead() == 0
    try:
        sock.recv(1)
    except BlockingIOError:
        return
    raise AssertionError
