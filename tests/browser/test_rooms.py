"""From a fitting room to staff and back, on real parts: broker, gateway, API, and a browser."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import Engine

from cart.kernel.clock import SystemClock
from gateway.settings import MqttSettings
from gateway.wire.codec import decode_command
from gateway.wire.downlink import SizeAnswered
from gateway.wire.size_answer import SizeAnswer
from gateway.wire.topics import Channel
from gateway.wiring import Gateway
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock
from tests.fakes.fitting_room import FittingRoom
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

pytestmark = pytest.mark.browser
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
ONLINE_WAIT_S: Final = 20.0
HEARD_WITHIN_S: Final = 2.0  # a second is the aim; two cores have other tests, too


@dataclass
class Shop:
    """A shop at work: the room, its mirror's line to the broker, the page of somebody of staff."""

    room: FittingRoom
    mirror: MqttClient
    page: Page


@pytest.fixture
def shop(engine: Engine, sqlite_url: str, tmp_path: Path, browser: Browser) -> Iterator[Shop]:
    """Everything started, the page open on an empty list."""
    floor = Floor(engine, FakeClock(SystemClock().now()))
    room, token = FittingRoom(floor), hire(floor, "7")
    gateway = Gateway(
        MqttSettings(
            data_dir=tmp_path, database_url=sqlite_url, secret_key=SECRET, mqtt_port=0,
            monitor_port=0,
        )
    )  # fmt: skip
    port = gateway.start()
    assert gateway.wait_online(ONLINE_WAIT_S)
    app = create_app(ApiSettings(data_dir=tmp_path, secret_key=SECRET), engine=engine, mail=False)
    device = room.mirror.device
    with (
        serving(app) as url,
        MqttClient(port, device.device_id, device.device_id, device.credential) as mirror,
    ):
        wait_until(lambda: app.state.parts.fan is not None and app.state.parts.fan.online)
        assert mirror.subscribe(room.mirror.address.topic(Channel.COMMANDS))
        context = browser.new_context(viewport=PHONE, reduced_motion="reduce", base_url=url)
        context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        page.goto("/staff/rooms")
        yield Shop(room, mirror, page)
        context.close()
    gateway.stop()


def test_a_wish_comes_up_rings_and_is_answered_on_the_glass(shop: Shop) -> None:
    """By keyboard alone; what was unfolded stays so while the page is drawn anew."""
    page = shop.page
    expect(page.locator("#staff-live")).to_have_attribute("data-state", "on")
    expect(page.locator(".empty")).to_be_visible()
    wish = shop.room.wish(gtin=BLUE)
    shop.mirror.publish(wish.topic, wish.payload)
    card = page.locator(".wish")
    expect(card).to_contain_text("blue")
    expect(page.locator("body")).to_have_attribute("data-played", "ring")
    expect(page.locator("#spoken")).to_have_text("Room 1 asks for something.")
    assert Axe().run(page).response["violations"] == []
    card.locator("summary").click()
    another = shop.room.wish("w2")
    shop.mirror.publish(another.topic, another.payload)
    expect(card).to_have_count(2)
    first = card.first
    expect(first.locator("details")).to_have_attribute("open", "")
    assert Axe().run(page).response["violations"] == []
    first.get_by_role("button", name="Coming").focus()
    pressed_s = time.monotonic()
    page.keyboard.press("Enter")
    _, payload = shop.mirror.next()
    heard_s = time.monotonic() - pressed_s
    command = decode_command(payload)
    assert isinstance(command, SizeAnswered)
    assert (command.data.visit, command.data.request) == ("v1", "w1")
    assert command.data.answer is SizeAnswer.COMING
    assert heard_s < HEARD_WITHIN_S
    expect(first.get_by_role("button", name="Brought")).to_be_visible()
    # She goes: what is over is gone from the page by itself.
    gone = shop.room.said("device.put_down", reason="done")
    shop.mirror.publish(gone.topic, gone.payload)
    expect(card).to_have_count(0)
