"""Fitting rooms on the staff's page: what is wanted, where it lies, answered, told to the glass."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.db import reading
from cart.kernel.ids import RandomIds, secret_hash
from cart.personal.erasing import erase
from cart.personal.exporting import rows_of
from cart.personal.finding import follow
from cart.personal.model import Scope
from cart.picking.roles import Role
from gateway.binding import service as binding
from gateway.notices import Notice, RoomsChanged
from gateway.rooms.model import ANSWER_WITHIN, HOT_AFTER, WARM_AFTER
from gateway.rooms.tables import SizeRequestRow, TriedItemRow
from gateway.wire.size_answer import SizeAnswer
from mobile_api.app import create_app
from mobile_api.rights.registry import REGISTRY
from mobile_api.rooms.numbers import open_requests
from mobile_api.rooms.sweep import RoomSweep
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import BLUE, GREEN, Floor
from tests.fakes.clock import FakeClock
from tests.fakes.fitting_room import FittingRoom
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.staffing import API, COOKIE, hire, post, refused, signed_in

ROOMS = f"{API}/rooms"


class Heard:
    """A gateway that hears what the API tells other processes."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def publish(self, *notices: Notice) -> None:
        """Hear."""
        self.notices += notices


@pytest.fixture
def room(engine: Engine, clock: FakeClock) -> FittingRoom:
    """A fitting room."""
    return FittingRoom(Floor(engine, clock))


