"""A queue in Chromium: she joins by a button, is called while she looks, and staff see her come."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, ViewportSize, expect
from sqlalchemy import Engine

from cart.kernel.ids import RandomIds
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.browser.shopping import TRUE_WITHIN_S, becomes
from tests.cart.buying import HERE
from tests.fakes.clock import FakeClock
from tests.mobile_api.queueing import QueueShop
from tests.mobile_api.served import serving
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire
from tests.real.browser import running_browser

pytestmark = pytest.mark.browser
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that shows notifications."""
    with running_browser(desktop=True) as made:
        yield made


@pytest.fixture
def opened(engine: Engine, clock: FakeClock, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a shop with queues, and the key of somebody of its staff."""
    shop = QueueShop(engine, clock)
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET)
    app = create_app(
        settings, engine=engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    token = hire(shop.floor, "7")
    with serving(app) as url:
        yield url, token


def test_her_page_calls_her_and_staff_see_it(browser: Browser, opened: tuple[str, str]) -> None:
    """Joined, called without a reload, the same after one, over when staff say she came."""
    url, token = opened
    hers = browser.new_context(viewport=PHONE).new_page()
    hers.goto(f"{url}/shops/{HERE}/waiting")
    hers.locator("[data-act=join-queue][data-zone=rooms-1]").click()
    expect(hers.locator("[data-state=waiting]")).to_contain_text("You are next")
    assert Axe().run(hers).response["violations"] == []
    theirs = browser.new_context(viewport=PHONE)
    theirs.add_cookies([{"name": COOKIE, "value": token, "url": url}])
    staff = theirs.new_page()
    staff.goto(f"{url}/staff/waiting")
    staff.get_by_role("button", name="Call the next").click()
    expect(hers.locator("[data-state=called]")).to_contain_text("It is your turn")
    hers.reload()
    expect(hers.locator("[data-state=called]")).to_contain_text("It is your turn")
    assert Axe().run(hers).response["violations"] == []
    assert Axe().run(staff).response["violations"] == []
    staff.get_by_role("button", name="She is here").click()
    expect(staff.get_by_role("button", name="She is here")).to_have_count(0)
    expect(hers.locator("[data-state=called]")).to_have_count(0)


SLOW_LOOKS = """
const real = window.fetch;
window.fetch = async (...asked) => {
  const answer = await real(...asked);
  if (asked[1]?.method !== "POST") {
    window.looked = true;
    await new Promise((go) => { window.arrive = go; });
  }
  return answer;
};
"""


def test_a_look_that_was_asked_before_she_joined_takes_nothing_back(
    browser: Browser, opened: tuple[str, str]
) -> None:
    """Its answer comes last, and knows nothing of her: she stays in the queue she sees."""
    url, _ = opened
    context = browser.new_context(viewport=PHONE)
    context.add_init_script(SLOW_LOOKS)
    page = context.new_page()
    page.goto(f"{url}/shops/{HERE}/waiting")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    becomes(page, "window.looked")
    page.locator("[data-act=join-queue][data-zone=rooms-1]").click()
    expect(page.locator("[data-state=waiting]")).to_contain_text("You are next")
    page.evaluate("window.arrive()")
    page.evaluate("new Promise((go) => setTimeout(go, 200))")
    expect(page.locator("[data-state=waiting]")).to_have_count(1)
    context.close()


def test_a_ring_is_shown_while_no_page_says_so(browser: Browser, opened: tuple[str, str]) -> None:
    """The worker shows it; the page offers it where the phone can."""
    url, _ = opened
    context = browser.new_context(viewport=PHONE, permissions=["notifications"])
    page = context.new_page()
    page.goto(f"{url}/shops/{HERE}/waiting")
    expect(page.locator("#push-on")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    devtools = context.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registered.extend(one["registrationId"] for one in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    becomes(page, "navigator.serviceWorker.ready.then(() => true)")
    shown = _shown_from_now(devtools)
    told = {"title": "It is your turn", "body": "Rooms 1", "tag": "turn", "url": "/elsewhere"}
    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": url, "registrationId": registered[0], "data": json.dumps(told)},
    )
    within = time.monotonic() + TRUE_WITHIN_S
    while not shown:
        assert time.monotonic() < within, "the worker showed nothing"
        page.wait_for_timeout(50)
    titles = page.evaluate(
        "navigator.serviceWorker.ready.then((one) => one.getNotifications())"
        ".then((all) => all.map((each) => each.title))"
    )
    assert titles == ["It is your turn"]
    context.close()


def _shown_from_now(devtools: CDPSession) -> list[str]:
    """Grows with each notification that is displayed.

    A page must not ask for one that is on its way: Chromium forgets what is written and not
    yet displayed (12 of 60 were lost to a page that asked at once, none to one that waited).
    """
    shown: list[str] = []

    def note(told: dict[str, Any]) -> None:
        event = told["backgroundServiceEvent"]
        if event["eventName"] == "Notification displayed":
            shown.append(event["instanceId"])

    devtools.on("BackgroundService.backgroundServiceEventReceived", note)
    devtools.send("BackgroundService.startObserving", {"service": "notifications"})
    devtools.send(
        "BackgroundService.setRecording", {"shouldRecord": True, "service": "notifications"}
    )
    return shown
