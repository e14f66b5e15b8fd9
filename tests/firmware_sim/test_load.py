"""The load driver: what it would send, and that a real gateway takes all of it."""

from datetime import UTC, datetime

import pytest

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from firmware_sim.load.drive import Load, drive
from firmware_sim.load.messages import VISIT_EVENTS, Plan, messages
from firmware_sim.shop import Shop
from firmware_sim.testing import RunningShop
from gateway.wire.codec import decode_event
from gateway.wire.events import DeviceTakenUp, ItemScanned

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LAMP = Gtin("4006381333931")


def plan(count: int, secrets: tuple[str, ...] = ()) -> Plan:
    """Return a plan for three devices."""
    return Plan(["tab-a", "tab-b", "tab-c"], "load-1", 100.0, count, [LAMP], BEGAN, secrets)


def test_messages_are_valid_and_numbered_without_a_hole() -> None:
    """Each device's events are 1, 2, 3 …, each naming the one before; ids are all different."""
    made = messages(plan(300))
    events = [decode_event(message.payload) for message in made]
    assert len({event.id for event in events}) == 300
    for device in range(3):
        mine = [event for event, one in zip(events, made, strict=True) if one.device == device]
        assert [event.sequence for event in mine] == list(range(1, 101))
        assert [event.previous for event in mine] == list(range(100))
        assert sum(isinstance(event, DeviceTakenUp) for event in mine) == 100 // VISIT_EVENTS + 1
    assert (events[-1].time - BEGAN).total_seconds() == pytest.approx(2.99)


def test_telemetry_has_a_spool_of_its_own() -> None:
    """Every fourth message of a device is health, numbered apart; scans have no hole for it."""
    mixed = Plan(["tab-a", "tab-b"], "load-1", 100.0, 400, [LAMP], BEGAN, telemetry_every=4)
    made = messages(mixed)
    for device in range(2):
        mine = [one for one in made if one.device == device]
        assert [one.telemetry for one in mine[:8]] == [False, False, False, True] * 2
        for telemetry, last in ((False, 150), (True, 50)):
            events = [decode_event(one.payload) for one in mine if one.telemetry is telemetry]
            assert [event.sequence for event in events] == list(range(1, last + 1))
            assert {event.spool for event in events} == {
                "load-1-telemetry" if telemetry else "load-1"
            }
    assert len({one.event_id for one in made}) == 400


@pytest.mark.parametrize(("side_by_side", "held"), [(False, [0, 3]), (True, [0, 1])])
def test_visits_on_phones_are_spread_or_side_by_side(
    side_by_side: bool,  # noqa: FBT001 - said by its name
    held: list[int],
) -> None:
    """Over the round of devices as people in a shop are, or all within a moment."""
    spread = Plan(
        [f"tab-{n}" for n in range(6)],
        *("load-1", 100.0, 6, [LAMP], BEGAN, ("one", "two")),
        side_by_side=side_by_side,
    )
    assert [n for n in range(6) if spread.secret_of(n)] == held
    assert [spread.secret_of(n) for n in held] == ["one", "two"]


def test_a_visit_that_a_phone_has_lasts_for_the_whole_run() -> None:
    """The claimed device begins once, with the hash of its secret; the others change hands."""
    made = messages(plan(300, ("secret",)))
    events = [decode_event(one.payload) for one in made if one.device == 0]
    assert isinstance(events[0], DeviceTakenUp)
    assert events[0].data.claim_hash is not None
    assert all(isinstance(event, ItemScanned) for event in events[1:])
    others = [decode_event(one.payload) for one in made if one.device == 1]
    begun = [event for event in others if isinstance(event, DeviceTakenUp)]
    assert all(event.data.claim_hash is None for event in begun)


@pytest.mark.timeout(300)  # a shop opens for it, too
def test_a_gateway_takes_what_it_is_given(carryover_shop: RunningShop) -> None:
    """Everything published is acknowledged, receipted, stored, and heard on phones."""
    load = Load(
        devices=10, rate=100, seconds=2, location="harbour-street", phones=2, telemetry_every=5
    )
    report = drive(carryover_shop.server, load, RandomIds())
    assert report.published == 220
    assert report.broker_acks == 220
    assert report.confirmed == 220
    assert report.receipts_cover_all
    assert report.stored == 220
    assert (report.lost, report.dead_letters, report.disconnects) == (0, 0, 0)
    assert report.phone_events == 32  # 16 scans of each; 4 of its 20 messages are health
    assert report.receipt_p50_ms is not None
    assert report.phone_p95_ms is not None
    assert '"lost": 0' in report.as_json()
    assert "rate achieved" in report.table()


def test_nothing_is_driven_where_no_device_may_stand(carryover_shop: RunningShop) -> None:
    """An unknown location is said in the gateway's own words; no device was made."""
    before = carryover_shop.server.command("gateway.cli", "devices", "list", "--json")
    load = Load(devices=1, rate=10, seconds=1, location="nowhere")
    with pytest.raises(Unavailable, match="nowhere"):
        drive(carryover_shop.server, load, RandomIds())
    assert carryover_shop.server.command("gateway.cli", "devices", "list", "--json") == before


def test_a_server_that_cannot_start_says_why(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its last lines are in the error, and nothing of it runs on."""
    shop = Shop(tmp_path_factory.mktemp("bad"), settings={"BINDING_IDLE_S": "soon"})
    with pytest.raises(Unavailable, match="BINDING_IDLE_S"):
        shop.start()
    with pytest.raises(KeyError):
        shop.pid("gateway")