@pytest.fixture
def app(room: FittingRoom, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    floor = room.floor
    return create_app(
        settings,
        engine=floor.engine,
        clock=floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def heard(app: FastAPI) -> Heard:
    """What other processes are told."""
    app.state.parts.fan = Heard()
    return app.state.parts.fan  # type: ignore[no-any-return]


@pytest.fixture
def staff(app: FastAPI, room: FittingRoom) -> TestClient:
    """Somebody of the shop who is signed in."""
    return signed_in(TestClient(app), hire(room.floor, "7"))


def rooms(client: TestClient) -> list[dict[str, Any]]:
    """Return what the page shows."""
    found: list[dict[str, Any]] = client.get(ROOMS).json()["rooms"]
    return found


def press(client: TestClient, size_id: str, step: str, body: Any = None) -> Any:  # noqa: ANN401
    """Press a button."""
    return post(client, f"/rooms/{size_id}/{step}", body)


def figure(app: FastAPI, name: str) -> float | None:
    """Return a figure of the shop's."""
    found: float | None = app.state.parts.metrics.registry.get_sample_value(
        f"carryover_api_size_{name}", {"location": HERE}
    )
    return found


def test_staff_see_what_is_wanted_and_where_it_lies(staff: TestClient, room: FittingRoom) -> None:
    """The room by its mirror's name, what she has in there, what else is here of it."""
    room.hear(room.said("item.tried", gtin=LAMP), room.said("item.tried", gtin=MUG))
    size_id = room.ask(gtin=LAMP)
    (seen,) = rooms(staff)
    assert (seen["id"], seen["name"], seen["state"], seen["holder"]) == (
        size_id, "Room 1", "asked", "",
    )  # fmt: skip
    assert (seen["zone"], seen["bay"], seen["pieces"]) == ("The back", "C7", 20)
    assert seen["brought_in"] == ["Mug"]
    assert [(one["gtin"], one["variant"], one["pieces"]) for one in seen["others"]] == [
        (BLUE, "blue", 2), (GREEN, "green", 2),
    ]  # fmt: skip
    page = staff.get("/staff/rooms").text
    assert "The back" in page
    assert "C7" in page
    assert f'id="coming-{size_id}"' in page
    assert "/staff/rooms" in staff.get("/staff/queue").text


def test_it_becomes_urgent(staff: TestClient, room: FittingRoom) -> None:
    """After two minutes, and again after four; what is on its way is not."""
    size_id = room.ask()
    seen = []
    for age in (0, WARM_AFTER.total_seconds(), (HOT_AFTER - WARM_AFTER).total_seconds()):
        room.floor.clock.advance(age)
        seen.append(rooms(staff)[0]["tone"])
    assert seen == ["fine", "soon", "late"]
    assert press(staff, size_id, "coming").json()["rooms"][0]["tone"] == "fine"


def test_coming_and_brought_are_told_to_the_glass(
    app: FastAPI, staff: TestClient, room: FittingRoom, heard: Heard
) -> None:
    """The gateway is rung for its device in the same commit, and the time is counted once."""
    size_id = room.ask()
    assert room.floor.look(open_requests) == {("asked",): 1, ("taken",): 0, ("coming",): 0}
    assert press(staff, size_id, "take").json()["rooms"][0]["mine"]
    assert heard.notices == [RoomsChanged(HERE)]
    room.floor.clock.advance(25)
    once = "a-key-of-this-press"
    for _ in range(2):  # the phone repeats it, not knowing whether it was heard
        answer = post(staff, f"/rooms/{size_id}/coming", {}, once)
        assert answer.json()["rooms"][0]["state"] == "coming"
    assert heard.notices[1:] == [RoomsChanged(HERE, room.device_id)]
    assert [one.answer for one in room.told()] == [SizeAnswer.COMING]
    room.floor.clock.advance(60)
    assert press(staff, size_id, "brought").json()["rooms"] == []
    assert figure(app, "answer_seconds_count") == 1
    assert round(figure(app, "answer_seconds_sum") or 0) == 25
    assert round(figure(app, "bring_seconds_sum") or 0) == 85
    refused(press(staff, size_id, "not-here"), 409, "size_request_over")
    noted = [(row.action, row.on_id, row.outcome) for row in room.floor.look(audit.newest)]
    assert [(what, outcome) for what, on, outcome in reversed(noted) if on == size_id] == [
        ("size.take", "done"),
        ("size.coming", "done"),
        ("size.brought", "done"),
        ("size.not_here", "size_request_over"),
    ]


def test_a_colleague_has_it(app: FastAPI, staff: TestClient, room: FittingRoom) -> None:
    """Her name stands there, others have no buttons and are refused; a lead may go on."""
    size_id = room.ask()
    press(staff, size_id, "take")
    other = signed_in(TestClient(app), hire(room.floor, "8"))
    (seen,) = rooms(other)
    assert (seen["mine"], seen["holder"]) == (False, "Staff 7")
    assert f'id="coming-{size_id}"' not in other.get("/staff/rooms").text
    refused(press(other, size_id, "take"), 409, "size_request_taken")
    refused(press(other, size_id, "instead", {"gtin": GREEN}), 409, "size_request_taken")
    assert room.told() == []
    lead = signed_in(TestClient(app), hire(room.floor, "9", role=Role.LEAD))
    assert press(lead, size_id, "coming").is_success


def test_another_colour_is_offered(staff: TestClient, room: FittingRoom) -> None:
    """One that is here; what is not of the product, or no barcode number, is refused."""
    size_id = room.ask()
    refused(press(staff, size_id, "instead", {"gtin": MUG}), 422, "invalid_input")
    assert press(staff, size_id, "instead", {"gtin": "4006381333932"}).status_code == 422
    assert len(rooms(staff)) == 1
    assert press(staff, size_id, "instead", {"gtin": GREEN}).json()["rooms"] == []
    assert [(one.answer, one.gtin) for one in room.told()] == [(SizeAnswer.ALTERNATIVE, GREEN)]


def test_only_who_works_on_this_floor_sees_and_answers(
    app: FastAPI, staff: TestClient, room: FittingRoom
) -> None:
    """Neither a shopper nor a marketer, nor those of another shop."""
    size_id = room.ask()
    refused(TestClient(app).get(ROOMS), 401, "not_signed_in")
    refused(press(TestClient(app), size_id, "take"), 401, "not_signed_in")
    marketer = signed_in(TestClient(app), hire(room.floor, "9", role=Role.MARKETER))
    refused(press(marketer, size_id, "take"), 403, "role_needed")
    there = signed_in(TestClient(app), hire(room.floor, "8", place=THERE))
    assert rooms(there) == []
    for step in ("take", "coming", "brought", "not-here"):
        refused(press(there, size_id, step), 404, "unknown_size_request")
    refused(press(there, size_id, "instead", {"gtin": GREEN}), 404, "unknown_size_request")
    assert rooms(staff)[0]["state"] == "asked"


def test_what_nobody_answers_ends_and_is_counted(
    app: FastAPI, staff: TestClient, room: FittingRoom, heard: Heard
) -> None:
    """The sweep tells the glass and the pages; and what a visit left behind, the pages."""
    room.ask()
    sweep = RoomSweep(app.state.parts)
    sweep.sweep()
    assert heard.notices == []
    room.floor.clock.advance(ANSWER_WITHIN.total_seconds() + 1)
    sweep.sweep()
    assert heard.notices == [RoomsChanged(HERE, room.device_id)]
    assert figure(app, "lapsed_total") == 1
    assert rooms(staff) == []
    room.ask("w2")
    floor = room.floor
    floor.do(
        lambda db: binding.release(
            db, floor.clock, floor.ids, device_id=room.device_id, visit="v1", reason="phone"
        )
    )
    sweep.sweep()
    assert heard.notices[1:] == [RoomsChanged(HERE)]


def test_the_page_speaks_her_language(staff: TestClient, room: FittingRoom) -> None:
    """With a wish and without; and the part that is swapped is the same."""
    said = {
        "en": ("Fitting rooms", "No fitting room asks for anything", "Coming"),
        "he": ("תאי מדידה", "אין בקשות מתאי המדידה", "בדרך אליה"),
        "pl": ("Przymierzalnie", "Z przymierzalni nikt o nic nie prosi", "Już niosę"),
    }
    for language, (title, nothing, _) in said.items():
        empty = staff.get("/staff/rooms", headers={"Accept-Language": language}).text
        assert title in empty
        assert nothing in empty
    room.ask()
    for language, (_, _, coming) in said.items():
        spoken = {"Accept-Language": language}
        assert coming in staff.get("/staff/rooms", headers=spoken).text
        assert coming in staff.get(f"{ROOMS}?html=true", headers=spoken).json()["html"]


def test_the_page_is_told_at_once(app: FastAPI, room: FittingRoom) -> None:
    """A room of this shop rings, one of another shop does not."""
    token = hire(room.floor, "7")
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, timeout=20, cookies={COOKIE: token}) as phone,
        phone.stream("GET", f"{ROOMS}/events") as answer,
    ):
        stream = events(answer)
        assert until(stream, "changed").data == {"topic": f"rooms:{HERE}"}
        app.state.parts.bells.hear(RoomsChanged(THERE))
        for notice in room.hear(room.wish()).notices:
            app.state.parts.bells.hear(notice)
        assert until(stream, "changed").data == {"topic": f"rooms:{HERE}"}


