"""A reminder, and thanks, on a narrow phone: nothing sticks out; in three languages, also dark."""

from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cart.journeys.model import Template, TriggerKind
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from mobile_api.carts.basket import ShownLine
from mobile_api.journeys.reminder import TEMPLATES, Reminder, lead_of
from mobile_api.look.templates import render
from mobile_api.look.words import words
from mobile_api.products.shops import StockWords

pytestmark = pytest.mark.browser
NARROW_PX: Final = 320
PICTURE: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
LONG: Final = "Floor lamp with a shade of pleated linen, dimmable, two metres"


def html(locale: str, says: Template) -> str:
    """Return the mail of two articles, one with a long name and a price of five figures."""
    spoken = words(locale)
    lines = tuple(
        ShownLine(
            *(Gtin(code), sku, sku, name, "red · L", quantity),
            *(Money(1_234_500, "EUR"), Money(1_234_500 * quantity, "EUR"), "x", name),
            StockWords("Only 2 left at Harbour Street", "few"),
            (),
        )
        for code, sku, name, quantity in (
            ("4006381333931", "lamp", LONG, 12),
            ("96385074", "mug", "Mug", 1),
        )
    )
    link = "https://shop.example/x"
    kind = TriggerKind.ORDERED if says is Template.CARE else TriggerKind.CART_IDLE
    letter = Reminder(
        spoken,
        lead_of(spoken, kind, says),
        lines,
        (Money(13_579_500, "EUR"),),
        "Harbour Street",
        *(link, link, link),
        kind=kind,
        template=says,
        care={lines[0].gtin: "Wash it by hand, and let it dry in the shade. " * 4},
    )
    cids = {line.gtin: "picture" for line in lines}
    context = {"letter": letter, "cids": cids, "base_url": "https://shop.example"}
    return render(locale, f"{TEMPLATES[says]}.html", context).replace("cid:picture", PICTURE)


@pytest.mark.parametrize("says", list(Template))
@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("he", "dark"), ("pl", "dark")])
def test_a_reminder_fits_a_narrow_phone(
    browser: Browser, locale: str, scheme: Literal["light", "dark"], says: Template
) -> None:
    """Nothing is wider than 320 px; what is read can be read; Hebrew begins on the right."""
    context = browser.new_context(viewport={"width": NARROW_PX, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(html(locale, says))
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW_PX
    found = Axe().run(page).response["violations"]
    assert [one for one in found if one["impact"] in {"serious", "critical"}] == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(22, 20, 15)" if scheme == "dark" else "rgb(250, 248, 244)")
    heading = page.locator("h1").bounding_box()
    # Beside the picture: the price, or of thanks the name, which leads to its page.
    other = page.locator("bdi" if says is Template.REMINDER else "strong a").first
    picture, beside = page.locator("img").first.bounding_box(), other.bounding_box()
    assert heading is not None
    assert picture is not None
    assert beside is not None
    assert (picture["x"] > beside["x"]) == (locale == "he")
    if says is Template.CARE:  # nobody has put its words into her language
        words_of_it = page.get_by_text("Wash it by hand")
        assert words_of_it.evaluate("one => getComputedStyle(one).direction") == "ltr"
    page.set_viewport_size({"width": 1280, "height": 800})
    table = page.locator("table table").first.bounding_box()
    assert table is not None
    assert table["width"] <= 560
    context.close()
