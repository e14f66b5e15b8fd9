"""The simulated air: who hears whom, how strongly, and what a change of identifiers looks like."""

import asyncio
from statistics import mean

from bumble.device import Advertisement, Device

from firmware_sim.bands.air import LOST_SHARE, Receiver
from firmware_sim.bands.ether import Ether, Levels, Walkers
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import PERIOD_S

SECRET = bytes(range(16))


class Ear:
    """Keeps what a device hears."""

    def __init__(self) -> None:
        self.heard: list[Advertisement] = []

    async def put(self, ether: Ether, name: str) -> Device:
        """Begin to listen, under this name."""
        device = await ether.device(name)
        device.on("advertisement", self.heard.append)
        await device.start_scanning(legacy=True, active=False)
        return device


def test_each_receiver_hears_at_a_level_of_its_own() -> None:
    """And not at all what it is not to hear; a level can change at any time."""

    async def scene() -> tuple[set[int], set[int], int]:
        levels = Levels(usual_dbm=None)
        ether = Ether(levels)
        near, far, deaf = Ear(), Ear(), Ear()
        for name, ear in (("near", near), ("far", far), ("deaf", deaf)):
            await ear.put(ether, name)
        levels.set("band", "near", -40.4)
        levels.set("band", "far", -82.0)
        band = WornBand("band", Band(SECRET))
        await band.start(ether)
        await asyncio.sleep(0.7)
        levels.set("band", "far", -70.0)
        await asyncio.sleep(0.7)
        await band.stop()
        return {one.rssi for one in near.heard}, {one.rssi for one in far.heard}, len(deaf.heard)

    assert asyncio.run(scene()) == ({-40}, {-82, -70}, 0)


def test_identifier_and_address_change_in_the_same_packet() -> None:
    """Over a change of period there is no packet of the old one under the new one's address."""

    async def scene() -> list[tuple[str, bytes]]:
        ether, ear = Ether(Levels()), Ear()
        await ear.put(ether, "ear")
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        band = WornBand("band", Band(SECRET, clock_s=PERIOD_S - 0.5), lambda: now_s() - began_s)
        await band.start(ether)
        await asyncio.sleep(1.5)
        await band.stop()
        return [(str(one.address), one.data_bytes[8:16]) for one in ear.heard]

    pairs = asyncio.run(scene())
    assert len(pairs) >= 4
    assert len(set(pairs)) == len({address for address, _ in pairs}) == 2


def test_a_walk_is_heard_as_the_model_has_it() -> None:
    """By the seconds of a world that the test turns: nearer is stronger, and a fifth is lost."""
    now_s = 0.0
    receivers = [Receiver("door", "door", (0.0, 0.0)), Receiver("till", "till", (12.0, 0.0))]
    walkers = Walkers(receivers, 7, lambda: now_s)
    walkers.place("band", (1.0, 0.0))
    heard: dict[str, list[float]] = {"door": [], "till": []}
    for _ in range(2_000):
        now_s += 0.2
        for name, levels in heard.items():
            dbm = walkers("band", name)
            if dbm is not None:
                levels.append(dbm)
    assert mean(heard["door"]) > mean(heard["till"]) + 10
    assert 0.7 < len(heard["door"]) / 2_000 < 1.0 - LOST_SHARE / 2
    before = mean(heard["till"])
    walkers.place("band", (11.0, 0.0))
    after = [dbm for _ in range(200) if (dbm := walkers("band", "till")) is not None]
    assert mean(after) > before + 10
    assert walkers("somebody else", "door") is None