def test_what_she_asked_for_is_hers_wherever_her_visit_goes(room: FittingRoom) -> None:
    """A phone takes the visit along; an export shows it, an erasure ends it, another's stays."""
    floor, other = room.floor, FittingRoom(room.floor, "Room 2")
    room.hear(
        room.said("device.taken_up", claim_hash=secret_hash("link")),
        room.said("item.tried", gtin=MUG),
    )
    room.ask()
    other.hear(other.said("item.tried", gtin=MUG))
    other.ask()
    buyer = floor.buyer()
    buyer.put(MUG, 1)  # she has a cart: the visit becomes part of her session
    floor.do(
        lambda db: binding.claim(
            db, floor.clock, floor.ids, secret="link", session_id=buyer.session_id
        )
    )
    begun = {Scope.SESSION: {buyer.session_id}}
    found = floor.look(lambda db: follow(db, REGISTRY, begun))
    holdings = {one.table: one for one in REGISTRY}
    with reading(floor.engine) as db:
        shown = {
            table: list(rows_of(db, holdings[table], found))
            for table in ("size_request", "tried_item")
        }
    assert [row["gtin"] for row in shown["size_request"]] == [BLUE]
    assert [row["gtin"] for row in shown["tried_item"]] == [MUG]
    floor.do(lambda db: erase(db, REGISTRY, found))
    wishes = floor.look(lambda db: db.exec(select(SizeRequestRow.device_id)).all())
    assert list(wishes) == [other.device_id]
    left = floor.look(lambda db: db.exec(select(TriedItemRow)).all())
    assert [row.binding_id for row in left] == [other.row().binding_id]
