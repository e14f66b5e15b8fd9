"""A band that is connected: set up at the desk, made to shine, asked how it is."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from cart.kernel.errors import Refused, Unavailable
from firmware_sim.bands.firmware import Band
from firmware_sim.bands.gatt import VERSION
from firmware_sim.bands.worn import WornBand
from gateway.wire.band import AS_MADE, BandKey, BandState, is_fresh
from gateway.wire.band_exchange import KeyPair
from gateway.wire.band_service import Button, Light, Setup, Shine, Vibration
from store_devices.ble.touching import TouchedBand, touched
from tests.fakes.radio_bench import Bench, bench, until

SECRET = bytes(range(16))
CLOCK_S = 512_000
SHOP = KeyPair(bytes(range(32)))


def with_band(
    scene: Callable[[Bench, WornBand], Coroutine[Any, Any, None]], secret: bytes = AS_MADE
) -> None:
    """Play it with one band in reach."""

    async def played() -> None:
        async with bench() as at:
            band = WornBand("fresh", Band(secret, state=BandState(battery_percent=87)))
            at.bands.append(band)
            await band.start(at.ether)
            await scene(at, band)

    asyncio.run(played())


def address_of(band: WornBand) -> str:
    """Return under which address it is on the air now."""
    found = band.band.advert(asyncio.get_running_loop().time()).address
    return ":".join(f"{byte:02X}" for byte in found)


def test_a_fresh_band_makes_its_secret_with_the_shop() -> None:
    """Both have it then, and it was not said: frames, clock and address are those of it."""

    async def scene(at: Bench, band: WornBand) -> None:
        before = address_of(band)
        assert is_fresh(band.band.advert(asyncio.get_running_loop().time()).frame)
        async with touched(before, backend=at.adapter.client) as one:
            key, frame = await one.set_up(SHOP.public, CLOCK_S)
        secret = SHOP.secret_with_band(key)
        assert band.server.is_set_up
        assert band.band.secret == secret != AS_MADE
        assert frame == band.band.advert(asyncio.get_running_loop().time()).frame
        assert BandKey(secret).opened(frame, CLOCK_S // 512) == BandState(87)
        assert address_of(band) != before
        async with touched(address_of(band), backend=at.adapter.client) as one:
            assert await one.battery_percent() == 87

    with_band(scene)


def test_a_band_with_a_secret_is_set_up_anew_only_while_its_button_is_held() -> None:
    """Nobody next to her makes it his; she who holds the button may."""

    async def scene(at: Bench, band: WornBand) -> None:
        async with touched(address_of(band), backend=at.adapter.client) as one:
            with pytest.raises(Refused):
                await one.set_up(SHOP.public, CLOCK_S)
            assert band.band.secret == SECRET
            band.server.held = True
            key, _ = await one.set_up(SHOP.public, CLOCK_S)
            assert band.band.secret == SHOP.secret_with_band(key)

    with_band(scene, SECRET)


def test_a_key_that_makes_no_secret_is_refused() -> None:
    """Zeros give whoever sends them the same secret with every band: the band says no."""

    async def scene(at: Bench, band: WornBand) -> None:
        async with touched(address_of(band), backend=at.adapter.client) as one:
            with pytest.raises(Refused):
                await one.set_up(bytes(32), CLOCK_S)
        assert not band.server.is_set_up

    with_band(scene)


def test_fresh_bands_have_addresses_of_their_own() -> None:
    """Their frames are the same, so it is by these that one can be connected to."""
    made = [Band(AS_MADE).advert(now_s) for now_s in (0.0, 5_000.0) for _ in range(2)]
    assert len({one.frame for one in made}) == 1
    assert len({one.address for one in made}) == 4


def test_it_vibrates_shines_and_says_how_it_is() -> None:
    """What it was told is done as it was told; what it says is what it is."""

    async def scene(at: Bench, band: WornBand) -> None:
        async with touched(address_of(band), backend=at.adapter.client) as one:
            await one.vibrate(2, 4)
            for light in (Light.BLUE, Light.GREEN, Light.WHITE, Light.OFF):
                await one.shine(light, 5)
            assert (await one.battery_percent(), await one.firmware()) == (87, VERSION)
        assert band.server.vibrations == [Vibration(2, 4)]
        assert [shine.light.name for shine in band.server.shone] == [
            "BLUE", "GREEN", "WHITE", "OFF",
        ]  # fmt: skip

    with_band(scene, SECRET)


def test_presses_are_told_while_it_is_connected() -> None:
    """Each with the count, so that none is lost."""

    async def scene(at: Bench, band: WornBand) -> None:
        told: list[Button] = []
        async with touched(address_of(band), backend=at.adapter.client) as one:
            await one.on_button(told.append)
            for _ in range(3):
                band.press()
            await until(lambda: len(told) == 3)
        assert told == [Button(presses, held=False) for presses in (1, 2, 3)]

    with_band(scene, SECRET)


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.vibrate(0),
        lambda one: one.vibrate(6),
        lambda one: one.shine(Light.BLUE, 61),
        lambda one: one.set_up(b"short", 0),
        lambda one: one.set_up(SHOP.public, 2**32),
    ],
)
def test_what_no_band_does_is_not_even_asked(ask: Callable[[TouchedBand], Awaitable[None]]) -> None:
    """More than is pleasant on a wrist, or no secret at all."""

    async def scene(at: Bench, band: WornBand) -> None:
        async with touched(address_of(band), backend=at.adapter.client) as one:
            with pytest.raises(ValueError, match=r"band|setup"):
                await ask(one)
        assert (band.server.vibrations, band.server.shone) == ([], [])
        assert not band.server.is_set_up

    with_band(scene)


def test_a_band_that_went_away_is_out_of_reach() -> None:
    """Before it is connected, and while it is."""

    async def scene(at: Bench, band: WornBand) -> None:
        async with touched(address_of(band), backend=at.adapter.client) as one:
            await band.leave()
            with pytest.raises(Unavailable):
                await one.vibrate()
        at.adapter.present = False
        with pytest.raises(Unavailable):
            async with touched(address_of(band), backend=at.adapter.client):
                pass

    with_band(scene, SECRET)


@pytest.mark.parametrize(
    ("decoded", "written"),
    [
        (Setup.decoded, bytes(20)),
        (Setup.decoded, bytes(32) + b"\xff" * 4),
        (Vibration.decoded, b"\x01"),
        (Vibration.decoded, b"\x00\x01"),
        (Vibration.decoded, b"\x06\x01"),
        (Shine.decoded, b"\x04\x01"),
        (Shine.decoded, b"\x01\x00"),
        (Shine.decoded, b"\x01\x3d"),
        (Button.decoded, b""),
    ],
)
def test_bytes_that_mean_nothing_are_refused(
    decoded: Callable[[bytes], object], written: bytes
) -> None:
    """Other lengths, and values that there are not."""
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        decoded(written)


def test_there_is_no_red() -> None:
    """A band says nothing is wrong with her."""
    assert {light.name for light in Light} == {"OFF", "BLUE", "GREEN", "WHITE"}
