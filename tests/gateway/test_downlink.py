"""What devices are told, and what no device can spoil for the others."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from cart.carts.service import open_session
from cart.db import unit_of_work
from gateway.binding.news import changed
from gateway.commands.service import ask_clear
from gateway.downlink import Downlink
from gateway.fanout import Fanout
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import stations_heard
from gateway.mqtt import MqttLink
from gateway.notices import CameraSwitched, CartChanged, Notice
from gateway.wire.codec import decode_command
from gateway.wire.downlink import Clear, Command, Rejected, ShowCart, ShowStop, SwitchCamera
from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from tests.fakes.shop import Tablet, enrolled, ingest, stock_catalogue
from tests.gateway.test_ingest_batch import CLOCK, IDS, bound

DOMAIN = Domain(CLOCK, IDS, sellables)


class Wire:
    """Keeps what is sent to devices; stands for the link and for the fan-out."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.online, self.refused = True, 0

    def publish(self, *said: str | bytes | Notice, qos: int = 0) -> None:
        """Keep a message to a device; notices to other processes are not looked at."""
        if qos or (len(said) == 2 and isinstance(said[1], bytes)):
            self.sent.append(cast("tuple[str, bytes]", said))

    def commands(self, tablet: Tablet) -> list[Command]:
        """Return the commands that one tablet was sent."""
        topic = tablet.address.topic(Channel.COMMANDS)
        return [decode_command(payload) for to, payload in self.sent if to == topic]


@pytest.fixture
def wire() -> Wire:
    """A line that keeps everything."""
    return Wire()


@pytest.fixture
def downlink(engine: Engine, wire: Wire) -> Iterator[Downlink]:
    """The gateway's voice in a shop with three articles; stopped, it has said everything."""
    stock_catalogue(engine)
    domain = Domain(CLOCK, IDS, sellables)
    found = Downlink(engine, domain, cast("MqttLink", wire), cast("Fanout", wire))
    yield found
    found.stop()


