"""The API of staff: signed in at one location, tasks by claim, pieces by scan, handed over once."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.picking.handover import handover_code, handover_token
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import BLUE, Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import API, hire, post, refused, signed_in, step, walk_of

Signed = Callable[..., TestClient]


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with twenty pieces of everything."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, settings: ApiSettings, clock: FakeClock) -> FastAPI:
    """The application over it."""
    return create_app(
        settings, engine=floor.engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )


@pytest.fixture
def staff(app: FastAPI, floor: Floor) -> Signed:
    """Make a device of somebody who is signed in: ``staff("7", role=…, place=…)``."""

    def make(number: str, role: Role = Role.ASSOCIATE, place: str = HERE) -> TestClient:
        return signed_in(TestClient(app), hire(floor, number, role=role, place=place))

    return make


def test_signing_in_takes_number_and_pin(floor: Floor, app: FastAPI) -> None:
    """No script and no other site reaches the cookie; the way back is kept, a wrong PIN said."""
    from cart.picking import staff as people  # noqa: PLC0415 - the one test that hires by hand

    _, pin = floor.do(
        lambda db: people.add(
            db, floor.clock, floor.ids, location_id=HERE, number="12", name="Dana"
        )
    )
    client = TestClient(app)
    sent = client.get("/staff/desk", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/staff?back=/staff/desk")
    assert 'value="harbour-street"' in client.get(sent.headers["location"]).text
    form = {"location_id": HERE, "number": "12", "back": "/staff/desk"}
    wrong = client.post("/staff", data={**form, "pin": "x"}, follow_redirects=False)
    assert wrong.status_code == 403
    assert "Number or PIN is wrong" in wrong.text
    assert "carryover-staff" not in client.cookies
    right = client.post("/staff", data={**form, "pin": pin}, follow_redirects=False)
    assert (right.status_code, right.headers["location"]) == (303, "/staff/desk")
    cookie = right.headers.get_list("set-cookie")[0].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
    assert "Dana" in client.get("/staff/desk").text
    evil = client.get("/staff?back=https://evil.example", follow_redirects=False)
    assert evil.headers["location"] == "/staff/queue"
    client.post("/staff/sign-out")
    refused(client.get(f"{API}/queue"), 401, "not_signed_in")


def test_over_https_the_cookie_is_bound_to_its_host(floor: Floor, settings: ApiSettings) -> None:
    """``__Host-`` and Secure: no other host can set it, no plain connection carries it."""
    safe = settings.model_copy(update={"public_url": "https://shop.test"})
    app = create_app(safe, engine=floor.engine, clock=floor.clock, listen=False, mail=False)
    client = TestClient(app, base_url="https://shop.test")
    client.cookies.set("__Host-carryover-staff", hire(floor, "1"), domain="shop.test")
    assert client.get(f"{API}/queue").status_code == 200


def test_every_route_needs_somebody(app: FastAPI, floor: Floor) -> None:
    """Without a cookie nothing is read and nothing is done; the key is not used up by that."""
    order_id = floor.order()
    task = floor.task_of(order_id)
    client = TestClient(app)
    for path in (
        "queue",
        "walk",
        "desk",
        "events",
        f"orders/{order_id}",
        "walk/lines/x/candidates",
    ):
        refused(client.get(f"{API}/{path}"), 401, "not_signed_in")
    bodies = {
        "/walk": {"tasks": [task]},
        "/walk/picks": {"line_id": "x", "code": LAMP},
        f"/orders/{order_id}/handover": {"proof": "123456"},
        "/find": {"text": order_id},
    }
    for path, body in bodies.items():
        refused(post(client, path, body), 401, "not_signed_in")
    refused(post(client, "/walk", {"tasks": [task]}, "k" * 20), 401, "not_signed_in")
    assert floor.queue()[0].claimed_by is None
    signed_in(client, hire(floor, "1"))
    assert post(client, "/walk", {"tasks": [task]}, "k" * 20).status_code == 200


def test_staff_see_nothing_of_another_location(staff: Signed, floor: Floor) -> None:
    """Queue, order, task, code: none of them opens from elsewhere, and nothing changes."""
    order_id = floor.order()
    task = floor.task_of(order_id)
    there = staff("1", place=THERE)
    assert there.get(f"{API}/queue").json()["waiting"] == []
    refused(there.get(f"{API}/orders/{order_id}"), 404, "unknown_order")
    refused(post(there, "/walk", {"tasks": [task]}), 404, "unknown_task")
    refused(post(there, "/find", {"text": order_id}), 404, "unknown_order")
    line = floor.line_of(order_id).line_id
    refused(there.get(f"{API}/walk/lines/{line}/candidates"), 404, "unknown_task")
    assert floor.queue()[0].claimed_by is None


def test_one_task_has_one_picker(staff: Signed, floor: Floor) -> None:
    """The second is told; a lead takes over or gives away, others may not."""
    order_id = floor.order()
    task = floor.task_of(order_id)
    first, second, lead = staff("1"), staff("2"), staff("9", role=Role.LEAD)
    assert post(first, "/walk", {"tasks": [task]}).json()["totes"][0]["order_id"] == order_id
    refused(post(second, "/walk", {"tasks": [task]}), 409, "task_taken")
    refused(post(second, "/walk", {"tasks": [task], "take_over": True}), 409, "task_taken")
    refused(post(second, f"/tasks/{task}/give", {"staff_id": "x"}), 403, "lead_needed")
    assert walk_of(second)["totes"] == []
    assert post(lead, "/walk", {"tasks": [task], "take_over": True}).status_code == 200
    assert walk_of(first)["totes"] == []
    card = first.get(f"{API}/queue").json()["others"][0]
    assert (card["holder"], card["mine"]) == ("Staff 9", False)
    assert post(lead, f"/tasks/{task}/release").json()["waiting"][0]["task_id"] == task


def test_pieces_are_proved_by_scan(staff: Signed, floor: Floor) -> None:
    """A wrong one is named with its picture's name and counts nothing; then by count, and back."""
    order_id = floor.order({LAMP: 3})
    picker = staff("1")
    post(picker, "/walk", {"tasks": [floor.task_of(order_id)]})
    line = step(picker, LAMP)["line_id"]
    wrong = post(picker, "/walk/picks", {"line_id": line, "code": MUG})
    refused(wrong, 409, "wrong_item")
    assert (wrong.json()["data"]["name"], wrong.json()["data"]["variant"]) == ("Mug", "")
    refused(post(picker, "/walk/picks", {"line_id": line}), 422, "invalid_input")
    assert step(picker, LAMP)["picked"] == 0
    code = f"https://id.example/01/{LAMP}"
    assert post(picker, "/walk/picks", {"line_id": line, "code": code}).status_code == 200
    answer = post(picker, "/walk/picks", {"line_id": line, "quantity": 2}).json()
    assert (answer["done"], answer["total"]) == (3, 3)
    refused(post(picker, "/walk/picks", {"line_id": line}), 409, "too_many_pieces")
    assert post(picker, "/walk/picks/undo", {"line_id": line}).json()["done"] == 2


