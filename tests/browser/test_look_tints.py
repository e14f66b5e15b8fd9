"""A look in another colour on the phone, in Chromium: painted there, near the rendered truth."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from cart.db import unit_of_work
from firmware_sim.mirror.drawing import Light, Room
from firmware_sim.mirror.figure import GARMENTS, Part, Person, Pose
from firmware_sim.mirror.optics import Floats, Lens
from inventory_api.catalogue.tables import VariantRow
from store_devices.hardware import Pixels
from store_devices.mirror.cutout import cut_out
from store_devices.mirror.encoding import contact_sheet, webm
from store_devices.mirror.front import moved
from store_devices.mirror.recolour import found_garment
from store_devices.mirror.sealing import Turn
from store_devices.mirror.silhouette import EmptyRoom, nearest
from store_devices.mirror.straight import Straightener, filling, whole_view
from tests.benchmarks.turns import ciede2000, lab_of
from tests.mobile_api.looking import Mirror
from tests.mobile_api.served import serving
from tests.mobile_api.shop import MUG, RED

pytestmark = pytest.mark.browser
LENS = Lens(width_px=270, height_px=480)
SHEET_PX, GLASS_PX = 270, 540
HEX = {"lamp-red": "#b0242c", "lamp-blue": "#264e9e"}
PAINTED = "canvas => canvas.toDataURL('image/png').split(',')[1]"


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A turn whose garment is red, its front drawn in blue, and where the garment is."""

    turn: Turn
    red: Pixels
    blue: Pixels
    cloth: Floats


@pytest.fixture(scope="module")
def truth() -> Truth:
    """The same person in the same light, drawn in two colours."""
    room = Room(LENS, Light(), 3)
    sight = Straightener(LENS.calibration, whole_view(LENS.calibration), SHEET_PX)
    empty = EmptyRoom()
    for _ in range(10):
        empty.learn(sight.straight(room.picture([]).pixels))
    red, blue = (
        room.picture([(Person(garment=GARMENTS[name]), Pose())]) for name in ("red", "blue")
    )
    found = nearest(empty.silhouettes(sight.straight(red.pixels)))
    assert found is not None
    window = filling(sight, found[0].box)
    glass, small = (Straightener(LENS.calibration, window, one) for one in (GLASS_PX, SHEET_PX))
    larger, there = moved(sight, glass, found[1], found[0])
    garment = found_garment(glass.straight(red.pixels), larger, there)
    assert garment is not None
    shown = small.straight(red.pixels)
    sheet = cut_out(contact_sheet([shown] * 8), garment, small.width_px, small.height_px)
    parts = np.isin(red.parts, (Part.GARMENT, Part.SLEEVE)).astype(np.uint8) * np.uint8(255)
    return Truth(
        Turn(webm([(0.0, shown), (0.1, shown)]), "video/webm", sheet),
        shown,
        small.straight(blue.pixels),
        small.straight(np.dstack([parts] * 3))[..., 0].astype(np.float32),
    )


@pytest.fixture
def look(shop: FastAPI, browser: Browser, truth: Truth) -> Iterator[tuple[Page, str]]:
    """A phone, and the page of a look in which a red thing and a mug were tried on."""
    with unit_of_work(shop.state.parts.engine) as db:
        for sku, colour_hex in HEX.items():
            row = db.get(VariantRow, sku)
            assert row is not None
            row.colour_hex = colour_hex
    with serving(shop) as url, httpx2.Client(base_url=url) as phone:
        look_id = Mirror(shop).kept(phone, MUG, RED, turn=truth.turn)
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.add_cookies(
            [{"name": one.name, "value": one.value or "", "url": url} for one in phone.cookies.jar]
        )
        yield context.new_page(), f"{url}/looks/{look_id}"
        context.close()


def painted(page: Page) -> Pixels:
    """Return what is on the canvas (BGR)."""
    data = page.locator("[data-tints] canvas").evaluate(PAINTED)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    return np.ascontiguousarray(shown[..., ::-1])


def apart(one: Pixels, other: Pixels, where: Floats) -> Floats:
    """Return CIEDE2000 of each pixel of the cloth."""
    return np.asarray(ciede2000(lab_of(one)[where > 127], lab_of(other)[where > 127]))


def test_a_look_is_painted_in_another_colour_on_the_phone(
    look: tuple[Page, str], truth: Truth
) -> None:
    """By keyboard; near the rendered truth on the garment, all else as it was; and back again."""
    page, address = look
    page.goto(address)
    section = page.locator("[data-tints]")
    expect(section).to_be_visible(timeout=20_000)
    expect(section.locator("canvas")).to_have_attribute(
        "aria-label", "You from the front, as you were"
    )
    flaws = Axe().run(page).response["violations"]
    assert [one["id"] for one in flaws if one["impact"] in ("serious", "critical")] == []
    own, blue = (section.get_by_role("button", name=name) for name in ("red", "blue"))
    expect(own).to_have_attribute("aria-pressed", "true")
    before = painted(page)
    assert np.median(apart(before, truth.red, truth.cloth)) < 1.5  # a JPEG's loss
    own.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(blue).to_have_attribute("aria-pressed", "true")
    expect(section.get_by_text("Painted on this phone.")).to_be_visible()
    expect(section.locator("[data-guess]")).to_be_hidden()
    after = painted(page)
    off = apart(after, truth.blue, truth.cloth)
    assert np.median(off) < 2.5
    assert np.percentile(off, 90) < 12  # seams, buttons, the rim
    assert np.median(apart(before, truth.blue, truth.cloth)) > 30
    far = truth.cloth == 0
    far[:, 60:-60] = False  # away from her no pixel has changed
    assert np.array_equal(after[far], before[far])
    own.press("Enter")
    assert np.array_equal(painted(page), before)
