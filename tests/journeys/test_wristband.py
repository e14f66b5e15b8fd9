"""A wristband's way through the shop on real parts: bleak, a Bluetooth stack, a broker, servers.

Handed out, seen in a zone, held to a tablet, scanned with, walked away from, lost.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cart.carts.tables import CartRow, ShopperSessionRow
from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from firmware_sim.bands.ether import Levels
from firmware_sim.bands.radios import Radios
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.tablet import SimTablet
from firmware_sim.testing import RunningShop, TakenTablet
from gateway.bands import service as bands
from gateway.floor import queries as floors
from store_devices.enrolling import enrol

HERE = "harbour-street"
LAMP = str(Gtin.parse(products(7)[0].variants[0].gtin))
WAIT_S = 30.0
HELD, BESIDE, ACROSS = -33.0, -55.0, -84.0  # dBm, at the tablet's own receiver
pytestmark = pytest.mark.timeout(240)


class Shop:
    """A running shop with a tablet that has a reader, a second zone, and radios in the air."""

    def __init__(self, shop: RunningShop, folder: Path) -> None:
        self.running, self._folder = shop, folder
        self.engine: Engine = make_engine(f"sqlite:///{shop.server.data_dir}/carryover.db")
        self.levels = Levels(None)
        self.radios = Radios(self.levels)
        self.radios.start()
        self.tablet: SimTablet = shop.new_tablet(location=HERE)
        self.reader, self.far = self._receiver("reader"), self._receiver("far")
        plan = folder / "plan.toml"
        plan.write_text(
            f'[[zone]]\nid = "lamps"\nareas = [[0, 0, 6, 6]]\n'
            f'[[zone]]\nid = "seating"\nareas = [[20, 0, 26, 6]]\n'
            f'[[receiver]]\ndevice = "{self.reader}"\nat = [3, 3]\n'
            f'stands_at = "{self.tablet.device_id}"\n'
            f'[[receiver]]\ndevice = "{self.far}"\nat = [23, 3]\n'
        )
        shop.server.command("gateway.cli", "floor", "load", str(plan), "--location", HERE)

    def _receiver(self, name: str) -> str:
        token = self.running.server.token(HERE, name, kind="receiver")
        identity = enrol(self.running.url, token, "1.0")
        self.radios.receiver(identity, self._folder / name)
        return identity.device_id

    def hand_out(self, greeting: str, *, follow: bool = True) -> tuple[int, str, str]:
        """Give somebody a fresh band; return its number, her session and her cart."""
        said = self.running.server.command(
            "gateway.cli", "bands", "make", "--location", HERE, "--json"
        )
        made = json.loads(said)
        (one,) = made if isinstance(made, list) else [made]
        clock, ids = SystemClock(), RandomIds()
        with unit_of_work(self.engine) as db:
            cart = CartRow(id=ids.new("cart"), currency="EUR", created_at=clock.now())
            db.add(cart)
            db.flush()
            session = ShopperSessionRow(
                id=ids.new("session"), cart_id=cart.id, locale="pl", created_at=clock.now()
            )
            db.add(session)
            db.flush()
            bands.hand_out(
                db, clock, ids, number=one["number"], session_id=session.id, greeting=greeting,
                locale="pl", follow=follow, staff_id=None,
            )  # fmt: skip
            found = one["number"], session.id, cart.id
        self.radios.band(str(one["number"]), bytes.fromhex(one["secret"]))
        return found

    def move(self, number: int, *, reader: float | None, far: float | None) -> None:
        """Let a band be heard so strongly by both receivers."""
        self.levels.set(str(number), self.reader, reader)
        self.levels.set(str(number), self.far, far)

    def zones(self) -> dict[int, str]:
        """Return who is where."""
        with reading(self.engine) as db:
            return floors.present(db, HERE)

    def lines(self, cart_id: str) -> dict[str, int]:
        """Return what is in a cart."""
        from cart.carts.queries import view  # noqa: PLC0415 - beside the only use

        with reading(self.engine) as db:
            return {str(line.gtin): line.quantity for line in view(db, cart_id).lines}

    def close(self) -> None:
        """Switch the radios off."""
        self.radios.stop()
        self.engine.dispose()


def until(what: Callable[[], object], wait_s: float = WAIT_S) -> float:
    """Wait for it; return the seconds that it took."""
    began_s = time.monotonic()
    while not what():
        assert time.monotonic() - began_s < wait_s, "it did not come"
        time.sleep(0.05)
    return time.monotonic() - began_s


@pytest.fixture(scope="module")
def shop(open_carryover_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for all."""
    made = Shop(open_carryover_shop(), tmp_path_factory.mktemp("radios"))
    yield made
    made.close()