def test_a_zone_is_named_in_the_language_of_whoever_walks(staff: Signed, floor: Floor) -> None:
    """As the feed names it; in English where the feed has no name in her language."""
    task = floor.task_of(floor.order({MUG: 1}))
    picker = staff("1")
    post(picker, "/walk", {"tasks": [task]})
    named = {}
    for language in ("en", "he", "pl"):
        picker.cookies.set("language", language)
        assert "door" in picker.get("/staff/walk").text
        named[language] = step(picker, MUG)["zone"]
    assert named == {"en": "The door", "he": "The door", "pl": "door po polsku"}


def test_a_repeated_scan_counts_once(staff: Signed, floor: Floor) -> None:
    """The same key gives the same answer, to her alone; another body under it is refused."""
    order_id = floor.order({LAMP: 2})
    picker, colleague = staff("1"), staff("2")
    post(picker, "/walk", {"tasks": [floor.task_of(order_id)]})
    body = {"line_id": step(picker, LAMP)["line_id"], "code": LAMP}
    first = post(picker, "/walk/picks", body, "s" * 20)
    again = post(picker, "/walk/picks", body, "s" * 20)
    assert first.json() == again.json()
    assert step(picker, LAMP)["picked"] == 1
    refused(post(colleague, "/walk/picks", body, "s" * 20), 422, "idempotency_key_reused")
    other = {**body, "quantity": 2}
    refused(post(picker, "/walk/picks", other, "s" * 20), 422, "idempotency_key_reused")
    assert picker.post(f"{API}/walk/picks", json=body).json()["code"] == "idempotency_key_missing"


def test_a_short_pick_is_refunded_or_replaced(staff: Signed, floor: Floor) -> None:
    """Candidates come with what is left; an open offer keeps the order from its shelf."""
    order_id = floor.order({LAMP: 2})
    task = floor.task_of(order_id)
    picker = staff("1")
    post(picker, "/walk", {"tasks": [task]})
    line = step(picker, LAMP)["line_id"]
    found = picker.get(f"{API}/walk/lines/{line}/candidates").json()["candidates"]
    assert {one["gtin"]: one["left"] for one in found}[BLUE] == 2
    short = {"line_id": line, "quantity": 1, "reason": "not_found"}
    assert post(picker, "/walk/shorts", short).json()["total"] == 1
    assert floor.view(order_id).refunded_minor == 18_900
    post(picker, "/walk/shorts", {**short, "reason": "damaged", "offer": BLUE})
    offered = step(picker, LAMP)["offers"][0]
    assert (offered["state"], offered["name"]) == ("offered", "Lamp")
    assert offered["expires_at"] is not None
    refused(post(picker, "/walk/stages", {"task_id": task, "shelf": "B3"}), 409, "not_ready")
    refused(post(picker, "/walk/shorts", short), 409, "too_many_pieces")


