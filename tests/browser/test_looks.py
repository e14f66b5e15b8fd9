"""Looks on a phone in Chromium: films turn by angle under one dial, in step, also by keyboard."""

from collections.abc import Iterator
from functools import partial

import httpx2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cart.db import unit_of_work
from cart.kernel.gtin import Gtin
from gateway.fanout import StockChanged
from gateway.wire.downlink import StockNotice
from inventory_api.catalogue.tables import VariantRow
from store_devices.hardware import Pixels
from store_devices.mirror.encoding import contact_sheet, webm
from store_devices.mirror.picking import off_deg
from store_devices.mirror.sealing import Turn
from store_devices.mirror.thumbnail import thumbnailed
from store_devices.mirror.track import tracked
from tests.mobile_api.looking import Mirror
from tests.mobile_api.served import serving
from tests.mobile_api.shop import HERE, RED, stock
from tests.real.waiting import wait_until

pytestmark = pytest.mark.browser
STEP_DEG = (
    16  # of a quick film half its step and one of the dial, and what the codec does to a grey
)

SHOWN = """
(video) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0];
}
"""


def _picture(view_deg: float) -> Pixels:
    """Return a picture whose grey tells its view: 30 from the front, 1 more every 2 degrees."""
    return np.full((160, 90, 3), round(30 + (view_deg % 360) / 2), dtype=np.uint8)


def _turn(views_deg: list[float], gap_s: float, *, told: bool = True) -> Turn:
    at_s = [index * gap_s for index in range(len(views_deg))]
    video = webm(zip(at_s, map(_picture, views_deg), strict=True))
    sheet = contact_sheet([_picture(side) for side in range(0, 360, 45)])
    return Turn(video, "video/webm", tracked(sheet, at_s, views_deg) if told else sheet)


@pytest.fixture
def shown(shop: FastAPI, browser: Browser) -> Iterator[tuple[Page, str, list[str]]]:
    """A phone with looks to the left; to the right, slower, uneven; without angles; and quick."""
    left = [float(view) for view in np.linspace(0, 355, 36)]
    right = [float(-view % 360) for view in 355 * np.linspace(0, 1, 50) ** 1.5]
    turns = (
        _turn(left, 0.1),
        _turn(right, 0.12),
        _turn(left, 0.1, told=False),
        _turn(left, 0.06),
    )
    mirror = Mirror(shop)
    with serving(shop) as url, httpx2.Client(base_url=url) as phone:
        looks = [mirror.kept(phone, visit=f"v{n}", turn=one) for n, one in enumerate(turns)]
        context = on_phone(browser, phone, url)
        yield context.new_page(), url, looks
        context.close()


