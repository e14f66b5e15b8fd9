"""Devices that were away for hours, with clocks that are wrong, over networks that repeat.

Real spools, uplinks and brokers; hours pass on the device's own clock only.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from cart.carts.model import Kind, Operation, fold
from cart.kernel.clock import SystemClock, to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds, secret_hash
from firmware_sim.drift import DriftingClock
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop
from gateway.wire.downlink import Command, StockNotice
from gateway.wire.events import (
    DeviceEvent,
    ItemScanned,
    LineRemoved,
    RemovedData,
    ScannedData,
    TakenUpData,
)
from gateway.wire.topics import Channel, DeviceAddress, parse
from store_devices.link import Answer, LinkState, UplinkOptions
from store_devices.sayings import Saying
from store_devices.spool import Spool
from store_devices.uplink import Uplink
from tests.real.mqtt_client import MqttClient
from tests.real.shop_broker import shop_broker
from tests.real.waiting import wait_until

GOODS: Final = [Gtin.parse(product.variants[0].gtin) for product in products(7)[:20]]
EVENTS: Final = 3_000
DEVICES: Final = 8
HOUR_S: Final = 3_600.0
DRAIN_S: Final = 90.0
HERE: Final = "harbour-street"
pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def shop(
    request: pytest.FixtureRequest,
    open_carryover_shop: OpenShop,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningShop]:
    """A running shop, on each kind of broker."""
    if request.param == "embedded":
        yield open_carryover_shop()
        return
    with shop_broker(tmp_path_factory.mktemp("mosquitto")) as (_, settings):
        yield open_carryover_shop(settings=settings)


@pytest.fixture(scope="module")
def enrolled(shop: RunningShop) -> Iterator[dict[str, Any]]:
    """What enrolled tablets connect with, one after the other."""
    said = shop.server.command(
        "gateway.cli", "devices", "enrol", "--kind", "tablet", "--location", HERE,
        "--count", str(DEVICES), "--redeem", "--json",
    )  # fmt: skip
    return iter([json.loads(facts) for facts in said.splitlines()])


class Clock(DriftingClock):
    """A device's clock: wrong from the start, and moved on by the test through the hours."""

    def __init__(self, wrong_s: float) -> None:
        super().__init__(wrong_s)
        self.passed_s = 0.0

    def now(self) -> Any:  # noqa: ANN401 - as the base says
        """Return what this device takes for the present."""
        return super().now() + timedelta(seconds=self.passed_s)


class Ears:
    """Does what it is told, which is nothing to see."""

    def command(self, command: Command) -> Answer:  # noqa: ARG002 - the protocol's
        """Say that it is done."""
        return Answer()

    def stock(self, notice: StockNotice) -> None:
        """Take no note."""

    def link(self, state: LinkState) -> None:
        """Take no note."""


class Device:
    """An enrolled tablet without a screen: a spool, and an uplink once it is in the network."""

    def __init__(self, facts: dict[str, Any], folder: Path, wrong_s: float = 0.0) -> None:
        self.facts = facts
        self.address: DeviceAddress = parse(str(self.facts["events_topic"]))[0]
        self.clock = Clock(wrong_s)
        self.spool = Spool(
            folder / f"{self.address.device_id}.db",
            device_id=self.address.device_id,
            clock=self.clock,
            ids=RandomIds(),
        )
        self.said: list[DeviceEvent] = []

    def say(self, saying: Saying) -> None:
        """Keep one event, as of this moment of its clock."""
        self.said.append(self.spool.add(saying))

    def come_online(self) -> Uplink:
        """Enter the network."""
        url = f"mqtt://{self.facts['mqtt_host']}:{self.facts['mqtt_port']}"
        options = UplinkOptions(url, self.address, str(self.facts["credential"]), "1.0")
        uplink = Uplink(options, spool=self.spool, clock=SystemClock(), hearer=Ears())
        uplink.start()
        return uplink

    def client(self) -> MqttClient:
        """Connect as this device, to send by hand."""
        name = self.address.device_id
        return MqttClient(int(self.facts["mqtt_port"]), name, name, str(self.facts["credential"]))

    def lines(self) -> dict[str, int]:
        """Return what its events come to, by the order of its own stamps."""
        operations = [operation(event) for event in self.said if line(event)]
        return {str(g): one.quantity for g, one in fold(operations).items() if one.quantity}


def line(event: DeviceEvent) -> bool:
    """Say whether this event changes a list."""
    return isinstance(event, ItemScanned | LineRemoved)


def operation(event: DeviceEvent) -> Operation:
    """Return what an event does to the list."""
    scan = isinstance(event, ItemScanned)
    assert isinstance(event, ItemScanned | LineRemoved)
    return Operation(
        id=event.id,
        cart_id="",
        gtin=event.data.gtin,
        sku="",
        kind=Kind.ADD if scan else Kind.REMOVE,
        quantity=event.data.quantity if isinstance(event, ItemScanned) else 0,
        at_us=to_us(event.time),
        source=event.source,
    )


