"""The second factor on its pages: at the door, from the menu, by command line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit import service as audit
from cart.kernel.ids import RandomIds
from cart.picking import doors, factors, staff
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.rights.retention import BY_NAME, sweep
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import COOKIE, hire, signed_in

HTML: Final = {"Accept": "text/html"}
SEE_OTHER, FORBIDDEN = 303, 403


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


def shop(floor: Floor, folder: Path, **settings: object) -> FastAPI:
    """Return the application over it."""
    given = {"data_dir": folder, "secret_key": SECRET, "public_url": "http://testserver"}
    return create_app(
        ApiSettings.model_validate({**given, **settings}),
        engine=floor.engine,
        clock=floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def strict(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application of a shop that gives no grace."""
    return shop(floor, tmp_path, second_factor_grace_days=0)


@pytest.fixture
def phone(strict: FastAPI) -> Iterator[TestClient]:
    """A phone of somebody of the staff."""
    with TestClient(strict, headers=HTML) as client:
        yield client


def lead(floor: Floor, number: str = "7", role: Role = Role.LEAD) -> dict[str, str]:
    """Take somebody on; return what she types at the door."""
    _, pin = floor.do(
        lambda db: staff.add(
            db,
            floor.clock,
            floor.ids,
            location_id=HERE,
            number=number,
            name="Ada",
            role=role,
            work=CHEAP,
        )
    )
    return {"location_id": HERE, "number": number, "pin": pin, "back": "/staff/desk"}


def secret_on(text: str) -> str:
    """Return the secret that a page shows."""
    found = re.search(r'class="second-secret"[^>]*>([A-Z2-7 ]+)<', text)
    assert found, text
    return found.group(1).replace(" ", "")


def codes_on(text: str) -> list[str]:
    """Return the recovery codes that a page shows."""
    return re.findall(r"<li>([0-9a-z]{4}(?:-[0-9a-z]{4}){3})</li>", text)


def now(floor: Floor, secret: str) -> str:
    """Return what an app shows."""
    return factors.code_at(secret, factors.step_of(floor.clock.now()))


def set_up(phone: TestClient, floor: Floor, form: dict[str, str]) -> tuple[str, list[str]]:
    """Sign in for the first time; return her app's secret and recovery codes."""
    assert "Set it up now" in phone.post("/staff", data=form).text
    secret = secret_on(phone.post("/staff/second/start", data={}).text)
    done = phone.post("/staff/second/confirm", data={"code": now(floor, secret)})
    floor.clock.advance(factors.STEP_S)
    return secret, codes_on(done.text)


def test_at_the_door_a_lead_sets_her_app_up_and_is_asked_for_it_from_then_on(
    phone: TestClient, floor: Floor
) -> None:
    """Until then she sees nothing; the secret and the codes are on no page that opens again."""
    form = lead(floor)
    door = phone.post("/staff", data=form)
    assert (door.url.path, "Set it up now" in door.text) == ("/staff", True)
    assert phone.get("/staff/queue").url.path == "/staff"
    assert phone.get("/api/v1/staff/queue").status_code == 401
    halfway = phone.cookies[COOKIE]
    shown = phone.post("/staff/second/start", data={"back": "/staff/desk"})
    assert shown.headers["cache-control"] == "no-store"
    secret = secret_on(shown.text)
    wrong = phone.post("/staff/second/confirm", data={"code": "1"})
    assert wrong.status_code == FORBIDDEN
    assert secret not in wrong.text.replace(" ", "")
    done = phone.post(
        "/staff/second/confirm", data={"code": now(floor, secret), "back": "/staff/desk"}
    )
    codes = codes_on(done.text)
    assert len(set(codes)) == factors.RECOVERY_CODES
    assert 'href="/staff/desk"' in done.text
    assert phone.cookies[COOKIE] != halfway
    assert phone.get("/staff/desk").url.path == "/staff/desk"
    assert not codes_on(phone.get("/staff/second").text)
    phone.post("/staff/sign-out")
    floor.clock.advance(factors.STEP_S)
    asked = phone.post("/staff", data=form)
    assert 'autocomplete="one-time-code"' in asked.text
    assert phone.post("/staff/code", data={"code": "1"}).status_code == FORBIDDEN
    came = phone.post("/staff/code", data={"code": now(floor, secret), "back": "/staff/desk"})
    assert came.url.path == "/staff/desk"
    acts = [(row.action, row.outcome) for row in reversed(floor.look(audit.newest))]
    assert acts == [
        ("staff.sign_in", "second_factor_awaited"),
        ("staff.second_enrol", "second_factor_refused"),
        ("staff.second_enrol", "done"),
        ("staff.sign_in", "done"),
        ("staff.sign_out", "done"),
        ("staff.sign_in", "second_factor_refused"),
        ("staff.sign_in", "done"),
    ]


def test_a_recovery_code_signs_in_and_sets_up_another_phone(
    phone: TestClient, floor: Floor
) -> None:
    """Without her app: one for the door, one for the new phone."""
    form = lead(floor)
    old, codes = set_up(phone, floor, form)
    phone.post("/staff/sign-out")
    phone.post("/staff", data=form)
    assert phone.post("/staff/code", data={"code": codes[0]}).url.path == "/staff/queue"
    assert "9 recovery codes are left" in phone.get("/staff/second").text
    assert phone.post("/staff/second/start", data={"code": codes[0]}).status_code == FORBIDDEN
    new = secret_on(phone.post("/staff/second/start", data={"code": codes[1]}).text)
    assert new != old
    done = phone.post("/staff/second/confirm", data={"code": now(floor, new)})
    assert len(codes_on(done.text)) == factors.RECOVERY_CODES
    phone.post("/staff/sign-out")
    floor.clock.advance(factors.STEP_S)
    phone.post("/staff", data=form)
    assert phone.post("/staff/code", data={"code": now(floor, old)}).status_code == FORBIDDEN
    assert phone.post("/staff/code", data={"code": now(floor, new)}).url.path == "/staff/queue"


