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
async def installed(bus: PrivateBus, folder: Path) -> AsyncIterator[None]:
    """Run ``store_devices receiver run`` until the block ends; it must end in order."""
    program = [str(Path(sys.executable).with_name("store_devices")), "receiver", "run"]
    environment = os.environ | {
        "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
        "DEVICE_DIR": str(folder),
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


def radios(far_end: GatewayEnd) -> list[str | None]:
    """Return what its health reports said of the radio."""
    return [one.data.radio for one in far_end.events if isinstance(one, DeviceHealth)]