def test_an_order_is_handed_over_once(staff: Signed, floor: Floor) -> None:
    """Wrong digits count and are said; the right ones give it out; a second time is refused."""
    picker = staff("1")
    order_id = floor.order({LAMP: 1})
    task = floor.task_of(order_id)
    code = handover_code(SECRET.encode(), order_id)
    refused(post(picker, f"/orders/{order_id}/handover", {"proof": code}), 409, "not_ready")
    post(picker, "/walk", {"tasks": [task]})
    post(picker, "/walk/picks", {"line_id": step(picker, LAMP)["line_id"], "code": LAMP})
    staged = post(picker, "/walk/stages", {"task_id": task, "shelf": "B3"})
    assert staged.json()["totes"] == []
    shelf = picker.get(f"{API}/desk").json()["ready"][0]
    assert (shelf["order_id"], shelf["shelf"], shelf["pieces"]) == (order_id, "B3", 1)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused(post(picker, f"/orders/{order_id}/handover", {"proof": wrong}), 403, "code_refused")
    assert "wrong_code" in floor.told(order_id)
    refused(post(picker, f"/orders/{order_id}/handover", {"reason": "why"}), 403, "lead_needed")
    token = handover_token(SECRET.encode(), order_id)
    found = post(picker, "/find", {"text": token}).json()
    assert found == {"order_id": order_id, "by_code": True}
    given = post(picker, f"/orders/{order_id}/handover", {"proof": token})
    assert given.json()["state"] == "handed_over"
    refused(
        post(picker, f"/orders/{order_id}/handover", {"proof": code}), 409, "already_handed_over"
    )
    assert picker.get(f"{API}/desk").json()["ready"] == []


def test_a_lead_hands_over_without_a_code(staff: Signed, floor: Floor) -> None:
    """Her reason stays with the order; collected later and the message again are noted too."""
    lead = staff("9", role=Role.LEAD)
    order_id = floor.ready(floor.hire("1"))
    assert post(lead, f"/orders/{order_id}/later", {"reason": "After work"}).status_code == 200
    assert post(lead, f"/orders/{order_id}/resend").status_code == 200
    given = post(lead, f"/orders/{order_id}/handover", {"reason": "Phone is empty"}).json()
    notes = [(one["words"], one["who"], one["note"]) for one in given["history"][-3:]]
    assert notes == [
        ("Will be collected later", "Staff 9", "After work · March 3, 2026, 9:00\u202fAM"),
        ("Ready message sent again", "Staff 9", ""),
        ("Handed over", "Staff 9", "Phone is empty"),
    ]


def test_what_comes_back_is_refunded(staff: Signed, floor: Floor) -> None:
    """One of two mugs, then one at the other shop; more than bought, or another's line, is not."""
    order_id = floor.ready(floor.hire("1"), {MUG: 2})
    lead, there = staff("9", role=Role.LEAD), staff("3", place=THERE)
    post(lead, f"/orders/{order_id}/handover", {"reason": "known here"})
    line = floor.view(order_id).lines[0].id
    body = {"line_id": line, "quantity": 1, "reason": "unwanted", "restocked": True}
    answer = post(lead, f"/orders/{order_id}/returns", body).json()
    assert (answer["refunded"]["minor"], answer["lines"][0]["returnable"]) == (1_250, 1)
    refused(
        post(lead, f"/orders/{order_id}/returns", {**body, "quantity": 2}), 409, "too_many_pieces"
    )
    other = floor.order({MUG: 1})
    refused(post(lead, f"/orders/{other}/returns", body), 404, "unknown_task")
    back = post(there, f"/orders/{order_id}/returns", {**body, "restocked": False})
    assert back.json()["refunded"]["minor"] == 2_500
    assert floor.view(order_id).refunded_minor == 2_500


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_every_page_of_staff_speaks_the_language(staff: Signed, floor: Floor, locale: str) -> None:
    """Queue, walk, desk, handover, history, returns; an unknown order is a page with a way on."""
    lead = staff("9", role=Role.LEAD)
    ready = floor.ready(floor.hire("1"), {LAMP: 1, MUG: 2})
    post(lead, "/walk", {"tasks": [floor.task_of(floor.order({LAMP: 2}))]})
    floor.order({MUG: 1})
    headers = {"Accept": "text/html", "Accept-Language": locale}
    for path in ("queue", "walk", "desk", "returns", f"handover/{ready}", f"order/{ready}"):
        answer = lead.get(f"/staff/{path}", headers=headers)
        assert answer.status_code == 200, path
        assert f'<html lang="{locale}"' in answer.text
        assert len(answer.content) < 60_000
    unknown = lead.get("/staff/order/none", headers=headers)
    assert unknown.status_code == 404
    assert 'href="/staff"' in unknown.text
    for body in ("queue", "walk", "desk", f"orders/{ready}", f"orders/{ready}?part=return"):
        sign = "&" if "?" in body else "?"
        assert "<" in lead.get(f"{API}/{body}{sign}html=true", headers=headers).json()["html"]
