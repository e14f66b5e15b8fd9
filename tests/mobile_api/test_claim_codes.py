"""A phone types the code of a tablet or a mirror instead of reading its QR code."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cart.db import unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.ids import secret_hash
from gateway.binding.begin import VisitStart, begin
from gateway.binding.model import CLAIM_GRACE
from gateway.wire.claim_code import claim_code
from mobile_api.claims.pages import TYPED_PER_NETWORK
from tests.fakes.clock import FakeClock
from tests.mobile_api.looking import Mirror
from tests.mobile_api.shop import HERE, RED, quantities
from tests.mobile_api.test_claims import SECRET, put_down, scan

BROWSER = {"Accept": "text/html"}
CODE = claim_code(secret_hash(SECRET))
WRONG = "00000 00000"
MakePhone = Callable[[], TestClient]


def typed(phone: TestClient, code: str) -> tuple[int, str]:
    """Type a code; return the status, and where it leads or the page."""
    answer = phone.post("/claim", data={"code": code}, headers=BROWSER, follow_redirects=False)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.mark.parametrize("written", [str, str.lower, lambda code: f" {code.replace(' ', '-')} "])
def test_the_right_code_brings_the_list(
    app: FastAPI, phone: TestClient, clock: FakeClock, written: Callable[[str], str]
) -> None:
    """As it is shown, small, with a dash; the page that asks for it says nothing of it."""
    scan(app, clock)
    assert 'name="code"' in phone.get("/claim", headers=BROWSER).text
    assert typed(phone, written(CODE)) == (303, "/")
    assert quantities(phone) == {RED: 2}
    assert typed(phone, CODE) == (303, "/")  # the same phone once more


def test_of_a_mirror_it_leads_to_her_looks(app: FastAPI, phone: TestClient) -> None:
    """As its QR code does."""
    mirror = Mirror(app)
    mirror.say("device.taken_up", {"visit": "v1", "claim_hash": secret_hash(SECRET)})
    assert typed(phone, CODE) == (303, "/looks")


def test_a_wrong_code_is_told_kindly(app: FastAPI, phone: TestClient, clock: FakeClock) -> None:
    """What is no code: 422. What no visit has: 404, with what was typed, to be put right."""
    scan(app, clock)
    status, page = typed(phone, "7k3m")
    assert (status, "ten letters and digits. Please compare" in page) == (422, True)
    status, page = typed(phone, WRONG)
    assert (status, "No list has this code" in page) == (404, True)
    assert f'value="{WRONG}"' in page
    assert 'value="&lt;b&gt;"' in typed(phone, "<b>")[1]
    assert typed(phone, "x" * 65)[0] == 422
    assert quantities(phone) == {}
    assert "set-cookie" not in phone.post("/claim", data={"code": WRONG}).headers


def test_it_is_good_once_and_for_as_long_as_the_link(
    app: FastAPI, phone: TestClient, another_phone: MakePhone, clock: FakeClock
) -> None:
    """Another phone is refused; half an hour after the tablet was put down everybody is."""
    scan(app, clock)
    assert typed(phone, CODE)[0] == 303
    status, page = typed(another_phone(), CODE)
    assert status == 409
    assert "This list is on another phone" in page
    other = "t" * 43
    scan(app, clock, visit="visit-2", secret=other)
    put_down(app, clock, "visit-2")
    clock.advance(CLAIM_GRACE.total_seconds() + 1)
    status, page = typed(another_phone(), claim_code(secret_hash(other)))
    assert status == 410
    assert "This link has expired" in page


def test_guessing_ends_with_a_limit_and_the_link_goes_on(
    app: FastAPI, phone: TestClient, another_phone: MakePhone, clock: FakeClock
) -> None:
    """All phones of a network together; then also the right one is refused, for an hour."""
    scan(app, clock)
    [limit] = TYPED_PER_NETWORK
    guesser = another_phone()
    for _ in range(5):  # what is no code at all costs no try
        assert typed(guesser, "7k3m")[0] == 422
    assert {typed(guesser, WRONG)[0] for _ in range(limit.times_max)} == {404}
    answer = phone.post("/claim", data={"code": CODE}, headers=BROWSER)
    assert answer.status_code == 429
    assert "try again in 60 minutes" in answer.text
    assert answer.headers["retry-after"] == "3600"
    clock.advance(limit.window_s)
    assert typed(phone, CODE)[0] == 303


@pytest.fixture
def begun(app: FastAPI, clock: FakeClock) -> Callable[[str, str], None]:
    """Begin a visit of a tablet with this claim hash."""

    def start(device: str, claim_hash: str) -> None:
        parts = app.state.parts
        with unit_of_work(parts.engine) as db:
            visit = VisitStart((device, "v"), HERE, to_us(clock.now()), claim_hash=claim_hash)
            begin(db, clock, parts.ids, [visit])

    return start


def test_of_two_visits_with_one_code_nobody_gets_a_strangers(
    app: FastAPI, phone: TestClient, another_phone: MakePhone, begun: Callable[[str, str], None]
) -> None:
    """Neither is given while both can be; when one is claimed by its link, the other is hers."""
    assert app
    link = secret_hash(SECRET)
    begun("tab-1", link)
    begun("tab-2", link[:13] + "0" * 51)  # 52 bits alike
    begun("tab-3", f"{int(link, 16) ^ 1 << 206:064x}")  # the last bit of the code is another
    assert typed(phone, CODE)[0] == 404
    assert phone.post(f"/c/{SECRET}", headers=BROWSER, follow_redirects=False).status_code == 303
    assert typed(another_phone(), CODE)[0] == 303
