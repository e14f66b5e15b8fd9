"""A passkey as staff's second factor: added by who proves the app, good at the door, removed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from cart.audit.tables import AuditRow
from cart.db import reading
from cart.picking import factors, passkeys, second
from cart.picking.tables import StaffPasskeyRow
from tests.cart.floor import Floor
from tests.fakes.authenticator import PRESENT, Passkey
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import COOKIE
from tests.mobile_api.test_second import HTML, floor, lead, now, set_up, shop

__all__ = ["floor"]
SHOP = "http://localhost:8000"
JSON = {"Accept": "application/json"}


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """A shop with a name: a bare IP address can have no passkeys."""
    return shop(floor, tmp_path, second_factor_grace_days=0, public_url=SHOP)


@pytest.fixture
def phone(app: FastAPI) -> Iterator[TestClient]:
    """A phone of somebody of the staff."""
    with TestClient(app, headers=HTML) as client:
        yield client


class Ada:
    """A lead with an app, signed in."""

    def __init__(self, phone: TestClient, floor: Floor) -> None:
        self.phone, self.floor = phone, floor
        self.form = lead(floor)
        self.secret, self.codes = set_up(phone, floor, self.form)

    def code(self) -> str:
        """Return what her app shows now; a moment later the next one is."""
        shown = now(self.floor, self.secret)
        self.floor.clock.advance(factors.STEP_S)
        return shown

    def options(self) -> Any:  # noqa: ANN401 - a response
        """Ask to add a passkey."""
        return self.phone.post(
            "/staff/second/passkey-options", data={"code": self.code()}, headers=JSON
        )

    def add(self, **other: Any) -> Passkey:  # noqa: ANN401 - of any of its fields
        """Add a passkey."""
        passkey = Passkey(**{"rp_id": "localhost", "origin": SHOP} | other)
        made = passkey.make(self.options().json()["publicKey"])
        answer = self.phone.post("/staff/second/passkeys", json=made, headers=JSON)
        assert answer.status_code == 201, answer.text
        return passkey

    def to_the_door(self) -> None:
        """Sign out and type number and PIN."""
        self.phone.post("/staff/sign-out")
        assert self.phone.post("/staff", data=self.form).status_code == 200

    def asked(self) -> dict[str, Any]:
        """Return what her passkey is to sign at the door."""
        answer = self.phone.post("/staff/code/passkey-options", headers=JSON)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["publicKey"]
        return found

    def enter(self, answer: dict[str, Any]) -> Any:  # noqa: ANN401 - a response
        """Come in with what a passkey has signed."""
        return self.phone.post("/staff/code/passkey?back=/staff/desk", json=answer, headers=JSON)

    def kept(self) -> list[StaffPasskeyRow]:
        """Return the passkeys in the database."""
        with reading(self.floor.engine) as db:
            return list(db.exec(select(StaffPasskeyRow)))

    def noted(self) -> list[tuple[str, str]]:
        """Return what the log has: act and outcome."""
        with reading(self.floor.engine) as db:
            rows = db.exec(select(AuditRow)).all()
        return [(row.action, row.outcome) for row in rows]


@pytest.fixture
def ada(phone: TestClient, floor: Floor) -> Ada:
    """Her."""
    return Ada(phone, floor)


def test_with_pin_and_passkey_she_is_in(ada: Ada) -> None:
    """In place of the app's code, with a fresh session; the page offers it to who has one."""
    ada.to_the_door()
    assert "Use a passkey" not in ada.phone.get("/staff").text
    assert ada.phone.post("/staff/code/passkey-options", headers=JSON).status_code == 404
    ada.phone.post("/staff/code", data={"code": ada.code()})
    passkey = ada.add()
    assert ("staff.second_passkey", "done") in ada.noted()
    assert "Remove this passkey" in ada.phone.get("/staff/second").text
    ada.to_the_door()
    halfway = ada.phone.cookies[COOKIE]
    assert "Use a passkey instead" in ada.phone.get("/staff").text
    asked = ada.asked()
    assert [one["id"] for one in asked["allowCredentials"]] == [passkey.name]
    came = ada.enter(passkey.sign(asked))
    assert came.json() == {"to": "/staff/desk"}
    assert ada.phone.cookies[COOKIE] != halfway
    assert ada.phone.get("/staff/desk").url.path == "/staff/desk"