def test_new_recovery_codes_from_the_menu(phone: TestClient, floor: Floor) -> None:
    """For a code of her app; the page says how many are left."""
    secret, codes = set_up(phone, floor, lead(floor))
    assert "10 recovery codes are left" in phone.get("/staff/second").text
    assert phone.post("/staff/second/codes", data={"code": "1"}).status_code == FORBIDDEN
    new = codes_on(phone.post("/staff/second/codes", data={"code": now(floor, secret)}).text)
    assert len(new) == factors.RECOVERY_CODES
    assert not set(new) & set(codes)


def test_within_the_grace_she_may_go_on_and_is_told_until_when(
    floor: Floor, tmp_path: Path
) -> None:
    """A lead on the day of the upgrade; an associate is asked for nothing."""
    with TestClient(shop(floor, tmp_path), headers=HTML) as phone:
        asked = phone.post("/staff", data=lead(floor))
        assert asked.url.path == "/staff/second"
        assert "you cannot sign in without" in asked.text
        assert 'href="/staff/desk">Later' in asked.text
        assert phone.get("/staff/desk").url.path == "/staff/desk"
        plain = phone.post("/staff", data=lead(floor, "8", Role.ASSOCIATE))
        assert plain.url.path == "/staff/desk"


@pytest.mark.parametrize(
    ("least", "asked"),
    [("associate", {"associate", "lead"}), ("lead", {"lead"}), ("operator", set())],
)
def test_the_setting_says_from_which_role_on(
    floor: Floor, tmp_path: Path, least: str, asked: set[str]
) -> None:
    """Those roles are stopped at the door, the others come in."""
    app = shop(floor, tmp_path, second_factor_from=least, second_factor_grace_days=0)
    stopped = set()
    for number, role in (("1", Role.ASSOCIATE), ("2", Role.LEAD)):
        with TestClient(app, headers=HTML) as phone:
            if phone.post("/staff", data=lead(floor, number, role)).url.path == "/staff":
                stopped.add(role.value)
    assert stopped == asked


def test_who_is_not_signed_in_is_led_to_the_door(phone: TestClient) -> None:
    """Every form of the second factor; back to a page that can be opened."""
    for path in ("code", "second/start", "second/confirm", "second/codes"):
        answer = phone.post(f"/staff/{path}", data={"code": "1"}, follow_redirects=False)
        assert answer.status_code == SEE_OTHER
        assert answer.headers["location"] in {
            "/staff?back=/staff/second",
            "/staff?back=/staff/queue",
        }
    assert phone.get("/staff/second").url.path == "/staff"


def test_a_locked_device_changes_no_second_factor(strict: FastAPI, floor: Floor) -> None:
    """It wants her PIN first."""
    with signed_in(TestClient(strict, headers=HTML), hire(floor, "1")) as phone:
        phone.post("/staff/lock")
        for path in ("start", "confirm", "codes"):
            assert "Locked" in phone.post(f"/staff/second/{path}", data={"code": "1"}).text


def test_the_sweep_forgets_who_turned_back_without_a_word(
    strict: FastAPI, phone: TestClient, floor: Floor
) -> None:
    """Once the way on is closed to her, not before."""

    def waiting() -> int:
        asked = text("SELECT count(*) FROM staff_halfway")
        return floor.look(lambda db: int(db.connection().execute(asked).scalar_one()))

    def swept() -> int:
        settings = strict.state.parts.settings
        return sweep(floor.engine, floor.clock, settings, BY_NAME["halfway"])

    phone.post("/staff", data=lead(floor))
    floor.clock.advance(doors.HALFWAY_FOR.total_seconds() - 1)
    assert (swept(), waiting()) == (0, 1)
    floor.clock.advance(1)
    assert (swept(), waiting()) == (1, 0)


def test_somebody_else_can_sign_in_instead(phone: TestClient, floor: Floor) -> None:
    """Halfway is given up: its token opens the way on no more."""
    phone.post("/staff", data=lead(floor))
    token = phone.cookies[COOKIE]
    assert "Your number" in phone.post("/staff/sign-out").text
    phone.cookies.set(COOKIE, token)
    assert "Your number" in phone.post("/staff/second/start", data={}).text


def test_the_command_line_takes_a_lost_app_away(
    phone: TestClient, floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noted; she sets up another when she signs in."""
    form = lead(floor)
    set_up(phone, floor, form)
    monkeypatch.setenv("DATABASE_URL", floor.engine.url.render_as_string(hide_password=False))
    who = ["--location", HERE, "--number", "7"]
    listed = CliRunner().invoke(cli_app, ["staff", "list", "--location", HERE])
    assert "second factor" in listed.output
    done = CliRunner().invoke(cli_app, ["staff", "reset-second", *who], catch_exceptions=False)
    assert "sets up another when she signs in next, if her role needs one" in done.output
    assert phone.get("/staff/queue").url.path == "/staff"
    assert "Set it up now" in phone.post("/staff", data=form).text
    assert "staff.second_reset" in [row.action for row in floor.look(audit.newest)]