def streams(shop: RunningShop, *devices: Device) -> list[dict[str, Any]]:
    """Return what the gateway has of these devices' spools."""
    found = {one["device_id"]: one for one in shop.server.streams()}
    return [found[device.address.device_id] for device in devices]


@pytest.mark.parametrize("wrong_hours", [-7.0, 5.0])
def test_a_day_offline_with_a_wrong_clock_arrives_whole_and_in_order(
    shop: RunningShop, enrolled: Iterator[dict[str, Any]], tmp_path: Path, wrong_hours: float
) -> None:
    """Thousands of events over nine hours: each is stored once; a phone has the last word."""
    device, secret, dice = (
        Device(next(enrolled), tmp_path, wrong_hours * HOUR_S),
        RandomIds().token(),
        Random(4),
    )
    device.say(TakenUpData(visit="away", claim_hash=secret_hash(secret)))
    for _ in range(EVENTS - 1):
        device.clock.passed_s += 9 * HOUR_S / EVENTS
        gtin = dice.choice(GOODS)
        removed = dice.random() < 0.1
        device.say(
            RemovedData(visit="away", gtin=gtin)
            if removed
            else ScannedData(visit="away", gtin=gtin)
        )
    uplink = device.come_online()
    wait_until(lambda: len(device.spool) == 0, DRAIN_S)
    (found,) = streams(shop, device)
    assert (found["stored_through"], found["events"]) == (EVENTS, EVENTS)
    assert (found["missing"], found["given_up"]) == (0, 0)
    phone = shop.phone(f"/c/{secret}")
    phone.wait_for_lines(device.lines())
    # Whatever the device's clock said: who acts later, having seen it all, has the last word.
    first = next(iter(device.lines()))
    phone.set_quantity(first, 77)
    phone.wait_for_lines({**device.lines(), first: 77})
    uplink.stop()
    assert shop.dead_letters() == []


def test_every_message_three_times_counts_once(
    shop: RunningShop, enrolled: Iterator[dict[str, Any]], tmp_path: Path
) -> None:
    """A network that repeats: the same bytes again, and again after all the others."""
    device, secret = Device(next(enrolled), tmp_path), RandomIds().token()
    device.say(TakenUpData(visit="echo", claim_hash=secret_hash(secret)))
    for number in range(60):
        device.say(ScannedData(visit="echo", gtin=GOODS[number % 6]))
    payloads = [one.payload for one in device.spool.pending(0, 100)]
    with device.client() as client:
        topic = device.address.topic(Channel.EVENTS)
        client.publish_all(topic, [one for one in payloads for _ in range(2)])
        client.publish_all(topic, payloads)
    shop.phone(f"/c/{secret}").wait_for_lines(dict.fromkeys(map(str, GOODS[:6]), 10))
    (found,) = streams(shop, device)
    assert (found["stored_through"], found["events"]) == (61, 61)
    assert shop.dead_letters() == []


def test_any_order_over_many_devices_comes_to_the_same(
    shop: RunningShop, enrolled: Iterator[dict[str, Any]], tmp_path: Path
) -> None:
    """Five devices' events shuffled together: every list is the fold; resent, all is covered."""
    dice, devices = Random(9), [Device(next(enrolled), tmp_path) for _ in range(5)]
    secrets = [RandomIds().token() for _ in devices]
    sent: list[tuple[Device, bytes]] = []
    for device, secret in zip(devices, secrets, strict=True):
        device.say(TakenUpData(visit="mixed", claim_hash=secret_hash(secret)))
        for _ in range(80):
            gtin = dice.choice(GOODS[:8])
            removed = dice.random() < 0.2
            device.say(
                RemovedData(visit="mixed", gtin=gtin)
                if removed
                else ScannedData(visit="mixed", gtin=gtin)
            )
        sent += [(device, one.payload) for one in device.spool.pending(0, 100)]
    dice.shuffle(sent)
    clients = {device.address: device.client() for device in devices}
    for device, payload in sent:
        clients[device.address].publish(device.address.topic(Channel.EVENTS), payload)
    for device, secret in zip(devices, secrets, strict=True):
        shop.phone(f"/c/{secret}").wait_for_lines(device.lines())
    assert [(one["events"], one["missing"]) for one in streams(shop, *devices)] == [(81, 0)] * 5
    for device in devices:
        with clients[device.address]:
            pass  # says goodbye: the uplink comes as the same device
        uplink = device.come_online()
        wait_until(lambda spool=device.spool: len(spool) == 0, DRAIN_S)  # type: ignore[misc]
        uplink.stop()
    assert [(one["events"], one["stored_through"]) for one in streams(shop, *devices)] == [
        (81, 81)
    ] * 5
    assert shop.dead_letters() == []
