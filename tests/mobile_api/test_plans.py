"""A plan made at home, on her phone and on the staff's page: made, booked, followed."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.carts.service import Shopping, add_line
from cart.carts.tables import ShopperSessionRow
from cart.db import make_engine
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from cart.profile.tables import CustomerRow
from gateway.notices import PlanChanged
from gateway.plans.model import KEPT
from gateway.plans.tables import BookingRow, BookingSlotRow, PlanLineRow, PlanRow
from inventory_api.catalogue.queries import sellables
from mobile_api.app import create_app
from mobile_api.rights import erasing, retention
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, JACKET, LAMP, MUG, THERE
from tests.fakes.clock import FakeClock
from tests.mobile_api.planning import (
    AT,
    BOTH,
    MINE,
    THEIRS,
    PlanShop,
    ask,
    book,
    keys,
    plan,
    press,
    put,
)
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.shop import key
from tests.mobile_api.signing_in import sign_in
from tests.mobile_api.staffing import hire, refused, signed_in


@pytest.fixture
def shop(sqlite_url: str, clock: FakeClock) -> Iterator[PlanShop]:
    """The shop; what it does in the other database is in tests/gateway/test_plans.py."""
    engine = make_engine(sqlite_url)
    yield PlanShop(engine, clock)
    engine.dispose()


@pytest.fixture
def app(shop: PlanShop, settings: ApiSettings) -> FastAPI:
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
def staff(app: FastAPI, shop: PlanShop) -> TestClient:
    """Somebody of the shop who is signed in."""
    return signed_in(TestClient(app), hire(shop.floor, "7"))


def mine(phone: TestClient) -> Any:  # noqa: ANN401 - JSON
    """Return the phone's plan."""
    return phone.get(MINE).json()


def theirs(staff: TestClient) -> Any:  # noqa: ANN401 - JSON
    """Return today's bookings."""
    return staff.get(THEIRS).json()["bookings"]


def test_she_sees_which_shop_has_it_and_makes_a_plan(phone: TestClient, shop: PlanShop) -> None:
    """Two of three here, the lamp at the other shop; then a way without it, and where it is."""
    put(phone, LAMP, MUG, JACKET)
    shop.sell_out("lamp")
    page = phone.get("/plan").text
    assert "2 of 3 are here" in page
    assert f"Lamp: at {THERE}" in page
    assert "3 of 3 are here" in page
    assert "plan-comes" not in page
    assert 'value="2026-03-02T10:00:00+00:00"' in phone.get(f"/plan?list=&shop={HERE}").text
    made = plan(phone)
    assert keys(made) == [MUG, JACKET]  # nobody has placed the jacket: it comes last
    assert [(one["zone"], one["bay"], one["kind"]) for one in made["stops"]] == [
        ("Mugs", "1", "goods"),
        ("", "", "ask"),
    ]
    assert made["missing"] == [{"name": "Lamp", "shop": THERE}]
    assert f"Your visit to {HERE}" in phone.get("/").text
    page = phone.get("/plan").text
    assert "ask a colleague" in page
    assert f"{THERE} has it" in page


def test_a_saved_list_can_be_planned_and_another_phones_cannot(phone: TestClient) -> None:
    """Her list instead of her cart; a stranger's is none; a time when it is closed is refused."""
    put(phone, MUG)
    kept = phone.post("/api/v1/lists", json={"name": "Kitchen"}, headers=key()).json()
    put(phone, LAMP)
    assert "Kitchen" in phone.get("/plan").text
    assert keys(plan(phone, list_id=kept["id"])) == [MUG]
    stranger = TestClient(phone.app)
    body = {"location_id": HERE, "comes_at": AT.format(minute=0), "list_id": kept["id"]}
    refused(ask(stranger, body=body), 404, "unknown_list")
    refused(stranger.get(MINE), 401, "no_session")
    closed = {"location_id": HERE, "comes_at": "2026-03-02T20:00:00Z"}
    refused(ask(phone, body=closed), 409, "time_not_offered")
    assert mine(phone)["comes_at"] == "2026-03-02T10:00:00Z"


def test_she_books_changes_and_cancels(phone: TestClient, staff: TestClient) -> None:
    """Each refusal is in her words and leaves what she has; what she gives back is another's."""
    other = TestClient(phone.app)
    plan(phone, *BOTH, called="Ada")
    plan(other)
    refused(book(TestClient(phone.app), 15), 401, "no_session")
    assert book(phone, 15).is_success
    taken = book(other, 15)
    refused(taken, 409, "booking_full")
    assert taken.json()["title"].startswith("Somebody was faster")
    refused(book(phone, 30), 409, "already_booked")
    refused(book(phone, 15, "adviser"), 409, "booking_clash")
    assert book(phone, 30, change=True).is_success
    assert book(other, 15).is_success
    assert [one["called"] for one in theirs(staff)] == ["", "Ada"]
    assert ask(phone, "/bookings/cancel", {"serves": "fitting_room"}).is_success
    refused(ask(phone, "/bookings/cancel", {"serves": "fitting_room"}), 404, "unknown_booking")
    assert len(theirs(staff)) == 1
    assert "disabled>11:15" in phone.get("/plan").text


