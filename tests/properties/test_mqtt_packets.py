"""The embedded broker's packets and routes, for every input."""

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from gateway.broker.packets import Decoder, Packet, ProtocolError, Publish, publish
from gateway.broker.routing import Routes, matches, valid_filter
from gateway.broker.sessions import DEVICE_LIMITS, Limits, MqttSession

LEVELS = st.sampled_from(["a", "b", "shop", "", "x-1"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=5).map("/".join).filter(bool)
FILTERS = (
    st.lists(st.one_of(LEVELS, st.sampled_from(["+", "#"])), min_size=1, max_size=5)
    .map("/".join)
    .filter(valid_filter)
)
MESSAGES = st.builds(
    Publish,
    topic=st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=60),
    payload=st.binary(max_size=400),
    qos=st.just(1),
    retain=st.booleans(),
    packet_id=st.integers(1, 65_535),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return ``data`` in pieces."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.lists(MESSAGES, max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_survive_the_wire_however_it_is_cut(
    messages: list[Publish], places: list[int]
) -> None:
    """What was written is read, whatever the network makes of it."""
    decoder, read = Decoder(10_000), list[Packet]()
    for piece in cut(b"".join(map(publish, messages)), places):
        decoder.add(piece)
        read += decoder.packets()
    assert read == messages


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    """Nothing from the network raises anything else, or asks for more than is allowed."""
    decoder = Decoder(200)
    decoder.add(data)
    with suppress(ProtocolError):
        list(decoder.packets())


@given(FILTERS, TOPICS)
def test_filters_match_as_in_paho(topic_filter: str, topic: str) -> None:
    """Another implementation of the same paragraph agrees, and so does the index."""
    expected = topic_matches_sub(topic_filter, topic)
    assert matches(topic_filter, topic) == expected
    routes, session = Routes(), MqttSession(("u", "c"), DEVICE_LIMITS, clean=True)
    routes.subscribe(session, topic_filter, 1)
    assert dict(routes.to(topic)) == ({session: 1} if expected else {})
    routes.retain(Publish(topic, b"x", 1, retain=True))
    assert len(list(routes.retained(topic_filter))) == expected
    routes.forget(session)
    assert routes.to(topic) == ()


@given(st.lists(st.one_of(st.integers(1, 50), st.just("send"), st.just("ack")), max_size=80))
def test_a_session_stays_within_its_limits_and_in_order(steps: list[int | str]) -> None:
    """Whatever comes and goes, at most the oldest are lost, and the rest keep their order."""
    session = MqttSession(("u", "c"), Limits(5, 100, 3), clean=False)
    added = 0
    sent: list[int] = []
    for step in steps:
        if step == "send":
            if (message := session.next_to_send()) is not None:
                sent.append(int(message.topic))
        elif step == "ack":
            if session.in_flight:
                session.acknowledged(next(iter(session.in_flight)))
        else:
            session.add(Publish(str(added), b"x" * int(step), 1))
            added += 1
        assert len(session.waiting) <= 5
        assert len(session.in_flight) <= 3
        assert session.waiting_bytes == sum(len(one.payload) for one in session.waiting)
        assert session.waiting_bytes < 100 + 50
    assert sent == sorted(sent)
    assert len(sent) + len(session.waiting) + session.dropped == added
