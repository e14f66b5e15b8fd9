"""Signing in and the account as JSON: what an app does without our pages."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.profile.model import CODE_LIFETIME
from tests.mobile_api.shop import MUG, RED, add, quantities
from tests.mobile_api.signing_in import ADA, code, newest

ACCOUNT, SIGN_IN = "/api/v1/account", "/api/v1/sign-in"


def come_in(app: FastAPI, phone: TestClient, email: str = ADA) -> None:
    """Sign in."""
    asked = phone.post(f"{SIGN_IN}/code", json={"email": email})
    assert (asked.status_code, asked.json()) == (
        202,
        {"good_for_s": int(CODE_LIFETIME.total_seconds())},
    )
    answer = phone.post(SIGN_IN, json={"code": code(app)})
    assert (answer.status_code, answer.json()) == (200, {"signed_in": True})
    assert answer.headers["cache-control"] == "no-store"


def test_a_code_signs_in_and_what_joined_can_be_undone(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The same service as the forms: the cart joins, the undo gives it back."""
    home = another_phone()
    add(home, MUG, 2)
    come_in(app, home)
    add(phone, RED)
    come_in(app, phone)
    assert quantities(phone) == {RED: 1, MUG: 2}
    joining_id = newest(app).id
    way = f"{ACCOUNT}/joinings/{joining_id}/undo"
    assert phone.post(way).json() == {"undone": True}
    assert quantities(home) == {MUG: 2}
    unknown = phone.post(f"{ACCOUNT}/joinings/none/undo")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_joining")
    assert phone.post(f"{ACCOUNT}/sign-out", json={}).json() == {"signed_out": True}
    assert phone.get(ACCOUNT).status_code == 401
    assert quantities(phone) == {RED: 1}, "the cart that was undone is the phone's again"


def test_a_lost_answer_is_given_again_and_a_guess_is_refused(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """The cookie of the asking is what makes it the same browser."""
    phone.post(f"{SIGN_IN}/code", json={"email": ADA})
    digits, cookie = code(app), phone.cookies["carryover-sign-in"]
    wrong = phone.post(SIGN_IN, json={"code": "000000" if digits != "000000" else "111111"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "sign_in_code_refused")
    assert another_phone().post(SIGN_IN, json={"code": digits}).status_code == 403
    for _ in range(2):
        phone.cookies.set("carryover-sign-in", cookie)
        assert phone.post(SIGN_IN, json={"code": digits}).status_code == 200
    assert len(phone.get(ACCOUNT).json()["phones"]) == 1
    odd = phone.post(f"{SIGN_IN}/code", json={"email": "nobody"})
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_email")


def test_phones_are_ended_one_by_one_or_all(
    app: FastAPI, phone: TestClient, another_phone: Callable[[], TestClient]
) -> None:
    """By the name that the list gives; what is over is over."""
    lost, kept = another_phone(), another_phone()
    for one in (lost, kept, phone):
        come_in(app, one)
    [gone] = [one["name"] for one in lost.get(ACCOUNT).json()["phones"] if one["here"]]
    for _ in range(2):
        assert phone.delete(f"{ACCOUNT}/phones/{gone}").json() == {"removed": True}
    assert [one.get(ACCOUNT).status_code for one in (lost, kept, phone)] == [401, 200, 200]
    assert phone.post(f"{ACCOUNT}/sign-out", json={"everywhere": True}).status_code == 200
    assert [one.get(ACCOUNT).status_code for one in (kept, phone)] == [401, 401]
