"""The receiver as it is installed: its command, bleak's own back end, D-Bus, and a broker."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmware_sim.bands.firmware import Band
from gateway.wire import band_service as wire
from gateway.wire.band_service import Button, Light, Shine, Vibration
from gateway.wire.events import BandPresented, DeviceHealth, Presented
from store_devices import identity
from tests.fakes.gateway_end import GatewayEnd
from tests.fakes.radio_bench import (
    ACROSS_THE_SHOP_DBM,
    ADDRESS,
    ON_IT_DBM,
    identity_at,
    secret_of,
    until,
)
from tests.real.broker import Mosquitto

if sys.platform != "linux":
    pytest.skip("BlueZ is Linux's, and so is what speaks to it", allow_module_level=True)

from tests.fakes.bluez import FakeBluez, PrivateBus

ROOT = Path(__file__).parents[2]
STOP_S = 20
START_S = 60  # a process that is loaded from a cold disk


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[PrivateBus]:
    """A private D-Bus."""
    made = PrivateBus(tmp_path / "bus")
    yield made
    made.stop()


@pytest.fixture
def far_end(mosquitto: Mosquitto) -> Iterator[GatewayEnd]:
    """A gateway that answers."""
    end = GatewayEnd(mosquitto.port, ADDRESS)
    end.start()
    yield end
    end.stop()


class Hand:
    """Holds bands in an air that BlueZ hears: by name, how strongly each is heard."""

    def __init__(self, bluez: FakeBluez, count: int) -> None:
        self._bluez = bluez
        self.bands = [Band(secret_of(number)) for number in range(1, count + 1)]
        self.dbm = [ACROSS_THE_SHOP_DBM] * count

    async def advertise(self) -> None:
        """Let all of them advertise five times a second, until cancelled."""
        while True:
            now_s = asyncio.get_running_loop().time()
            for band, dbm in zip(self.bands, self.dbm, strict=True):
                advert = band.advert(now_s)
                address = ":".join(f"{byte:02X}" for byte in advert.address)
                self._bluez.hear(address, advert.payload[-17:], dbm)
            await asyncio.sleep(0.2)


def presented(far_end: GatewayEnd) -> list[BandPresented]:
    """Return what was held to the reader."""
    return [event for event in far_end.events if isinstance(event, BandPresented)]


@asynccontextmanager
async def installed(bus: PrivateBus, folder: Path, scanning: str = "active") -> AsyncIterator[None]:
    """Run ``store_devices receiver run`` until the block ends; it must end in order."""
    program = [str(Path(sys.executable).with_name("store_devices")), "receiver", "run"]
    environment = os.environ | {
        "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
        "DEVICE_DIR": str(folder),
        "BLUETOOTH_SCANNING": scanning,
        "HEALTH_EVERY_S": "10",
        "RESEND_AFTER_S": "0.5",
    }
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *program, env=environment, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        ready = await asyncio.wait_for(process.stdout.readline(), START_S)
        assert ready == b"ready rcv-1\n"
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await asyncio.wait_for(process.wait(), STOP_S)
    assert ended == 0


@pytest.mark.slow
def test_the_installed_receiver_hears_over_bluez(
    bus: PrivateBus, mosquitto: Mosquitto, far_end: GatewayEnd, tmp_path: Path
) -> None:
    """Levels, a tap, a press; the adapter is pulled out and put back, and it hears on."""
    folder = tmp_path / "receiver"
    identity.keep(folder, identity_at(mosquitto.url))

    async def scene() -> None:
        bluez = await FakeBluez.on(bus.address)
        hand = Hand(bluez, 3)
        advertising = asyncio.create_task(hand.advertise())
        async with installed(bus, folder):
            await until(lambda: bluez.scans, START_S)
            assert bluez.asked == {"Transport": "le", "DuplicateData": True}
            first = await asyncio.to_thread(far_end.sightings.get, timeout=START_S)
            assert {one.dbm for one in first.heard} == {ACROSS_THE_SHOP_DBM}
            hand.dbm[1] = ON_IT_DBM
            await until(lambda: len(presented(far_end)) == 1)
            hand.bands[1].press()
            await until(lambda: len(presented(far_end)) == 2)
            hand.dbm[1] = ACROSS_THE_SHOP_DBM
            bluez.pull_out()
            await until(lambda: "silent" in radios(far_end) or "gone" in radios(far_end), 60)
            bluez.plug_in()
            await until(lambda: bluez.scans, 60)
            hand.dbm[2] = ON_IT_DBM
            await until(lambda: len(presented(far_end)) == 3)
        advertising.cancel()
        bluez.stop()

    asyncio.run(scene())
    told = presented(far_end)
    assert [one.data.by for one in told] == [Presented.NEAR, Presented.NEWS, Presented.NEAR]
    assert [len(one.data.heard) for one in told] == [1, 1, 1]
    log = (folder / "log").read_text()
    assert "the radio is gone" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_it_hears_passively_where_bluez_does_that(
    bus: PrivateBus, mosquitto: Mosquitto, far_end: GatewayEnd, tmp_path: Path
) -> None:
    """By a monitor of advertisements, without a scan of its own; the monitor is taken back."""
    folder = tmp_path / "receiver"
    identity.keep(folder, identity_at(mosquitto.url))

    async def scene() -> None:
        bluez = await FakeBluez.on(bus.address)
        hand = Hand(bluez, 2)
        hand.dbm[0] = ON_IT_DBM
        advertising = asyncio.create_task(hand.advertise())
        async with installed(bus, folder, "passive"):
            await until(lambda: presented(far_end), START_S)
            assert bluez.monitored
            assert bluez.asked == {}
        assert not bluez.monitored
        advertising.cancel()
        bluez.stop()

    asyncio.run(scene())


def test_a_band_is_asked_over_bluez(bus: PrivateBus) -> None:
    """Read, written, refused, told of presses, and lost: by the code that a device runs."""

    async def scene() -> list[str]:
        bluez = await FakeBluez.on(bus.address)
        band = Hand(bluez, 1)
        advertising = asyncio.create_task(band.advertise())
        program = Path(__file__).with_name("touching_process.py")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(program),
            env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus.address},
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        said: list[str] = []

        async def line() -> None:
            assert process.stdout is not None
            read = await asyncio.wait_for(process.stdout.readline(), START_S)
            said.append(read.decode().strip())

        await line()
        found = said[0].removeprefix("found ")
        values = bluez.offer(
            found,
            {
                wire.SERVICE: {
                    wire.EXCHANGE: ["read"],
                    wire.SETUP: ["write"],
                    wire.VIBRATION: ["write"],
                    wire.LIGHT: ["write"],
                    wire.BUTTON: ["read", "notify"],
                },
                wire.BATTERY_SERVICE: {wire.BATTERY: ["read"]},
                wire.INFORMATION_SERVICE: {wire.FIRMWARE: ["read"]},
            },
        )
        values[wire.BATTERY].value = bytes([61])
        values[wire.FIRMWARE].value = b"1.2"
        values[wire.EXCHANGE].value = bytes(range(32))
        values[wire.SETUP].refuses = True
        await until(lambda: values[wire.BUTTON].notifies, START_S)
        values[wire.BUTTON].notify(Button(7, held=True).encoded())
        for _ in range(4):
            await line()
        bluez.part(found)
        await line()
        assert await asyncio.wait_for(process.wait(), STOP_S) == 0
        assert values[wire.LIGHT].written == [Shine(Light.GREEN, 2).encoded()]
        assert values[wire.VIBRATION].written == [Vibration(2, 4).encoded()]
        assert values[wire.SETUP].written == []
        advertising.cancel()
        bluez.stop()
        return said[1:]

    assert asyncio.run(scene()) == [
        "61 1.2",
        "refused",
        "button 7 True",
        "waits",
        "out of reach",
    ]


def radios(far_end: GatewayEnd) -> list[str | None]:
    """Return what its health reports said of the radio."""
    return [one.data.radio for one in far_end.events if isinstance(one, DeviceHealth)]
