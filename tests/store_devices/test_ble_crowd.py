"""Hundreds of bands in one process, each a Bluetooth device, and the receiver over bleak."""

import asyncio
from pathlib import Path
from typing import Final

from firmware_sim.bands.battery import LOW_PERCENT, WEAKER_DB, Battery
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import BandKey, BandState, identifier_in
from gateway.wire.events import HeardFrame
from tests.fakes.gateway_end import GatewayEnd
from tests.fakes.radio_bench import (
    ACROSS_THE_SHOP_DBM,
    ADDRESS,
    bench,
    receiving,
    secret_of,
    until,
)
from tests.real.broker import Mosquitto

BANDS: Final = 200
LOW, COPIED = 7, 8  # of these bands
LISTENS_S: Final = 2.0
BUSY_MACHINE_S: Final = 60.0


def test_two_hundred_bands_are_all_heard(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """One with a low battery says so and is weaker; a copy of one is no other band on the air."""
    far_end = GatewayEnd(mosquitto.port, ADDRESS)
    low = Battery(LOW_PERCENT - 5)

    async def scene() -> float:
        async with bench(usual_dbm=None) as at:  # bands do not hear each other
            for _ in range(BANDS):
                await at.put(ACROSS_THE_SHOP_DBM)
            weak = at.bands[LOW - 1]
            weak.band.state = BandState(low.left_percent(0.0))
            at.move(weak, ACROSS_THE_SHOP_DBM - low.weaker_db(0.0))
            copy = WornBand("copy", Band(secret_of(COPIED)))
            at.levels.set(copy.name, "receiver", ACROSS_THE_SHOP_DBM)
            await copy.start(at.ether)
            at.bands.append(copy)
            async with receiving(at, mqtt_url=mosquitto.url, folder=tmp_path) as receiver:
                await until(lambda: receiver.online)
                await until(lambda: receiver.health().bands_heard == BANDS, BUSY_MACHINE_S)
                await asyncio.sleep(LISTENS_S)
            return asyncio.get_running_loop().time()

    far_end.start()
    now_s = asyncio.run(scene())
    far_end.stop()
    heard = [one for _ in range(far_end.sightings.qsize()) for one in far_end.sightings.get().heard]
    periods = {int(now_s // 512) - 1, int(now_s // 512)}
    named = {
        BandKey(secret_of(number)).identifier(at): number
        for number in range(1, BANDS + 1)
        for at in periods
    }
    by_band: dict[int, list[HeardFrame]] = {number: [] for number in range(1, BANDS + 1)}
    for one in heard:
        by_band[named[identifier_in(one.frame) or b""]].append(one)
    assert all(by_band.values())
    weak, copied, usual = by_band[LOW][-1], by_band[COPIED], by_band[COPIED + 1]
    states = [BandKey(secret_of(LOW)).opened(weak.frame, at) for at in periods]
    assert LOW_PERCENT - 5 in {one.battery_percent for one in states if one}
    assert weak.dbm == ACROSS_THE_SHOP_DBM - WEAKER_DB
    assert sum(one.packets for one in copied) > 1.5 * sum(one.packets for one in usual)
