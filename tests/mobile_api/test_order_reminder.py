"""A reminder of an order that waits, and thanks for one: from the desk's facts to the mail."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.orders import goods
from cart.orders.tables import OrderRow
from inventory_api.catalogue.tables import ProductRow
from mobile_api.timeline.sweep import SOURCES
from tests.cart.journeying import HOUR_S
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.shop import RED
from tests.mobile_api.signing_in import ADA
from tests.mobile_api.test_reminder import ONCE, Home, home
from tests.mobile_api.test_timeline import sell

WAITS = ONCE.replace("cart_idle", "ready_to_collect")
CARES = ONCE.replace("cart_idle", "ordered") + 'template = "care"\n'
CARE = {
    "": "Keep it dry, <always>.",
    "he": "יש לשמור על יובש.",
    "pl": "Trzymaj ją w suchym miejscu.",
}
__all__ = ["home"]  # the fixture


def said_in(mail: str) -> str:
    """Return a mail without its links: their ids and keys have any digits."""
    return re.sub(r"http://testserver/\S+", "", mail)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("collected", [False, True])
def test_it_leads_to_the_order_and_shows_no_prices(
    app: FastAPI,
    phone: TestClient,
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    tmp_path: Path,
    *,
    collected: bool,
) -> None:
    """Nothing is told by hand. The page opens; nothing of it goes into a cart."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    server, url = inbox
    ada = Home(app, phone, url)
    ada.load(WAITS)
    desk, order = sell(app, phone, clock)
    task = desk.claim(order)
    desk.pick(task)
    desk.stage(task)
    if collected:
        doing = (clock, ada.parts.ids, ada.parts.shop)
        with unit_of_work(ada.parts.engine) as db:
            goods.hand_over_order(db, *doing, order_id=order, actor=desk.who.id)
    for _ in range(6):
        clock.advance(6 * HOUR_S)
        collect(ada.parts.engine, clock, SOURCES)
        ada.round()
    if collected:
        assert server.taken == []
        return
    [message] = server.taken
    assert message["To"] == ADA
    text, html = part(message, "plain"), part(message, "html")
    assert "These are ready for you at the desk." in text
    assert "See your order" in html
    assert "/back/" not in text + html
    assert "189" not in said_in(text + html)
    found = re.search(r"http://testserver(/o/\S+)", text)
    assert found is not None
    assert phone.get(found[1]).status_code == 200
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def thanked(
    ada: Home, phone: TestClient, clock: FakeClock, locale: str, *, number: str = ""
) -> None:
    """Let her order, and a day go by. The lamp says how it is looked after; ``number``: hers."""
    with unit_of_work(ada.parts.engine) as db:
        row = db.get_one(ShopperSessionRow, ada.session.id)
        row.locale = locale
        lamp = db.get_one(ProductRow, "arc-lamp")
        lamp.description = CARE[""]
        lamp.description_i18n = {name: text for name, text in CARE.items() if name}
        db.add_all([row, lamp])
    _, order_id = sell(ada.app, phone, clock)
    if number:
        with unit_of_work(ada.parts.engine) as db:
            order = db.get_one(OrderRow, order_id)
            order.address = {"phone": number}
            db.add(order)
    for _ in range(6):
        clock.advance(6 * HOUR_S)
        collect(ada.parts.engine, clock, SOURCES)
        ada.round()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ("How to look after what you bought", "Thank you for your order.", "Arc <lamp>")),
        ("he", ("איך לשמור על מה שקנית", "תודה על ההזמנה.", "מנורת קשת")),
        ("pl", ("Jak dbać o to, co kupiono", "Dziękujemy za zamówienie.", "Lampa łukowa")),
    ],
)
def test_thanks_say_how_to_look_after_what_was_bought(
    home: Callable[..., Home],
    phone: TestClient,
    inbox: tuple[Inbox, str],
    clock: FakeClock,
    *,
    locale: str,
    said: tuple[str, str, str],
) -> None:
    """With pictures and links to the order and the articles; no price, no stock, no cart.

    That she has bought is why it comes, and nothing that stands against it.
    """
    server, _ = inbox
    ada = home(CARES)
    thanked(ada, phone, clock, locale)
    [message] = server.taken
    assert message["Subject"] == said[0]
    text, html = part(message, "plain"), part(message, "html")
    plain = (*said, CARE.get(locale, CARE[""]))
    assert [one for one in plain if one not in text] == []
    escaped = [one.replace("<", "&lt;").replace(">", "&gt;") for one in plain]
    assert [one for one in escaped if one not in html] == []
    assert f'dir="{"rtl" if locale == "he" else "ltr"}"' in html
    assert "prefers-color-scheme: dark" in html
    assert "/back/" not in text + html
    shown = said_in(text + html)
    assert [never for never in ("189", "12.50", "€") if never in shown] == []
    for sku in ("lamp-red", "mug"):
        product = "arc-lamp" if sku == "lamp-red" else sku
        link = f"/p/{product}?sku={sku}"
        assert f"http://testserver{link}" in text
        assert f'href="http://testserver{link}"' in html
        assert phone.get(link).status_code == 200
    found = re.search(r"http://testserver(/o/\S+)", text)
    assert found is not None
    assert phone.get(found[1]).status_code == 200
    pictures = [one for one in message.walk() if one.get_content_maintype() == "image"]
    assert len(pictures) == 2
    assert all(f"cid:{one['Content-ID'].strip('<>')}" in html for one in pictures)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_thanks_as_a_text_lead_to_the_order(
    home: Callable[..., Home], phone: TestClient, clock: FakeClock, tmp_path: Path
) -> None:
    """One sentence that says where it is told, and not the reminder's."""
    ada = home(CARES + 'channel = "sms"\n')
    ada.parts.settings = ada.parts.settings.model_copy(update={"text_order_phones": True})
    thanked(ada, phone, clock, "en", number="+48601234567")
    [file] = tmp_path.glob("texts/*.jsonl")
    text = json.loads(file.read_text(encoding="utf-8"))["text"]
    assert text.startswith("Thank you for your order. Each article's page says how")
    found = re.search(r"http://testserver(/o/\S+)", text)
    assert found is not None
    [lamp] = re.findall(rf'href="(/01/{RED})"', phone.get(found[1]).text)
    assert phone.get(lamp).url.path == "/p/arc-lamp"