def test_an_answer_is_good_once_for_five_minutes_and_for_its_purpose(
    ada: Ada, clock: FakeClock
) -> None:
    """Wrong ones count as wrong codes do, and the number is locked after five."""
    passkey = ada.add()
    other = Passkey(rp_id="localhost", origin=SHOP)
    other.make(ada.options().json()["publicKey"])  # asked for, and never kept
    ada.to_the_door()
    asked = ada.asked()
    assert ada.enter(other.sign(asked)).status_code == 403
    assert ada.enter(passkey.sign(asked)).status_code == 403, "it was used up by the wrong one"
    asked = ada.asked()
    clock.advance(passkeys.CHALLENGE_FOR.total_seconds() + 1)
    assert ada.enter(passkey.sign(asked)).status_code == 403
    passkey.flags = PRESENT
    assert ada.enter(passkey.sign(ada.asked())).status_code == 403, "nobody was verified"
    passkey.flags |= 0x04
    passkey.origin = "http://localhost.evil.example:8000"
    assert ada.enter(passkey.sign(ada.asked())).status_code == 403
    passkey.origin = SHOP
    assert ada.enter(passkey.sign(ada.asked())).status_code == 403, "five were wrong: locked"
    assert ada.phone.get("/staff/desk").url.path == "/staff"


def test_a_copy_that_counts_is_found(ada: Ada) -> None:
    """A count that does not grow opens nothing."""
    passkey = ada.add(counts=True)
    ada.to_the_door()
    assert ada.enter(passkey.sign(ada.asked())).status_code == 200
    ada.to_the_door()
    passkey.count = 0
    assert ada.enter(passkey.sign(ada.asked())).status_code == 403


def test_only_who_proves_the_app_adds_or_removes_one(ada: Ada, phone: TestClient) -> None:
    """A code that is wrong changes nothing, counts and is noted; without any there are none."""
    wrong = phone.post("/staff/second/passkey-options", data={"code": "1"}, headers=JSON)
    assert wrong.status_code == 403
    passkey = Passkey(rp_id="localhost", origin=SHOP)
    made = passkey.make({"user": {"id": "YQ"}, "challenge": "YQ"})
    assert phone.post("/staff/second/passkeys", json=made, headers=JSON).status_code == 403
    assert ada.kept() == []
    kept = ada.add()
    form = {"passkey_id": ada.kept()[0].id, "code": "000000"}
    refused = phone.post("/staff/second/passkeys/remove", data=form)
    assert refused.status_code == 403
    assert 'role="alert">' in refused.text
    assert len(ada.kept()) == 1
    gone = phone.post("/staff/second/passkeys/remove", data=form | {"code": ada.code()})
    assert gone.url.path == "/staff/second"
    assert ada.kept() == []
    assert ("staff.second_passkey_remove", "done") in ada.noted()
    assert ("staff.second_passkey_remove", "second_factor_refused") in ada.noted()
    ada.to_the_door()
    challenge = {"challenge": "YQ", "allowCredentials": []}
    assert ada.enter(kept.sign(challenge)).status_code == 403


def test_a_reset_takes_passkeys_away_and_five_are_enough(ada: Ada) -> None:
    """Who lost everything begins anew."""
    for _ in range(passkeys.STAFF_PASSKEYS_MAX):
        ada.add()
    assert ada.options().status_code == 409
    staff_id = ada.kept()[0].staff_id
    ada.floor.do(lambda db: second.reset(db, ada.floor.clock, staff_id=staff_id))
    assert ada.kept() == []


def test_after_a_new_factor_she_may_end_her_other_sessions(ada: Ada, app: FastAPI) -> None:
    """She is asked when her app was changed; this device stays signed in, the others do not."""
    elsewhere = TestClient(app, headers=HTML)
    elsewhere.post("/staff", data=ada.form)
    elsewhere.post("/staff/code", data={"code": ada.code()})
    assert elsewhere.get("/staff/second").url.path == "/staff/second"
    started = ada.phone.post("/staff/second/start", data={"code": ada.code()})
    fresh = started.text.split('class="second-secret"')[1].split(">")[1].split("<")[0]
    ada.secret = fresh.replace(" ", "")
    done = ada.phone.post("/staff/second/confirm", data={"code": ada.code()})
    assert "Sign out my other devices" in done.text
    ended = ada.phone.post("/staff/second/end-others", data={"back": "/staff/desk"})
    assert "Your other devices are signed out." in ended.text
    assert elsewhere.get("/staff/desk").url.path == "/staff"
    assert ada.phone.get("/staff/desk").url.path == "/staff/desk"
    assert ("staff.end_others", "done") in ada.noted()