def test_her_cart_is_where_she_holds_her_band_and_goes_with_her(shop: Shop) -> None:
    """Arrives, taps, is greeted in her language, scans, walks away: cleared; her cart is hers."""
    number, _, cart_id = shop.hand_out("Dana")
    shop.move(number, reader=BESIDE, far=ACROSS)
    until(lambda: shop.zones() == {number: "lamps"})
    screen = shop.tablet.screen
    assert screen.look().phase == "idle"

    shop.move(number, reader=HELD, far=ACROSS)
    screen.wait_for(lambda seen: "Dana" in seen.text, WAIT_S)
    shop.move(number, reader=BESIDE, far=ACROSS)
    TakenTablet(shop.tablet).scan(LAMP)
    until(lambda: shop.lines(cart_id) == {LAMP: 1})

    shop.move(number, reader=None, far=BESIDE)
    until(lambda: shop.zones() == {number: "seating"})
    screen.wait_for(lambda seen: seen.phase == "idle" and "Dana" not in seen.text, WAIT_S)
    assert shop.lines(cart_id) == {LAMP: 1}

    shop.move(number, reader=None, far=None)
    until(lambda: shop.zones() == {})


def test_two_bands_at_one_reader_open_nothing_until_one_is_pressed(shop: Shop) -> None:
    """It asks; the one whose button is pressed has the tablet, with her own cart and name."""
    first, _, _ = shop.hand_out("Ewa")
    second, _, cart_id = shop.hand_out("Noa")
    screen = shop.tablet.screen
    for number in (first, second):
        shop.move(number, reader=HELD, far=None)
    screen.wait_for(lambda seen: "Ewa" not in seen.text and seen.notice != "", WAIT_S)
    assert screen.look().phase == "idle"
    for number in (first, second):
        shop.move(number, reader=BESIDE, far=None)
    time.sleep(1.5)
    shop.radios.press(str(second))
    screen.wait_for(lambda seen: "Noa" in seen.text, WAIT_S)
    assert "Ewa" not in screen.look().text
    TakenTablet(shop.tablet).scan(LAMP)
    until(lambda: shop.lines(cart_id) == {LAMP: 1})
    for number in (first, second):
        shop.move(number, reader=None, far=None)
    screen.wait_for(lambda seen: seen.phase == "idle", WAIT_S)


def test_a_lost_band_opens_nothing_within_seconds(shop: Shop) -> None:
    """Reported lost at the command line: nobody's, nowhere; the tablet says so kindly."""
    number, _, _ = shop.hand_out("Ola")
    shop.move(number, reader=BESIDE, far=None)
    until(lambda: number in shop.zones())
    shop.running.server.command("gateway.cli", "bands", "lost", str(number))
    assert until(lambda: number not in shop.zones()) < 10
    shop.move(number, reader=HELD, far=None)
    shop.tablet.screen.wait_for(lambda seen: seen.notice != "", WAIT_S)
    assert shop.tablet.screen.look().phase == "idle"
    assert "Ola" not in shop.tablet.screen.look().text
    shop.move(number, reader=None, far=None)
