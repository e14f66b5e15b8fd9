"""What a receiver does with a band that the gateway names, or that is held to it at a desk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bleak.backends.device import BLEDevice

from cart.kernel.clock import SystemClock
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import AS_MADE, BandKey, identifier_in
from gateway.wire.band_asked import SetUpData, SetUpFault, SignalData
from gateway.wire.band_exchange import KeyPair
from gateway.wire.band_service import Light, Shine, Vibration
from gateway.wire.codec import encode
from gateway.wire.downlink import AckOutcome, SetUpBand, SignalBand
from store_devices.ble import reaching
from store_devices.ble.radio import BleakRadio
from store_devices.ble.reaching import Nearby, Reaching
from store_devices.ble.touching import touched
from store_devices.link import Answer
from tests.fakes.gateway_end import GatewayEnd
from tests.fakes.radio_bench import (
    ADDRESS,
    AT_ARMS_LENGTH_DBM,
    ON_IT_DBM,
    Bench,
    bench,
    receiving,
    secret_of,
    until,
)
from tests.real.broker import Mosquitto

CLOCK = SystemClock()
SHOP = KeyPair(bytes(range(32)))
CLOCK_S = 512_000
SOON = timedelta(seconds=20)
NEAR_DBM = -42.0


@dataclass
class Reach:
    """A receiver's radio and its reach, without broker; ``answers`` in the order they came."""

    at: Bench
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    deaf: int = 0  # connections at this moment
    offset: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Join the parts."""
        self.reaching = Reaching(
            partial(touched, backend=self.at.adapter.client),
            CLOCK,
            server_now=lambda: CLOCK.now() + self.offset,
            near_dbm=lambda: NEAR_DBM,
            answer=lambda command_id, answer: self.answers.append((command_id, answer)),
            connecting=self._connecting,
            held_within_s=1.0,
        )

    @contextmanager
    def _connecting(self) -> Any:  # noqa: ANN401 - a generator that is wrapped
        self.deaf += 1
        try:
            yield
        finally:
            self.deaf -= 1

    def hear(self, frame: bytes | None, dbm: float, sender: BLEDevice | None = None) -> None:
        """Hear."""
        if frame is not None and sender is not None:
            self.reaching.nearby.hear(frame, dbm, sender, CLOCK.monotonic())

    async def told(self, command: SignalBand | SetUpBand) -> Answer:
        """Ask it, and return what it answers."""
        before = len(self.answers)
        assert self.reaching.ask(command) is None
        await until(lambda: len(self.answers) > before)
        assert self.answers[-1][0] == command.id
        return self.answers[-1][1]

    async def fresh(self, dbm: float = ON_IT_DBM) -> WornBand:
        """Switch on a band as it leaves the factory."""
        name = f"fresh-{len(self.at.bands)}"
        self.at.levels.set(name, "receiver", dbm)
        band = WornBand(name, Band(AS_MADE))
        self.at.bands.append(band)
        await band.start(self.at.ether)
        return band


@asynccontextmanager
async def in_reach() -> AsyncIterator[Reach]:
    """Listen, and carry out what is asked."""
    async with bench() as at:
        reach = Reach(at)
        radio = BleakRadio(backend=at.adapter.scanner)
        await radio.start(reach.hear)
        running = asyncio.create_task(reach.reaching.run())
        await asyncio.sleep(0)
        yield reach
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await radio.stop()
        assert reach.deaf == 0


def play(scene: Callable[[Reach], Coroutine[Any, Any, None]]) -> None:
    """Play it."""

    async def played() -> None:
        async with in_reach() as reach:
            await scene(reach)

    asyncio.run(played())


def identifier_of(band: WornBand) -> str:
    """Return what is in its frame now."""
    frame = band.band.advert(asyncio.get_running_loop().time()).frame
    return (identifier_in(frame) or b"").hex()


def signal(*identifiers: str, command_id: str = "s-1", **over: Any) -> SignalBand:  # noqa: ANN401 - of the data
    """Return a command for the band of these identifiers."""
    data = {"identifiers": identifiers, "until": CLOCK.now() + SOON, "times": 2, **over}
    return SignalBand(id=command_id, time=CLOCK.now(), data=SignalData.model_validate(data))


def set_up(command_id: str = "u-1", until_: datetime | None = None) -> SetUpBand:
    """Return a command to set up what is held there."""
    data = SetUpData(key=SHOP.public.hex(), clock_s=CLOCK_S, until=until_ or CLOCK.now() + SOON)
    return SetUpBand(id=command_id, time=CLOCK.now(), data=data)


async def heard(reach: Reach, *bands: WornBand) -> None:
    """Wait until these are heard."""
    for band in bands:
        await until(partial(is_heard, reach, bytes.fromhex(identifier_of(band))))


def is_heard(reach: Reach, identifier: bytes) -> bool:
    """Say whether a band is heard just now."""
    return reach.reaching.nearby.sender_of(identifier, CLOCK.monotonic()) is not None


def test_only_the_band_that_is_named_vibrates_and_shines() -> None:
    """By its identifier of now or of the next period; the same command again is done once."""

    async def scene(reach: Reach) -> None:
        hers, other = await reach.at.put(), await reach.at.put()
        await heard(reach, hers, other)
        command = signal(identifier_of(hers), "00" * 8, light="green")
        assert await reach.told(command) == Answer()
        assert await reach.told(command) == Answer()
        assert hers.server.vibrations == [Vibration(2, 3)]
        assert hers.server.shone == [Shine(Light.GREEN)]
        assert (other.server.vibrations, other.server.shone) == ([], [])
        await heard(reach, hers)  # it is on the air again, and scanning never stopped
        assert reach.at.adapter.starts == 1

    play(scene)


def test_what_cannot_be_done_is_answered_so() -> None:
    """Too late; not heard here; gone while it is called. The next command is carried out."""

    async def scene(reach: Reach) -> None:
        band = await reach.at.put()
        await heard(reach, band)
        late = signal(identifier_of(band), command_id="late", until=CLOCK.now())
        reach.offset = timedelta(seconds=1)
        assert (await reach.told(late)).detail == SetUpFault.LATE
        reach.offset = timedelta(0)
        nobody = await reach.told(signal("11" * 8, command_id="nobody"))
        assert nobody.outcome is AckOutcome.REFUSED
        reach.at.adapter.present = False
        away = await reach.told(signal(identifier_of(band), command_id="away"))
        assert away.outcome is AckOutcome.FAILED
        reach.at.adapter.present = True
        assert band.server.vibrations == []
        assert await reach.told(signal(identifier_of(band), command_id="then")) == Answer()
        assert band.server.vibrations == [Vibration(2, 3)]

    play(scene)


def test_more_commands_than_are_in_time_are_not_kept() -> None:
    """WAITING_MAX wait; one beyond is answered at once, and may be tried elsewhere."""

    async def scene(reach: Reach) -> None:
        for number in range(reaching.WAITING_MAX + 2):
            reach.reaching.ask(signal("11" * 8, command_id=f"s-{number}"))
        await until(lambda: len(reach.answers) == reaching.WAITING_MAX + 2)
        failed = [one for one, answer in reach.answers if answer.outcome is AckOutcome.FAILED]
        assert failed == [f"s-{reaching.WAITING_MAX}", f"s-{reaching.WAITING_MAX + 1}"]

    play(scene)


def test_the_one_fresh_band_at_the_desk_is_set_up() -> None:
    """Others are near, and another fresh one lies across the room: neither is meant."""

    async def scene(reach: Reach) -> None:
        customers = await reach.at.put(ON_IT_DBM)
        far = await reach.fresh(AT_ARMS_LENGTH_DBM)
        band = await reach.fresh()
        answer = await reach.told(set_up())
        assert answer.outcome is AckOutcome.DONE
        key, frame, version = answer.detail.split()
        secret = SHOP.secret_with_band(bytes.fromhex(key))
        assert band.band.secret == secret
        period = CLOCK_S // 512
        assert BandKey(secret).opened(bytes.fromhex(frame), period) is not None
        assert version == "simulated-1"
        assert secret.hex() not in answer.detail
        assert not far.server.is_set_up
        assert customers.band.secret == secret_of(1)
        assert await reach.told(set_up()) == answer  # asked again: answered again, done once

    play(scene)


def test_two_fresh_bands_are_none() -> None:
    """Which is meant nobody can say; neither is set up."""

    async def scene(reach: Reach) -> None:
        both = await reach.fresh(), await reach.fresh()
        answer = await reach.told(set_up())
        assert answer == Answer(AckOutcome.REFUSED, SetUpFault.SEVERAL)
        assert not any(one.server.is_set_up for one in both)

    play(scene)


def test_without_a_fresh_band_the_one_whose_button_is_held_is_set_up() -> None:
    """Nothing near: said so. A band of somebody: left as it is, until its button is held."""

    async def scene(reach: Reach) -> None:
        assert (await reach.told(set_up("none"))).detail == SetUpFault.NO_BAND
        band = await reach.at.put(ON_IT_DBM)
        answer = await reach.told(set_up("no"))
        assert answer == Answer(AckOutcome.FAILED, SetUpFault.NOT_NOW)
        assert band.band.secret == secret_of(1)
        band.server.held = True
        answer = await reach.told(set_up("held"))
        assert answer.outcome is AckOutcome.DONE
        assert band.band.secret == SHOP.secret_with_band(bytes.fromhex(answer.detail[:64]))

    play(scene)


def test_a_band_that_walks_off_and_a_command_that_is_over_set_nothing_up() -> None:
    """The adapter is gone in that moment; the time is up before anybody holds a band there."""

    async def scene(reach: Reach) -> None:
        band = await reach.fresh()
        await heard(reach, band)
        reach.at.adapter.present = False
        early = CLOCK.now() + timedelta(seconds=2)
        answer = await reach.told(set_up("gone", early))
        assert answer.outcome is not AckOutcome.DONE
        reach.at.adapter.present = True
        reach.offset = timedelta(seconds=30)
        assert (await reach.told(set_up("late"))).detail == SetUpFault.LATE
        assert not band.server.is_set_up

    play(scene)


def test_what_is_remembered_of_bands_is_bounded_and_short() -> None:
    """A street of frames that somebody makes up: neither memory nor a stale address."""
    nearby = Nearby()
    device = BLEDevice("aa", None, None)
    for number in range(reaching.HEARD_MAX + 50):
        frame = bytes([1]) + number.to_bytes(8, "big") + bytes(8)
        nearby.hear(frame, -60.0, device, number / 1_000)
    assert len(nearby) == reaching.HEARD_MAX
    newest = (reaching.HEARD_MAX + 49).to_bytes(8, "big")
    assert nearby.sender_of(newest, 3.0) is device
    assert nearby.sender_of(newest, 30.0) is None


def test_the_installed_receiver_carries_a_command_out_and_hears_on(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Over a real broker; the answer comes when it is done, a tap meanwhile goes its way."""
    far_end = GatewayEnd(mosquitto.port, ADDRESS)
    far_end.start()

    async def scene() -> None:
        async with bench() as at:
            band = await at.put()
            async with receiving(at, mqtt_url=mosquitto.url, folder=tmp_path) as receiver:
                await until(lambda: receiver.online and receiver.health().bands_heard)
                far_end.command(encode(signal(identifier_of(band))))
                await until(lambda: not far_end.acks.empty())
                assert far_end.acks.get().outcome is AckOutcome.DONE
                assert band.server.vibrations == [Vibration(2, 3)]
                at.move(band, ON_IT_DBM)
                await until(lambda: far_end.events)
                assert (receiver.listening.state, receiver.listening.restarts) == ("hearing", 0)

    try:
        asyncio.run(scene())
    finally:
        far_end.stop()
