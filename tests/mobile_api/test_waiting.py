"""Queues on her phone and on the staff's page: joined, called, come, missed; in three languages."""

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from gateway.floor.turns import CALL_LASTS
from gateway.notices import TurnsChanged
from mobile_api.app import create_app
from mobile_api.queues.sweep import TurnSweep
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, THERE
from tests.fakes.clock import FakeClock
from tests.mobile_api.queueing import QUEUES, WAITING, QueueShop, act, press
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.staffing import hire, refused, signed_in


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> QueueShop:
    """The shop."""
    return QueueShop(engine, clock)


@pytest.fixture
def app(shop: QueueShop, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    return create_app(
        settings,
        engine=shop.floor.engine,
        clock=shop.floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def phone(app: FastAPI) -> TestClient:
    """A phone that was never here."""
    return TestClient(app)


@pytest.fixture
def staff(app: FastAPI, shop: QueueShop) -> TestClient:
    """Somebody of the shop who is signed in."""
    return signed_in(TestClient(app), hire(shop.floor, "7"))


def place(phone: TestClient, zone: str = "rooms-1") -> dict[str, Any]:
    """Return a serving place as a phone sees it."""
    places = phone.get(WAITING).json()["places"]
    return next(one for one in places if one["zone_id"] == zone)


def test_she_sees_how_long_it_takes_and_where_it_is_shorter(
    phone: TestClient, shop: QueueShop
) -> None:
    """Nobody: no waiting. Three at one place: thirty minutes, and the other rooms are named."""
    shops = phone.get("/shops").text
    assert f'href="/shops/{HERE}/waiting"' in shops
    assert f'href="/shops/{THERE}/waiting"' not in shops
    assert [place(phone, zone)["minutes"] for zone in ("rooms-1", "rooms-2", "desk")] == [0, 0, 0]
    shop.come("rooms-1", 1, 2, 3)
    seen = place(phone)
    assert (seen["people"], seen["minutes"], seen["measured"]) == (3, 30, False)
    assert (seen["elsewhere"], seen["elsewhere_minutes"]) == ("Rooms 2", 0)
    assert place(phone, "rooms-2")["elsewhere"] == ""
    assert place(phone, "desk")["elsewhere"] == ""  # a desk is no fitting room


def test_a_few_are_no_number_and_no_time_tells_them(phone: TestClient, shop: QueueShop) -> None:
    """One and two look the same in all that is told."""
    shop.come("rooms-1", 1)
    one = place(phone)
    shop.come("rooms-1", 2)
    assert place(phone) == one
    assert one["people"] is None


def test_she_joins_is_called_and_comes(phone: TestClient, staff: TestClient) -> None:
    """Her number and who is before her; then her turn, for five minutes; then it is over."""
    other = TestClient(phone.app)
    assert act(other, "join").status_code == 200
    joined = act(phone, "join").json()["places"][0]
    assert joined["zone_id"] == "rooms-1"
    assert (joined["turn"]["number"], joined["turn"]["before"]) == (2, 1)
    assert act(phone, "join").json()["places"][0]["turn"]["number"] == 2
    first = press(staff, "rooms-1/call").json()["places"]
    assert [len(one["called"]) for one in first if one["zone_id"] == "rooms-1"] == [1]
    assert place(phone)["turn"]["before"] == 0
    second = press(staff, "rooms-1/call").json()["places"]
    rooms = next(one for one in second if one["zone_id"] == "rooms-1")
    assert ([one["number"] for one in rooms["called"]], rooms["numbers"]) == ([1, 2], [])
    assert place(phone)["turn"]["state"] == "called"
    page = phone.get(f"/shops/{HERE}/waiting").text
    assert "It is your turn" in page
    assert "data-until" in page
    turn_id = rooms["called"][1]["id"]
    assert press(staff, f"turns/{turn_id}/came").status_code == 200
    assert place(phone)["turn"] is None
    refused(press(staff, f"turns/{turn_id}/not-here"), 409, "turn_over")


def test_who_does_not_come_is_asked_and_the_next_is_called(
    phone: TestClient, staff: TestClient, shop: QueueShop, app: FastAPI
) -> None:
    """The sweep ends her call; her page asks; her yes is her old place."""
    other = TestClient(app)
    act(phone, "join")
    shop.floor.clock.advance(1)
    act(other, "join")
    press(staff, "rooms-1/call")
    sweep = TurnSweep(app.state.parts)
    sweep.sweep()
    assert place(phone)["turn"]["state"] == "called"
    shop.floor.clock.advance(CALL_LASTS.total_seconds())
    sweep.sweep()
    missed = place(phone)["turn"]
    assert (missed["state"], missed["again"]) == ("missed", True)
    assert place(other)["turn"]["state"] == "called"
    assert "Do you still want to come?" in phone.get(f"/shops/{HERE}/waiting").text
    again = act(phone, "join").json()["places"][0]["turn"]
    assert (again["state"], again["number"]) == ("waiting", 1)


def test_she_leaves_and_nobody_else_is_moved(phone: TestClient) -> None:
    """Her turn is gone, the other's stays; a phone without a session has none to leave."""
    other = TestClient(phone.app)
    act(phone, "join")
    act(other, "join")
    assert act(phone, "leave").json()["places"][0]["turn"] is None
    assert place(other)["turn"]["before"] == 0
    assert place(phone)["waiting"] == 1
    refused(act(TestClient(phone.app), "leave"), 401, "no_session")
    refused(act(phone, "join", "lamps"), 404, "unknown_serving_place")
    refused(phone.get("/api/v1/shops/nowhere/waiting"), 404, "unknown_location")


def test_staff_see_of_who_was_called_that_she_is_there(
    phone: TestClient, staff: TestClient, shop: QueueShop
) -> None:
    """By what her band calls her; of who waits a number, and nothing more."""
    act(phone, "join")
    shop.wear(7)
    assert "Ada" not in staff.get("/staff/waiting").text
    press(staff, "rooms-1/call")
    seen = staff.get("/staff/waiting").text
    assert "Ada" in seen
    assert 'class="flag"' not in seen
    shop.come("rooms-1", 7)
    seen = staff.get("/staff/waiting").text
    assert 'class="flag"' in seen
    assert "A few people are there" in seen


def test_only_who_works_on_the_floor_calls(
    app: FastAPI, shop: QueueShop, phone: TestClient
) -> None:
    """Neither a shopper nor a marketer; and of another shop only her own queues."""
    act(phone, "join")
    refused(press(TestClient(app), "rooms-1/call"), 401, "not_signed_in")
    marketer = signed_in(TestClient(app), hire(shop.floor, "9", role=Role.MARKETER))
    refused(press(marketer, "rooms-1/call"), 403, "role_needed")
    there = signed_in(TestClient(app), hire(shop.floor, "8", place=THERE))
    refused(press(there, "rooms-1/call"), 404, "unknown_serving_place")
    assert place(phone)["turn"]["state"] == "waiting"


@pytest.mark.parametrize(
    ("language", "join", "call"),
    [
        ("en", "Call me when it is my turn", "Call the next"),
        ("he", "קראו לי כשיגיע תורי", "קריאה לבא בתור"),
        ("pl", "Wywołaj mnie, gdy będzie moja kolej", "Wywołaj następną osobę"),
    ],
)
def test_the_pages_speak_her_language(
    phone: TestClient, staff: TestClient, language: str, join: str, call: str
) -> None:
    """Each place with its button; and the part that is swapped is the same."""
    spoken = {"Accept-Language": language}
    page = phone.get(f"/shops/{HERE}/waiting", headers=spoken).text
    assert page.count(join) == 3
    assert phone.get(f"{WAITING}?html=true", headers=spoken).json()["html"].count(join) == 3
    act(phone, "join")
    assert call in staff.get("/staff/waiting", headers=spoken).text
    assert call in staff.get(f"{QUEUES}?html=true", headers=spoken).json()["html"]


def test_a_shop_without_queues_has_a_way_on(phone: TestClient, shop: QueueShop) -> None:
    """The page says so, and where else to go; so does the staff's."""
    page = phone.get(f"/shops/{THERE}/waiting").text
    assert "There is nothing to wait for here" in page
    assert 'href="/shops"' in page
    there = signed_in(TestClient(phone.app), hire(shop.floor, "8", place=THERE))
    assert 'href="/staff/floor"' in there.get("/staff/waiting").text


def test_her_page_is_told_at_once(app: FastAPI) -> None:
    """A turn of this shop rings, one of another shop does not."""
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, timeout=20) as phone,
        phone.stream("GET", f"{WAITING}/events") as answer,
    ):
        stream = events(answer)
        assert until(stream, "changed").data == {"topic": f"turns:{HERE}"}
        app.state.parts.bells.hear(TurnsChanged(THERE))
        act(TestClient(app), "join")
        assert until(stream, "changed").data == {"topic": f"turns:{HERE}"}


def test_a_phone_without_scripts_has_forms_for_it(phone: TestClient) -> None:
    """Pressed twice it is one turn; the page is made anew by itself, and leads out again."""
    path = f"/shops/{HERE}/waiting"

    def press_first(what: str, times: int = 1) -> str:
        shown = phone.get(path).text
        action, hers = re.findall(
            rf'action="(/shops/[^"]*/rooms-1/{what})">'
            r'<input type="hidden" name="key" value="([^"]+)"',
            shown,
        )[0]
        for _ in range(times):
            answer = phone.post(action, data={"key": hers}, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, path)
        return phone.get(path).text

    waits = press_first("join", times=2)
    assert 'data-state="waiting"' in waits
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in waits
    assert place(phone)["waiting"] == 1
    assert 'data-state="waiting"' not in press_first("leave")
    assert place(phone)["waiting"] == 0
