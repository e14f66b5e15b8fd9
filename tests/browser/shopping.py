"""What shoppers' phones in Chromium do in tests: fill a cart, sign in; and what is looked at."""

import re
import time
import uuid

from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Page, expect

from tests.mobile_api.shop import HERE
from tests.mobile_api.signing_in import ADA, code

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
# Every language, size and scheme once, not each with each: axe takes seconds on every page.
IN_EACH_LANGUAGE = [("en", PHONE), ("he", DESKTOP), ("pl", PHONE)]
IN_EACH_SCHEME = [("en", "dark"), ("he", "light"), ("pl", "dark")]
TRUE_WITHIN_S = 20.0

# Counts the tones that a page begins, in `data-tones` of its body.
COUNT_TONES = """() => {
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    document.body.dataset.tones = String(Number(document.body.dataset.tones ?? 0) + 1);
    return start.apply(this, when);
  };
}"""


def serious(page: Page) -> list[str]:
    """Return axe-core's serious and critical findings."""
    found = Axe().run(page)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def put(context: BrowserContext, gtin: str, quantity: int = 1) -> None:
    """Put an article into this phone's cart."""
    answer = context.request.post(
        "/api/v1/cart/lines",
        data={"gtin": gtin, "quantity": quantity, "location_id": HERE},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    assert answer.ok, answer.text()


def looked_at(page: Page, name: str) -> None:
    """Find nothing that axe calls serious, and nothing wider than the screen of either size."""
    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    assert [(name, one["id"], one["nodes"][0]["html"][:120]) for one in grave] == []
    held = page.viewport_size
    for size in (DESKTOP, PHONE, held):
        assert size is not None
        page.set_viewport_size(size)  # type: ignore[arg-type]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, (name, size)


def speaks(page: Page, language: str, tag: str) -> None:
    """Choose the language by its own name, and wait until the page that speaks it is there."""
    page.get_by_role("button", name=language).click()
    expect(page.locator("html")).to_have_attribute("lang", tag)
    page.wait_for_load_state()


def come_in(page: Page, shop: FastAPI, email: str = ADA) -> None:
    """Sign in by the forms, with the keyboard."""
    page.goto("/sign-in")
    page.locator("input[name=email]").fill(email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")
    expect(page.locator("input[name=code]")).to_be_focused()
    digits = code(shop)
    page.locator("input[name=code]").fill(f"{digits[:3]} {digits[3:]}")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))


# Chromium has no barcode reader on Linux. This one finds what the test holds up, look by look.
DETECTOR = """
window.looks = [];
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["ean_13", "qr_code"]; }
  constructor({ formats }) { window.formats = formats; }
  async detect(video) {
    if (!video.videoWidth) return [];
    const look = window.looks.length > 1 ? window.looks.shift() : window.looks[0] ?? [];
    document.body.dataset.looked = String(Number(document.body.dataset.looked ?? 0) + 1);
    return look.map((rawValue) => ({ rawValue }));
  }
};
"""


def looks(page: Page, *each: list[str]) -> None:
    """Hold up before the camera, one look after the other; the last stays in view."""
    page.evaluate("each => { looks = each; document.body.dataset.looked = 0; }", list(each))


def becomes(page: Page, expression: str, every_ms: float = 50) -> None:
    """Return when it is true. Asked from outside: a page lets nobody evaluate strings inside it."""
    deadline = time.monotonic() + TRUE_WITHIN_S
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(every_ms)