def test_an_event_that_cannot_be_read_is_refused_by_name(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """The contract's invalid_gtin and invalid_payload reach the device, as far as it has a name."""
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    wrong = tablet.event("item.scanned", {"visit": "v1", "gtin": "123"})
    odd = tablet.event("item.scanned", {"visit": 7, "gtin": "123"}, id="b", type=[])
    nameless = tablet.event("item.scanned", {}, id="with space")
    events: list[dict[str, Any] | bytes] = [wrong, odd, nameless, b"{"]
    downlink.after(ingest(engine, CLOCK, IDS, *map(tablet.message, events)))
    told = [one.data for one in wire.commands(tablet) if isinstance(one, Rejected)]
    assert [(one.event_id, one.visit, one.code) for one in told] == [
        (wrong["id"], "v1", "invalid_gtin"),
        ("b", None, "invalid_payload"),
    ]


def test_a_clock_at_the_end_of_the_calendar_spoils_no_cart(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """A cart is shown, and can still be changed later, whatever year its device believes in."""
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    far = tablet.scanned("v1", time="9999-12-31T23:59:59-14:00")
    ingest(engine, CLOCK, IDS, tablet.message(far))
    downlink.hear([CartChanged(bound(engine, tablet, "v1").cart_id, 1)])
    downlink.start()
    downlink.stop()
    assert [type(one) for one in wire.commands(tablet)] == [ShowCart]


def test_carts_that_changed_together_are_shown_once_each_and_only_where_held(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """A busy minute of phones costs the tablets nothing; the tablet that holds a cart sees it."""
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    held = bound(engine, tablet, "v1").cart_id
    with unit_of_work(engine) as db:
        on_phone = open_session(db, CLOCK, IDS).cart_id
    downlink.hear([CartChanged(on_phone, 1, "api"), CartChanged(on_phone, 2, "api")])
    downlink.hear([CartChanged(on_phone, 3, "api"), CartChanged(held, 1), CartChanged(held, 2)])
    downlink.start()
    downlink.stop()
    assert [type(one) for one in wire.commands(tablet)] == [ShowCart]


def test_a_mirror_hears_at_once_that_its_camera_was_switched(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """She decides on her phone while she stands there; who holds a tablet sees nothing of it."""
    mirror = Tablet(enrolled(engine, CLOCK, IDS, "mirror"), CLOCK)
    taken = mirror.event("device.taken_up", {"visit": "v1", "claim_hash": "a" * 64})
    ingest(engine, CLOCK, IDS, mirror.message(taken))
    downlink.hear([CameraSwitched(bound(engine, mirror, "v1").cart_id)])
    downlink.start()
    downlink.stop()
    assert [type(one) for one in wire.commands(mirror)] == [SwitchCamera, ShowCart]


def test_of_several_gateways_the_holder_tells_what_others_changed(
    engine: Engine, wire: Wire
) -> None:
    """All hear of it, one acts on it; one that has just taken a partition tells what it missed."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    online = tablet.message(b'{"online":true}', Channel.STATUS)
    stations_heard(engine, DOMAIN, Unfenced(), [read(online)])
    held = bound(engine, tablet, "v1")
    with unit_of_work(engine) as db:
        ask_clear(db, CLOCK, IDS, device_id=tablet.device.device_id, visit="v0", reason="ended")
    partitions: set[str] = set()
    line = cast("MqttLink", wire)
    changes: list[Notice] = [CartChanged(held.cart_id, 2), changed(held)]

    def told(*act: Callable[[Downlink], None]) -> list[type]:
        holds = partitions.__contains__
        teller = Downlink(engine, DOMAIN, line, cast("Fanout", wire), holds=holds)
        for one in act:
            one(teller)
        teller.start()
        teller.stop()
        return [type(one) for one in wire.commands(tablet)]

    assert told(lambda one: one.hear(changes), lambda one: one.catch_up("p99")) == []
    at_first = told(lambda one: one.catch_up(tablet.address.partition))
    assert at_first == [Clear, ShowCart, ShowStop]  # nobody here knows what it was told before
    partitions.add(tablet.address.partition)
    assert told(lambda one: one.hear(changes)) == [*at_first, Clear, ShowCart]


def test_a_cart_names_the_spool_of_what_people_do(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """Telemetry came last: the tablet compares the cart with what it scanned all the same."""
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    itself = Tablet(tablet.device, CLOCK, "telemetry-1")
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    health = itself.event("device.health", {"firmware": "1.0"})
    ingest(engine, CLOCK, IDS, itself.message(health, Channel.TELEMETRY))
    downlink.hear([CartChanged(bound(engine, tablet, "v1").cart_id, 1)])
    downlink.start()
    downlink.stop()
    (shown,) = wire.commands(tablet)
    assert isinstance(shown, ShowCart)
    assert (shown.data.spool, shown.data.stored_through) == ("spool-1", 1)


def test_what_there_was_no_room_to_say_is_said_again(
    engine: Engine, downlink: Downlink, wire: Wire
) -> None:
    """Once, when the broker is back: from the database, as it is by then."""
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    ingest(engine, CLOCK, IDS, tablet.message(tablet.scanned("v1")))
    online = tablet.message(b'{"online":true}', Channel.STATUS)
    stations_heard(engine, DOMAIN, Unfenced(), [read(online)])
    with unit_of_work(engine) as db:
        ask_clear(db, CLOCK, IDS, device_id=tablet.device.device_id, visit="v0", reason="ended")
    downlink.make_up()
    wire.refused, wire.online = 7, False
    downlink.make_up()
    assert wire.commands(tablet) == []
    wire.online = True
    downlink.make_up()
    downlink.make_up()
    assert [type(one) for one in wire.commands(tablet)] == [Clear]
    downlink.start()
    downlink.stop()
    assert [type(one) for one in wire.commands(tablet)] == [Clear, ShowCart, ShowStop]