def test_the_room_comes_after_what_she_tries_on(phone: TestClient) -> None:
    """After all, or after what she marks; a stop is ticked off and taken back."""
    plan(phone, *BOTH)
    made = book(phone, 30).json()
    assert made["stops"][-1]["key"] == "fitting_room"
    first = keys(made)[0]
    tried = ask(phone, "/try", {"gtin": first, "to_try": True}).json()
    assert keys(tried)[:2] == [first, "fitting_room"]
    ticked = ask(phone, "/tick", {"key": first, "done": True}).json()
    assert first not in keys(ticked)
    assert [one["key"] for one in ticked["done"]] == [first]
    assert keys(ask(phone, "/tick", {"key": first, "done": False}).json()) == keys(tried)
    refused(ask(phone, "/tick", {"key": "nothing", "done": True}), 404, "unknown_plan")
    assert ask(phone, "/tick", {"key": first, "done": "yes"}).status_code == 422


def test_her_band_leads_and_says_that_she_is_here(
    phone: TestClient, staff: TestClient, shop: PlanShop
) -> None:
    """From where she stands; staff see that she has come, not where she is."""
    plan(phone, *BOTH)
    book(phone, 30)
    shop.wear(7)
    assert [one["arrived_at"] for one in theirs(staff)] == [None]
    shop.walk("lamp-zone")
    seen = mine(phone)
    assert keys(seen)[0] == LAMP
    assert seen["stops"][0]["here"] is True
    assert seen["arrived_at"] is not None
    page = staff.get("/staff/bookings").text
    assert "Ada" in page  # what her band calls her: she said nothing else
    assert 'class="flag"' in page
    assert "Lamps" not in page
    shop.walk("mug-zone")
    assert keys(mine(phone))[0] == MUG


def test_without_a_band_she_says_it_and_a_scan_ticks(
    phone: TestClient, staff: TestClient, shop: PlanShop
) -> None:
    """Her button tells the staff; what a tablet of the shop puts into her cart is done."""
    plan(phone, *BOTH)
    book(phone, 30)
    assert "I am here" in phone.get("/plan").text
    assert ask(phone, "/arrive").json()["arrived_at"] is not None
    assert "I am here" not in phone.get("/plan").text
    assert theirs(staff)[0]["arrived_at"] is not None
    with_cart = shop.floor.look(
        lambda db: db.exec(select(ShopperSessionRow).join(PlanRow)).one().cart_id
    )
    shop.floor.clock.advance(1)
    shopping = Shopping(
        with_cart, shop.floor.clock, sellables, location_id=HERE, source="/devices/tab-1"
    )
    shop.floor.do(lambda db: add_line(db, shopping, operation_id="op-x", gtin=MUG, quantity=1))
    assert MUG not in keys(mine(phone))
    assert [one["key"] for one in mine(phone)["done"]] == [MUG]


def test_staff_note_what_became_of_it(
    phone: TestClient, staff: TestClient, app: FastAPI, shop: PlanShop
) -> None:
    """Come, served, missed after all; only of their own shop, and only who works on the floor."""
    plan(phone)
    book(phone, 15)
    (one,) = theirs(staff)
    assert press(staff, f"{one['id']}/arrived").json()["bookings"][0]["arrived_at"] is not None
    assert mine(phone)["arrived_at"] is not None
    assert press(staff, f"{one['id']}/served").json()["bookings"][0]["state"] == "served"
    assert keys(mine(phone)) == []
    refused(book(phone, 45, change=True), 409, "booking_over")
    assert press(staff, f"{one['id']}/no-show").json()["bookings"][0]["state"] == "no_show"
    refused(press(staff, "booking-none/served"), 404, "unknown_booking")
    refused(press(TestClient(app), f"{one['id']}/served"), 401, "not_signed_in")
    marketer = signed_in(TestClient(app), hire(shop.floor, "9", role=Role.MARKETER))
    refused(press(marketer, f"{one['id']}/served"), 403, "role_needed")
    there = signed_in(TestClient(app), hire(shop.floor, "8", place=THERE))
    refused(press(there, f"{one['id']}/served"), 404, "unknown_booking")
    assert theirs(there) == []
    assert "Nothing is booked for today" in there.get("/staff/bookings").text


