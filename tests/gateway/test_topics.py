"""Each device has its own topics and no other; every kind has its list of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.errors import InvalidPayload
from gateway.wire import topics
from gateway.wire.events import EVENTS_OF_KIND, EventType
from gateway.wire.topics import DOWN, UP, Channel, DeviceAddress

ADDRESS = DeviceAddress("p03", "harbour-street", "tablet-7")
NAMES = st.from_regex(topics.NAME, fullmatch=True)
ADDRESSES = st.builds(DeviceAddress, NAMES, NAMES, NAMES)

# Written out by hand: the code's table is compared with this, kind by kind, event by event.
ALLOWED = {
    "tablet": {
        "carryover.item.scanned",
        "carryover.line.removed",
        "carryover.quantity.set",
        "carryover.list.requested",
        "carryover.device.taken_up",
        "carryover.device.put_down",
        "carryover.device.health",
    },
    "scanner": {
        "carryover.item.scanned",
        "carryover.line.removed",
        "carryover.device.taken_up",
        "carryover.device.put_down",
        "carryover.device.health",
    },
    "receiver": {"carryover.band.presented", "carryover.device.health"},
    "mirror": {
        "carryover.device.taken_up",
        "carryover.device.put_down",
        "carryover.look.kept",
        "carryover.device.health",
        "carryover.item.tried",
        "carryover.size.requested",
        "carryover.size.cancelled",
    },
}


def test_every_kind_may_send_exactly_this() -> None:
    """A new kind or event fails here until somebody has decided about it."""
    found = {kind: {event.value for event in EventType if event in allowed}
             for kind, allowed in EVENTS_OF_KIND.items()}  # fmt: skip
    assert found == ALLOWED
    assert {event.value for event in EventType} == set().union(*ALLOWED.values())


def test_every_channel_goes_one_way() -> None:
    """Up: events, telemetry, sightings, status, acks. Down: receipts, commands. No other."""
    assert {*UP} | {*DOWN} == {*Channel}
    assert not {*UP} & {*DOWN}
    up = {"events", "telemetry", "sightings", "status", "acks"}
    assert {channel.value for channel in UP} == up


@pytest.mark.parametrize("channel", Channel)
def test_a_device_publishes_up_and_subscribes_down(channel: Channel) -> None:
    """It may also hear its own status, to see that no other uses its name."""
    topic = ADDRESS.topic(channel)
    assert topics.may_publish(ADDRESS, topic) == (channel in UP)
    assert topics.may_subscribe(ADDRESS, topic) == (channel in (*DOWN, Channel.STATUS))
    assert topics.parse(topic) == (ADDRESS, channel)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    "other",
    [
        DeviceAddress("p04", "harbour-street", "tablet-7"),
        DeviceAddress("p03", "mill-lane", "tablet-7"),
        DeviceAddress("p03", "harbour-street", "tablet-8"),
        DeviceAddress("p03", "harbour-street", "+"),
        DeviceAddress("p03", "+", "tablet-7"),
        DeviceAddress("+", "harbour-street", "tablet-7"),
    ],
    ids=str,
)
def test_anothers_topics_are_closed_both_ways(other: DeviceAddress, channel: Channel) -> None:
    """Neither another device's name nor a wildcard in its place."""
    assert not topics.may_publish(ADDRESS, other.topic(channel))
    assert not topics.may_subscribe(ADDRESS, other.topic(channel))


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    [
        ("shop/v1/stock/desk-lamp", True),
        ("shop/v1/stock/+", True),
        ("shop/v1/stock/#", False),
        ("shop/v1/stock/a/b", False),
        ("shop/v1/stock/", False),
        ("shop/v1/changes/api", False),
        ("shop/v1/changes/+", False),
        ("#", False),
        ("+/v1/stock/+", False),
        ("$SYS/#", False),
        ("$share/g/shop/v1/stock/+", False),
        ("shop/v1/p03/harbour-street/tablet-7/#", False),
        ("shop/v1/p03/harbour-street/tablet-7/+", False),
    ],
)
def test_stock_is_for_all_and_nothing_else_is(topic_filter: str, allowed: bool) -> None:  # noqa: FBT001
    """One product or all of them; no other wildcard, no notice between servers."""
    assert topics.may_subscribe(ADDRESS, topic_filter) == allowed
    assert not topics.may_publish(ADDRESS, topic_filter)


@given(ADDRESSES, st.sampled_from(Channel))
def test_a_topic_tells_whose_it_is(address: DeviceAddress, channel: Channel) -> None:
    """Built and taken apart, an address is the same; so nobody can pass for another."""
    assert topics.parse(address.topic(channel)) == (address, channel)


@given(ADDRESSES, st.text(max_size=120) | ADDRESSES.map(lambda one: one.topic(Channel.EVENTS)))
def test_a_device_publishes_to_its_three_topics_only(address: DeviceAddress, topic: str) -> None:
    """Whatever text it tries."""
    assert topics.may_publish(address, topic) == (topic in {address.topic(one) for one in UP})


@given(
    st.tuples(NAMES, NAMES, NAMES),
    st.integers(0, 2),
    st.text(max_size=6),
    st.sampled_from(["/", "+", "#", " ", "\x00", "$", "A", "é", "\n"]),
)
def test_no_name_with_a_special_letter_gets_through(
    names: tuple[str, str, str], place: int, before: str, special: str
) -> None:
    """Slash, plus and hash mean something to a broker; a name never holds one."""
    spoilt = [*names]
    spoilt[place] = before + special
    with pytest.raises(InvalidPayload):
        topics.parse(DeviceAddress(*spoilt).topic(Channel.EVENTS))


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "shop/v1",
        "shop/v2/p03/harbour-street/tablet-7/events",
        "shop/v1/p03/harbour-street/tablet-7",
        "shop/v1/p03/harbour-street/tablet-7/events/more",
        "shop/v1/p03/harbour-street/tablet-7/secrets",
        "shop/v1/p03/harbour-street/" + "t" * 250 + "/events",
    ],
)
def test_what_is_no_devices_topic_is_refused(topic: str) -> None:
    """Another version, too few or too many parts, an unknown channel, too long."""
    with pytest.raises(InvalidPayload):
        topics.parse(topic)


@given(NAMES)
def test_a_locations_partition_never_changes(location_id: str) -> None:
    """It is a function of the name alone, and one of sixteen."""
    partition = topics.partition_of(location_id)
    assert partition == topics.partition_of(location_id)
    assert partition in {f"p{number:02d}" for number in range(topics.PARTITIONS)}


def test_partitions_are_the_same_on_every_machine() -> None:
    """Python's own hash differs from process to process; this one is written in devices."""
    found = {name: topics.partition_of(name) for name in ("harbour-street", "mill-lane")}
    assert found == {"harbour-street": "p12", "mill-lane": "p10"}