def on_phone(browser: Browser, phone: httpx2.Client, url: str) -> BrowserContext:
    """Return a browser of a phone's size with what this client was given."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies(
        [{"name": one.name, "value": one.value or "", "url": url} for one in phone.cookies.jar]
    )
    return context


def _views(page: Page) -> list[float]:
    """Return which view each film of the page shows, by its grey."""
    return [2 * (video.evaluate(SHOWN) - 30) for video in page.locator("[data-turn] video").all()]


def _in_step(page: Page, view_deg: float) -> bool:
    return all(float(off_deg(view, view_deg)) < STEP_DEG for view in _views(page))


def test_three_films_turn_in_step_by_angle(shown: tuple[Page, str, list[str]]) -> None:
    """One dial, arrow keys too: all show its side, whichever way round and however fast.

    The third comes beside the two by the page's own form.
    """
    page, url, (one, other, _, quick) = shown
    page.goto(f"{url}/looks/compare?look={one}&look={other}")
    page.locator("select").select_option(quick)
    page.get_by_role("button", name="One more beside them").click()
    dial = page.locator("[data-dial]")
    expect(dial).to_have_attribute("data-tracks", "3")
    flaws = Axe().run(page).response["violations"]
    assert [one["id"] for one in flaws if one["impact"] in ("serious", "critical")] == []
    handle = dial.locator("input")
    handle.focus()
    for key, times, view_deg, said in (
        ("ArrowRight", 18, 90, "From the right, 90°"),
        ("ArrowRight", 18, 180, "From behind, 180°"),
        ("ArrowLeft", 9, 135, "From behind, right, 135°"),
        ("End", 1, 0, "From the front, 0°"),
        ("ArrowLeft", 18, 270, "From the left, 270°"),
    ):
        for _press in range(times):
            handle.press(key)
        expect(handle).to_have_attribute("aria-valuetext", said)
        wait_until(partial(_in_step, page, view_deg), 20)
    # While one plays, the other follows it by angle, and the dial says where they are.
    first = page.locator("[data-turn] video").first
    first.evaluate(
        "video => { video.currentTime = 0; video.playbackRate = 0.5; return video.play(); }"
    )
    wait_until(lambda: float(handle.input_value()) > 40, 20)
    first.evaluate("video => video.pause()")
    wait_until(lambda: _in_step(page, _views(page)[0]), 20)
    assert all(view > 20 for view in _views(page)[1:])


def test_what_was_tried_on_follows_the_stock(shop: FastAPI, browser: Browser) -> None:
    """The last one is sold while the page is open: chip and words say so; also when it is back."""
    parts = shop.state.parts
    with unit_of_work(parts.engine) as db:
        for sku, size in (("lamp-red", "150 cm"), ("lamp-blue", "170 cm")):
            row = db.get_one(VariantRow, sku)
            row.colour, row.size = "red", size
            db.add(row)

    def left(pieces: int, delta: int) -> None:
        stock(parts.engine, parts.clock, HERE, "lamp-red", delta)
        said = StockNotice(
            product_id="arc-lamp",
            sku="lamp-red",
            gtin=Gtin(RED),
            location_id=HERE,
            available=pieces,
            version=9,
            as_of=parts.clock.now(),
        )
        parts.hub.hear(StockChanged(said))  # as the fan-out does

    with serving(shop) as url, httpx2.Client(base_url=url) as phone:
        look_id = Mirror(shop).kept(phone, RED, turn=_turn([0.0, 180.0], 0.1))
        context = on_phone(browser, phone, url)
        page = context.new_page()
        with page.expect_request("**/cart/events?watch=*"):
            page.goto(f"{url}/looks/{look_id}")
        wait_until(lambda: parts.hub.open_phones == 1, 20)
        chip = page.locator(f'.tried [data-gtin="{RED}"]')
        expect(chip).to_have_class("chip")
        chip.focus()
        left(0, -3)
        expect(chip).to_have_class("chip away")
        expect(chip).to_contain_text("not in this shop")
        expect(chip).to_be_focused()
        expect(page.locator(".tried .stock")).not_to_contain_text("3")
        left(2, 2)
        expect(chip).to_have_class("chip")
        expect(page.locator(".tried .stock")).to_contain_text("2")
        context.close()


def test_a_look_alone_turns_and_an_older_one_by_its_sheet(
    shown: tuple[Page, str, list[str]],
) -> None:
    """Its film by angle; where none are told, the nearest of the eight frames."""
    page, url, (_, other, untold, _) = shown
    page.goto(f"{url}/looks/{other}")
    handle = page.locator("[data-dial] input")
    expect(page.locator("[data-dial]")).to_have_attribute("data-tracks", "1")
    handle.fill("250")
    wait_until(lambda: _in_step(page, 250), 20)
    page.goto(f"{url}/looks/{untold}")
    expect(page.locator("[data-dial]")).to_have_attribute("data-tracks", "0")
    handle.fill("130")
    canvas = page.locator("[data-turn] canvas")
    expect(canvas).to_be_visible()
    grey = canvas.evaluate("one => one.getContext('2d').getImageData(5, 5, 1, 1).data[0]")
    assert abs(2 * (grey - 30) - 135) < STEP_DEG


def test_cards_ask_for_small_pictures_only(shop: FastAPI, browser: Browser) -> None:
    """One request a card, none for a sheet or a film; an older look's card shows its sheet.

    Cards keep their place before and after: the page does not jump.
    """
    older = _turn([0.0, 90.0], 0.1)
    fresh = Turn(older.video, older.media_type, thumbnailed(older.sheet, _picture(0)))
    mirror = Mirror(shop)
    asked: list[str] = []
    with serving(shop) as url, httpx2.Client(base_url=url) as phone:
        looks = [
            mirror.kept(phone, visit=f"v{n}", turn=one) for n, one in enumerate((older, fresh))
        ]
        context = on_phone(browser, phone, url)
        page = context.new_page()
        page.route("**/thumbnail", lambda _: None)  # held back: how the page stands without them
        page.goto(f"{url}/looks", wait_until="domcontentloaded")
        cards = page.locator(".look-card")
        expect(cards).to_have_count(2)
        before = [card.bounding_box() for card in cards.all()]
        page.unroute_all(behavior="ignoreErrors")
        page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
        page.goto(f"{url}/looks", wait_until="networkidle")
        images = page.locator(".look-card img")
        wide = "all => all.map((one) => one.naturalWidth)"
        wait_until(lambda: 0 not in images.evaluate_all(wide), 20)
        assert sorted(images.evaluate_all(wide)) == [240, 4 * 96 + 6]
        assert [card.bounding_box() for card in cards.all()] == before
        pictures = [one for one in asked if one.startswith("/looks/")]
        assert sorted(pictures) == sorted(f"/looks/{look_id}/thumbnail" for look_id in looks)
        page.goto(f"{url}/looks/{looks[1]}")
        poster = page.locator("[data-turn] video").get_attribute("poster")
        assert poster == f"/looks/{looks[1]}/thumbnail"
        context.close()