def test_who_looks_at_names_of_guests_is_noted(
    phone: TestClient, staff: TestClient, shop: PlanShop
) -> None:
    """Once in five minutes, by page or by request; where nobody gave a name there was none."""

    def looked() -> list[tuple[str, str]]:
        rows = shop.floor.look(audit.newest)
        return [(row.on_kind, row.on_id) for row in rows if row.action == "booking.see"]

    plan(phone)
    book(phone, 15)
    staff.get("/staff/bookings")
    assert (theirs(staff)[0]["called"], looked()) == ("", [])
    plan(phone, called="Ada")
    book(phone, 15)
    assert "Ada" in staff.get("/staff/bookings").text
    assert theirs(staff)[-1]["called"] == "Ada"
    assert looked() == [("location", HERE)]
    shop.floor.clock.advance(301)
    theirs(staff)
    assert looked() == [("location", HERE)] * 2


def test_given_up_nothing_stays(phone: TestClient, shop: PlanShop) -> None:
    """No row of it, the room free, the page as before; again it is nothing."""
    plan(phone, *BOTH)
    book(phone, 15)
    assert ask(phone, "/end").json() == {"ended": True}
    assert ask(phone, "/end").json() == {"ended": False}
    refused(phone.get(MINE), 404, "unknown_plan")
    assert "Plan a visit" in phone.get("/plan").text
    for table in (PlanRow, PlanLineRow, BookingRow):
        assert shop.floor.look(lambda db, table=table: db.exec(select(table)).all()) == []  # type: ignore[misc]
    assert [
        one.taken for one in shop.floor.look(lambda db: db.exec(select(BookingSlotRow)).all())
    ] == [0]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Which shop", "Next stop", "Bookings today")),
        ("he", ("איזו חנות", "התחנה הבאה", "הזמנות להיום")),
        ("pl", ("Który sklep", "Następny przystanek", "Dzisiejsze rezerwacje")),
    ],
)
def test_the_pages_speak_her_language(
    phone: TestClient, staff: TestClient, language: str, said: tuple[str, str, str]
) -> None:
    """Without a plan, with one, and the part that is swapped; and the staff's page."""
    choose, next_stop, today = said
    spoken = {"Accept-Language": language}
    assert choose in phone.get("/plan", headers=spoken).text
    plan(phone, *BOTH)
    book(phone, 15)
    assert next_stop in phone.get("/plan", headers=spoken).text
    assert next_stop in phone.get(f"{MINE}?html=true", headers=spoken).json()["html"]
    assert choose in phone.get("/plan?change=true", headers=spoken).text
    assert today in staff.get("/staff/bookings", headers=spoken).text
    assert "11:15" in staff.get(f"{THEIRS}?html=true", headers=spoken).json()["html"]


def test_her_page_and_the_staffs_are_told_at_once(app: FastAPI, shop: PlanShop) -> None:
    """A booking rings at the staff; her coming to another zone rings on her phone."""
    phone = TestClient(app)
    plan(phone, *BOTH)
    shop.wear(7)
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, timeout=20, cookies=dict(phone.cookies)) as hers,
        hers.stream("GET", f"{MINE}/events") as answer,
    ):
        stream = events(answer)
        until(stream, "changed")
        for notice in shop.walk("lamp-zone"):
            app.state.parts.bells.hear(notice)
        assert until(stream, "changed").data["topic"].startswith("plan:")
        ask(phone, "/arrive")
        assert until(stream, "changed").data["topic"].startswith("plan:")


def test_a_plan_goes_along_when_she_signs_in(
    app: FastAPI, phone: TestClient, shop: PlanShop
) -> None:
    """With what is booked; staff and her other phone see the same; erased, the room is free."""
    plan(phone, *BOTH, called="Ada")
    book(phone, 15)
    sign_in(app, phone)
    seen = mine(phone)
    assert sorted(keys(seen)) == sorted([LAMP, MUG, "fitting_room"])
    other = TestClient(app)
    sign_in(app, other)
    assert mine(other) == seen

    def erase(db: Session) -> None:
        customer_id = db.exec(select(CustomerRow.id)).one()
        parts = app.state.parts
        _, told = erasing.ask(
            db, parts.clock, parts.ids, parts.secret, customer_id=customer_id, asked_by="test"
        )
        assert HERE in {one.location_id for one in told if isinstance(one, PlanChanged)}

    shop.floor.do(erase)
    assert shop.floor.look(lambda db: db.exec(select(PlanRow)).all()) == []
    third = TestClient(app)
    plan(third)
    assert book(third, 15).is_success


def test_a_day_after_the_visit_it_is_swept(
    phone: TestClient, shop: PlanShop, settings: ApiSettings
) -> None:
    """With the hour's sweep, not an hour sooner."""
    plan(phone, *BOTH)
    book(phone, 15)
    floor, rule = shop.floor, retention.BY_NAME["plans"]
    floor.clock.advance(KEPT.total_seconds() + 3600)  # the visit was to be in an hour
    assert retention.sweep(floor.engine, floor.clock, settings, rule) == 0
    floor.clock.advance(1)
    assert retention.sweep(floor.engine, floor.clock, settings, rule) == 1
    for table in (PlanRow, PlanLineRow, BookingRow):
        assert floor.look(lambda db, table=table: db.exec(select(table)).all()) == []  # type: ignore[misc]
