"""A shared device that nobody uses is locked; a PIN opens it where it was. On both databases."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.kernel.errors import NotSignedIn, SessionLocked, SignInRefused
from cart.kernel.ids import RandomIds
from cart.picking import doors, locking, staff
from cart.picking.model import LOCKED_AFTER
from cart.picking.roles import Role
from cart.picking.staff import SignedIn
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import PIN_ALONE, Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import post, signed_in

HTML = {"Accept": "text/html"}
AFTER_S = LOCKED_AFTER[Role.ASSOCIATE].total_seconds()
PLACE = "/staff/returns"


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def enter(floor: Floor, number: str = "1", role: Role = Role.ASSOCIATE) -> tuple[SignedIn, str]:
    """Sign somebody in; return her session and her PIN."""
    who = floor.hire(number, role)
    pin = floor.do(lambda db: staff.new_pin(db, floor.clock, floor.ids, staff_id=who.id))
    known = floor.look(lambda db: staff.known(db, location_id=HERE, number=number))
    checked = known.checked(pin)
    signed = floor.do(lambda db: doors.sign_in(db, floor.clock, floor.ids, checked, PIN_ALONE))
    assert isinstance(signed, SignedIn)
    return signed, pin


def wrong(pin: str) -> str:
    """Return six other digits."""
    return f"{(int(pin) + 1) % 10**6:06d}"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_is_locked_after_its_minutes(floor: Floor, role: Role) -> None:
    """A second before it is open; and a touch that comes too late wakes nothing."""
    signed, _ = enter(floor, role=role)
    token, after_s = signed.token, LOCKED_AFTER[role].total_seconds()
    floor.clock.advance(after_s - 1)
    assert floor.do(lambda db: staff.touch(db, floor.clock, token))
    floor.clock.advance(after_s)
    assert not floor.do(lambda db: staff.touch(db, floor.clock, token))
    with pytest.raises(SessionLocked):
        floor.look(lambda db: staff.current(db, floor.clock, token))


def test_a_locked_device_says_nothing_of_whose_it_is(app: FastAPI, floor: Floor) -> None:
    """Pages lead to the PIN, the API refuses; with the PIN she is where she was."""
    signed, pin = enter(floor)
    with signed_in(TestClient(app), signed.token) as client:
        assert client.get(PLACE, headers=HTML).url.path == PLACE
        floor.clock.advance(AFTER_S)
        locked = client.get(PLACE, headers=HTML)
        assert locked.url.path == "/staff"
        assert "Locked" in locked.text
        assert signed.staff.name not in locked.text
        assert signed.staff.id not in locked.text
        assert client.get("/api/v1/staff/queue").json()["code"] == "session_locked"
        assert post(client, "/walk", {"tasks": ["task_1"]}).json()["code"] == "session_locked"
        opened = client.post("/staff/resume", data={"pin": pin, "back": PLACE})
        assert (opened.status_code, opened.url.path) == (200, PLACE)
        assert client.get("/api/v1/staff/queue").status_code == 200
    acts = [row.action for row in reversed(floor.look(audit.newest))]
    assert acts[-2:] == ["staff.sign_in", "staff.resume"]


def test_the_key_of_before_opens_nothing_once_it_is_open_again(app: FastAPI, floor: Floor) -> None:
    """Somebody copied it while the device lay about; she has a fresh one, to the same end."""
    signed, pin = enter(floor)
    with signed_in(TestClient(app), signed.token) as client:
        floor.clock.advance(AFTER_S)
        client.post("/staff/resume", data={"pin": pin})
        assert client.get("/api/v1/staff/queue").status_code == 200
        thief = signed_in(TestClient(app), signed.token)
        assert thief.get("/api/v1/staff/queue").json()["code"] == "not_signed_in"
        assert "Locked" not in thief.get("/staff", headers=HTML).text
        assert thief.post("/staff/resume", data={"pin": pin}).url.path == "/staff"
        assert thief.get("/api/v1/staff/queue").status_code == 401
        floor.clock.advance(staff.SHIFT.total_seconds() - AFTER_S)
        assert client.get("/api/v1/staff/queue").json()["code"] == "not_signed_in"


def test_it_is_locked_by_hand(app: FastAPI, floor: Floor) -> None:
    """At once, once; a page that still asks by itself does not open it."""
    signed, _ = enter(floor)
    with signed_in(TestClient(app), signed.token) as client:
        for _ in range(2):
            assert "Locked" in client.post("/staff/lock", data={"back": PLACE}).text
        assert client.post("/staff/awake").status_code == 401
        assert client.get("/api/v1/staff/queue").status_code == 401
    acts = [row.action for row in floor.look(audit.newest)]
    assert acts.count("staff.lock") == 1


def test_what_a_page_asks_by_itself_keeps_nothing_open(app: FastAPI, floor: Floor) -> None:
    """A hand on it does."""
    signed, _ = enter(floor)
    with signed_in(TestClient(app), signed.token) as client:
        for _ in range(3):
            floor.clock.advance(AFTER_S / 2)
            assert client.post("/staff/awake").status_code == 204
            assert client.get("/api/v1/staff/queue").status_code == 200
        floor.clock.advance(AFTER_S / 2)
        assert client.get("/api/v1/staff/queue").status_code == 200
        floor.clock.advance(AFTER_S / 2)
        assert client.get("/api/v1/staff/queue").status_code == 401


def test_guessing_at_a_locked_device_locks_the_number(app: FastAPI, floor: Floor) -> None:
    """Five wrong ones, then the right one opens nothing either, nor at the door."""
    signed, pin = enter(floor)
    with signed_in(TestClient(app), signed.token) as client:
        floor.clock.advance(AFTER_S)
        for _ in range(staff.WRONG_PINS_MAX):
            assert client.post("/staff/resume", data={"pin": wrong(pin)}).status_code == 403
        assert client.post("/staff/resume", data={"pin": pin}).status_code == 403
        form = {"location_id": HERE, "number": "1", "pin": pin}
        assert client.post("/staff", data=form).status_code == 403
        assert client.get("/api/v1/staff/queue").status_code == 401


def test_a_colleagues_pin_opens_nothing(floor: Floor) -> None:
    """Each session is opened by the PIN of whose it is."""
    signed, _ = enter(floor, "1")
    _, other = enter(floor, "2")
    floor.clock.advance(AFTER_S)
    known = floor.look(lambda db: staff.known(db, location_id=HERE, number="2"))
    checked = known.checked(other)
    assert checked.right
    refusal = floor.do(
        lambda db: locking.resume(db, floor.clock, floor.ids, token=signed.token, checked=checked)
    )
    assert isinstance(refusal, SignInRefused)
    with pytest.raises(SessionLocked):
        floor.look(lambda db: staff.current(db, floor.clock, signed.token))


def test_a_shift_ends_and_a_new_pin_ends_it_at_once(floor: Floor) -> None:
    """No PIN opens a session that is over."""
    signed, pin = enter(floor)
    token = signed.token
    floor.clock.advance(AFTER_S)
    checked = floor.look(lambda db: locking.whose(db, floor.clock, token)).checked(pin)
    floor.do(lambda db: staff.new_pin(db, floor.clock, floor.ids, staff_id=signed.staff.id))
    refusal = floor.do(
        lambda db: locking.resume(db, floor.clock, floor.ids, token=token, checked=checked)
    )
    assert isinstance(refusal, SignInRefused)
    with pytest.raises(NotSignedIn):
        floor.look(lambda db: locking.whose(db, floor.clock, token))

    again, pin = enter(floor, "2")
    floor.clock.advance(staff.IDLE.total_seconds())
    with pytest.raises(NotSignedIn):
        floor.look(lambda db: locking.whose(db, floor.clock, again.token))
