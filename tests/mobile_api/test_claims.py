"""A phone takes a tablet's list along."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.carts.model import Kind, Operation
from cart.carts.service import apply
from cart.db import unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from gateway.binding.begin import VisitStart, begin
from gateway.binding.model import CLAIM_GRACE
from gateway.binding.service import release
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import HERE, MUG, RED, add, key, quantities

SECRET = "s" * 43
BROWSER = {"Accept": "text/html"}


def scan(app: FastAPI, clock: FakeClock, *, visit: str = "visit-1", secret: str = SECRET) -> None:
    """Let a tablet be taken up and scan two red lamps."""
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        start = VisitStart(
            ("tab-1", visit), HERE, to_us(clock.now()), claim_hash=secret_hash(secret)
        )
        bound = begin(db, clock, parts.ids, [start])[0]["tab-1", visit]
        operation = Operation(
            id=f"/devices/tab-1:{visit}",
            cart_id=bound.cart_id,
            gtin=Gtin(RED),
            sku="lamp-red",
            kind=Kind.ADD,
            quantity=2,
            at_us=to_us(clock.now()),
            source="/devices/tab-1",
            price_minor=18_900,
            location_id=HERE,
        )
        apply(db, clock, [operation])


def put_down(app: FastAPI, clock: FakeClock, visit: str = "visit-1") -> None:
    """Put the tablet down."""
    parts = app.state.parts
    with unit_of_work(parts.engine) as db:
        release(db, clock, parts.ids, device_id="tab-1", visit=visit, reason="put_down")


def test_opening_the_link_changes_nothing(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """A messenger's preview fetches the page; the list is still there for its person."""
    scan(app, clock)
    preview = another_phone().get(f"/c/{SECRET}", headers=BROWSER)
    assert preview.status_code == 200
    assert "set-cookie" not in preview.headers
    assert preview.headers["cache-control"] == "no-store"
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).status_code == 200
    assert quantities(phone) == {RED: 2}


def test_the_first_phone_has_it_and_any_other_is_refused(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """The second phone gets a page with a way on, and nothing of the list."""
    scan(app, clock)
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).json() == {"merged": 0, "to": "/"}
    other = another_phone()
    refused = other.post(f"/api/v1/claims/{SECRET}", headers=key())
    assert (refused.status_code, refused.json()["code"]) == (409, "claim_used")
    assert other.post(f"/c/{SECRET}", headers=BROWSER).status_code == 409
    assert quantities(other) == {}
    again = phone.post(f"/api/v1/claims/{SECRET}", headers=key())
    assert again.status_code == 200
    assert quantities(phone) == {RED: 2}


def test_a_lost_answer_does_not_lose_the_list(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient], clock: FakeClock
) -> None:
    """The repeat comes without the cookie that was lost, and is the same phone all the same."""
    scan(app, clock)
    headers = key()
    phone.post(f"/api/v1/claims/{SECRET}", headers=headers)
    repeat = another_phone()
    assert repeat.post(f"/api/v1/claims/{SECRET}", headers=headers).status_code == 200
    assert quantities(repeat) == {RED: 2}


def test_a_browser_without_scripts_claims_by_its_button(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """The form's answer leads to the cart."""
    scan(app, clock)
    answer = phone.post(f"/c/{SECRET}", headers=BROWSER, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert quantities(phone) == {RED: 2}


def test_lines_are_added_to_a_cart_that_has_some_and_can_be_taken_out_again(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """The page says how many came; undo takes exactly those out."""
    add(phone, RED, 1)
    add(phone, MUG, 1)
    scan(app, clock)
    taken = phone.post(f"/api/v1/claims/{SECRET}", headers=key()).json()
    assert taken["merged"] == 2
    assert quantities(phone) == {RED: 3, MUG: 1}
    assert "2 things from the tablet were added." in phone.get(taken["to"]).text
    claim = taken["to"].partition("claim=")[2]
    for _ in range(2):
        undone = phone.post("/api/v1/cart/claims/undo", json={"claim": claim}, headers=key())
        assert undone.status_code == 200
    assert quantities(phone) == {RED: 1, MUG: 1}


def test_a_tablet_that_is_offline_is_waited_for(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """Unknown for now; the same link works as soon as the tablet has reported."""
    waiting = phone.post(f"/api/v1/claims/{SECRET}", headers=key())
    assert (waiting.status_code, waiting.json()["code"]) == (404, "unknown_claim")
    assert "Waiting for the tablet" in phone.post(f"/c/{SECRET}", headers=BROWSER).text
    scan(app, clock)
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).status_code == 200


def test_the_link_is_good_for_half_an_hour_after_the_tablet_was_put_down(
    app: FastAPI, phone: TestClient, clock: FakeClock
) -> None:
    """In time it works; too late is a page that says why, and nothing is given away."""
    scan(app, clock)
    put_down(app, clock)
    clock.advance(CLAIM_GRACE.total_seconds() - 1)
    scan(app, clock, visit="visit-2", secret="t" * 43)
    put_down(app, clock, "visit-2")
    assert phone.post(f"/api/v1/claims/{SECRET}", headers=key()).status_code == 200
    clock.advance(CLAIM_GRACE.total_seconds() + 1)
    late = phone.post(f"/api/v1/claims/{'t' * 43}", headers=key())
    assert (late.status_code, late.json()["code"]) == (410, "claim_expired")
    assert phone.post(f"/c/{'t' * 43}", headers=BROWSER).status_code == 410
    assert quantities(phone) == {RED: 2}


def test_a_link_that_was_cut_off_says_so(phone: TestClient) -> None:
    """Too short to be one of ours."""
    answer = phone.get("/c/abc", headers=BROWSER)
    assert answer.status_code == 404
    assert "This link is not complete" in answer.text


def test_the_phone_lets_go_of_the_tablet(app: FastAPI, phone: TestClient, clock: FakeClock) -> None:
    """The binding ends; the cart stays on the phone."""
    scan(app, clock)
    phone.post(f"/api/v1/claims/{SECRET}", headers=key())
    assert phone.post("/api/v1/device/release", headers=key()).json() == {"released": 1}
    assert phone.post("/api/v1/device/release", headers=key()).json() == {"released": 0}
    assert quantities(phone) == {RED: 2}
