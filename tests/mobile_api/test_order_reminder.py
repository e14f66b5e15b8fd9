"""A reminder of an order that waits: from the desk's facts to the mail; none once it is hers."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.journeys.collecting.collecting import collect
from cart.orders import goods
from mobile_api.timeline.sweep import SOURCES
from tests.cart.journeying import HOUR_S
from tests.fakes.clock import FakeClock
from tests.mobile_api.inbox import Inbox, part
from tests.mobile_api.signing_in import ADA
from tests.mobile_api.test_reminder import ONCE, Home
from tests.mobile_api.test_timeline import sell

WAITS = ONCE.replace("cart_idle", "ready_to_collect")


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
    assert "189" not in text + html
    found = re.search(r"http://testserver(/o/\S+)", text)
    assert found is not None
    assert phone.get(found[1]).status_code == 200
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
