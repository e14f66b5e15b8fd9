"""Staff look after staff on a page: what a manager may, and what she may not."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.audit import service as audit
from cart.db import unit_of_work
from cart.kernel.errors import LastOperator, RoleNeeded, UnknownStaff
from cart.kernel.ids import RandomIds
from cart.picking import people, staff
from cart.picking.model import Staff
from cart.picking.permissions import Permission, grant, holds, take_back
from cart.picking.roles import LOOKS_AFTER, MAY, May, Role
from mobile_api.app import create_app
from mobile_api.cli import app as cli_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, MUG, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.fleet import operator
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import post, refused, signed_in

HTML: Final = {"Accept": "text/html"}
PAGE: Final = "/staff/people"
FORBIDDEN, CONFLICT, NOT_FOUND = 403, 409, 404


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


@contextmanager
def page_of(app: FastAPI, token: str) -> Iterator[TestClient]:
    """Open a browser of somebody."""
    with signed_in(TestClient(app, headers=HTML), token) as client:
        yield client


def shown_pin(text: str) -> str:
    """Return the PIN that a page shows."""
    found = re.search(r'dir="ltr">(\d{6})<', text)
    assert found, text
    return found.group(1)


def make_operator(floor: Floor, who: Staff) -> None:
    """Make somebody an operator."""
    floor.do(lambda db: grant(db, floor.clock, staff_id=who.id, permission=Permission.OPERATOR))


def active(floor: Floor, place: str = HERE) -> dict[str, Role]:
    """Return who can sign in, by number."""
    return {one.number: one.role for one in floor.look(lambda db: staff.everybody(db, place))}


def test_each_role_may_what_is_written() -> None:
    """Lead and manager may what those below them may, and nobody looks after her own kind."""
    assert set(MAY) == set(LOOKS_AFTER) == set(Role)
    assert MAY[Role.ASSOCIATE] < MAY[Role.LEAD] < MAY[Role.MANAGER]
    assert MAY[Role.MANAGER] == set(May) - {May.MARKETING}
    assert MAY[Role.MARKETER] == {May.MARKETING, May.REPORT}
    for role, others in LOOKS_AFTER.items():
        assert not others or May.PEOPLE in MAY[role]
        assert all(MAY[one] < MAY[role] for one in others), "nobody gives what she has not got"


def test_a_manager_takes_on_gives_pins_and_closes(app: FastAPI, floor: Floor) -> None:
    """Each PIN is shown once and opens the door; each act is noted as hers."""
    manager = floor.enter("1", Role.MANAGER)
    form = {"number": "7", "name": "Ada", "role": "lead"}
    with page_of(app, manager.token) as page:
        first = shown_pin(page.post(PAGE, data=form).text)
        assert first not in page.get(PAGE).text
        assert active(floor)["7"] is Role.LEAD
        ada = next(
            one for one in floor.look(lambda db: staff.everybody(db, HERE)) if one.number == "7"
        )
        second_pin = shown_pin(page.post(f"{PAGE}/{ada.id}/pin", data={}).text)
        known = floor.look(lambda db: staff.known(db, location_id=HERE, number="7"))
        assert (known.checked(first).right, known.checked(second_pin).right) == (False, True)
        assert page.post(f"{PAGE}/{ada.id}/second", data={}).status_code == 200
        assert page.post(f"{PAGE}/{ada.id}/close", data={}).status_code == 200
    assert "7" not in active(floor)
    rows = [row for row in reversed(floor.look(audit.newest)) if row.on_id == ada.id]
    assert [(row.action, row.role, row.outcome) for row in rows] == [
        ("staff.add", "manager", "done"),
        ("staff.new_pin", "manager", "done"),
        ("staff.second_reset", "manager", "done"),
        ("staff.deactivate", "manager", "done"),
    ]
    assert {row.who_id for row in rows} == {manager.staff.id}


def test_of_a_lost_phone_only_what_follows_is_said(app: FastAPI, floor: Floor) -> None:
    """A new app is asked for if her role needs one: of an associate it is not."""
    manager, other = floor.enter("1", Role.MANAGER), floor.enter("2")
    with page_of(app, manager.token) as page:
        assert "if her role needs one" in page.post(f"{PAGE}/{other.staff.id}/second", data={}).text
    pin = floor.do(lambda db: staff.new_pin(db, floor.clock, floor.ids, staff_id=other.staff.id))
    with TestClient(app, headers=HTML) as hers:
        form = {"location_id": HERE, "number": "2", "pin": pin}
        assert hers.post("/staff", data=form).url.path == "/staff/queue"
        shown = hers.get("/staff/second").text
        assert "Set it up now" in shown
        assert "you cannot sign in without" not in shown


def test_what_is_wrong_is_said_in_words(app: FastAPI, floor: Floor) -> None:
    """A number that is taken; and nobody was taken on."""
    manager = floor.enter("1", Role.MANAGER)
    with page_of(app, manager.token) as page:
        for form in ({"number": "1", "name": "Ada"}, {"number": "x", "name": "Ada"}, {}):
            answer = page.post(PAGE, data=form)
            assert answer.status_code == CONFLICT
            assert "that nobody has here" in answer.text
    assert active(floor) == {"1": Role.MANAGER}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.MARKETER])
def test_a_manager_gives_no_role_that_she_may_not_give(
    app: FastAPI, floor: Floor, role: Role
) -> None:
    """Not her own, and not one beside her; nor at another location. All of it is noted."""
    manager = floor.enter("1", Role.MANAGER)
    with page_of(app, manager.token) as page:
        form = {"number": "7", "name": "Ada"}
        assert page.post(PAGE, data={**form, "role": role.value}).status_code == FORBIDDEN
        assert page.post(PAGE, data={**form, "location_id": THERE}).status_code == FORBIDDEN
        assert page.post(PAGE, data={**form, "role": "operator"}).status_code == 422
    assert active(floor) == {"1": Role.MANAGER}
    assert active(floor, THERE) == {}
    noted = [(row.action, row.outcome) for row in floor.look(audit.newest)][:2]
    assert noted == [("staff.add", "role_needed")] * 2


@pytest.mark.parametrize("whose", ["her own", "a manager's", "an operator's", "elsewhere"])
def test_accounts_that_a_manager_may_not_touch(app: FastAPI, floor: Floor, whose: str) -> None:
    """Every form is refused, and her PIN, her app and her account are as they were."""
    manager = floor.enter("1", Role.MANAGER)
    other = {
        "her own": lambda: manager,
        "a manager's": lambda: floor.enter("2", Role.MANAGER),
        "an operator's": lambda: floor.enter("2"),
        "elsewhere": lambda: floor.enter("2", place=THERE),
    }[whose]()
    if whose == "an operator's":
        make_operator(floor, other.staff)
    at = other.staff.location_id
    kept = floor.look(lambda db: staff.known(db, location_id=at, number=other.staff.number))
    with page_of(app, manager.token) as page:
        for verb in ("pin", "second", "close"):
            answer = page.post(f"{PAGE}/{other.staff.id}/{verb}", data={})
            assert answer.status_code == (NOT_FOUND if whose == "elsewhere" else FORBIDDEN)
        assert f"{PAGE}/{other.staff.id}" not in page.get(PAGE).text
    assert kept == floor.look(lambda db: staff.known(db, location_id=at, number=other.staff.number))
    assert floor.look(lambda db: staff.current(db, floor.clock, other.token)).id == other.staff.id


@pytest.mark.parametrize("role", [Role.ASSOCIATE, Role.LEAD, Role.MARKETER])
def test_others_do_not_even_see_the_page(app: FastAPI, floor: Floor, role: Role) -> None:
    """Refused, and what they try is noted."""
    me, other = floor.enter("1", role), floor.hire("2")
    with page_of(app, me.token) as page:
        assert page.get(PAGE).status_code == FORBIDDEN
        assert page.post(f"{PAGE}/{other.id}/pin", data={}).status_code == FORBIDDEN
        assert page.post(PAGE, data={"number": "7", "name": "Ada"}).status_code == FORBIDDEN
    assert set(active(floor)) == {"1", "2"}
    assert [row.outcome for row in floor.look(audit.newest)][:2] == ["role_needed"] * 2


def test_an_operator_looks_after_all_locations(app: FastAPI, floor: Floor) -> None:
    """Managers too; in the log she acts as operator. She cannot close her own account."""
    token = operator(floor)
    with page_of(app, token) as page:
        form = {"location_id": THERE, "number": "7", "name": "Ada", "role": "manager"}
        assert shown_pin(page.post(PAGE, data=form).text)
        assert active(floor, THERE) == {"7": Role.MANAGER}
        assert "Ada" in page.get(f"{PAGE}?location={THERE}").text
        (ada,) = floor.look(lambda db: staff.everybody(db, THERE))
        assert page.post(f"{PAGE}/{ada.id}/close", data={}).status_code == 200
        me = floor.look(lambda db: staff.current(db, floor.clock, token))
        assert page.post(f"{PAGE}/{me.id}/close", data={}).status_code == FORBIDDEN
    assert active(floor, THERE) == {}
    assert floor.look(audit.newest)[1].role == "operator"


def test_the_page_asks_as_often_for_many_as_for_few(app: FastAPI, floor: Floor) -> None:
    """And says of each what is hers."""
    token, asked = operator(floor), list[str]()

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        asked.append(statement)

    with page_of(app, token) as page:
        page.get(PAGE)
        event.listen(floor.engine, "before_cursor_execute", count)
        few = (page.get(PAGE).text.count("<li class"), len(asked))
        asked.clear()
        for number in ("21", "22", "23"):
            floor.hire(number)
        make_operator(floor, floor.hire("24", Role.LEAD))
        asked.clear()
        shown = page.get(PAGE).text
        many = (shown.count("<li class"), len(asked))
        event.remove(floor.engine, "before_cursor_execute", count)
    assert many == (few[0] + 4, few[1])
    assert shown.count("\N{MIDDLE DOT} Operator") == 2
    assert shown.count("/close") == 4


def test_a_refusal_is_shown_where_it_was_asked_for(app: FastAPI, floor: Floor) -> None:
    """An operator who looks after another location stays there; one shop is chosen of all."""
    floor.hire("7", place=THERE)
    with page_of(app, operator(floor)) as page:
        taken = page.post(PAGE, data={"location_id": THERE, "number": "7", "name": "Ada"})
        assert taken.status_code == CONFLICT
        assert f'name="location_id" value="{THERE}"' in taken.text
        assert re.findall(r'<option value="(\S+)" selected>', taken.text) == [THERE]


def test_a_marketer_sees_no_order_and_is_given_none(app: FastAPI, floor: Floor) -> None:
    """Nothing of the floor answers her; a lead cannot give her a task; she is not on duty."""
    floor.order({MUG: 1})
    (entry,) = floor.queue()
    lead, marketer = floor.enter("1", Role.LEAD), floor.enter("2", Role.MARKETER)
    with signed_in(TestClient(app), marketer.token) as hers:
        for path in ("queue", "walk", "desk", "events"):
            refused(hers.get(f"/api/v1/staff/{path}"), FORBIDDEN, "role_needed")
        refused(post(hers, "/walk", {"tasks": [entry.task_id]}), FORBIDDEN, "role_needed")
        assert hers.get("/staff/second", headers=HTML).status_code == 200
        assert hers.get("/staff/queue", headers=HTML).status_code == FORBIDDEN
    with signed_in(TestClient(app), lead.token) as leads:
        given = post(leads, f"/tasks/{entry.task_id}/give", {"staff_id": marketer.staff.id})
        refused(given, NOT_FOUND, "unknown_staff")
    assert floor.look(lambda db: staff.on_duty(db, HERE, floor.clock.now())) == 1
    assert [row.outcome for row in floor.look(audit.newest) if row.action == "task.claim"] == [
        "role_needed"
    ]


def test_a_manager_may_what_a_lead_may(app: FastAPI, floor: Floor) -> None:
    """She gives a task to a colleague."""
    floor.order({MUG: 1})
    (entry,) = floor.queue()
    manager, other = floor.enter("1", Role.MANAGER), floor.hire("2")
    with signed_in(TestClient(app), manager.token) as page:
        assert post(page, f"/tasks/{entry.task_id}/give", {"staff_id": other.id}).is_success
    (given,) = floor.queue()
    assert given.claimed_by == other.id


def test_the_last_operator_stays(floor: Floor) -> None:
    """Neither her permission nor her account goes; with another one both do."""
    one = floor.hire("1")
    make_operator(floor, one)

    def stays(act: Callable[[Any], Any]) -> None:
        with pytest.raises(LastOperator):
            floor.do(act)
        assert floor.look(lambda db: holds(db, one.id, Permission.OPERATOR))

    stays(lambda db: take_back(db, staff_id=one.id, permission=Permission.OPERATOR))
    stays(lambda db: staff.deactivate(db, floor.clock, staff_id=one.id))
    assert active(floor) == {"1": Role.ASSOCIATE}
    gone = floor.hire("3")
    make_operator(floor, gone)
    floor.do(lambda db: staff.deactivate(db, floor.clock, staff_id=gone.id))
    stays(lambda db: take_back(db, staff_id=one.id, permission=Permission.OPERATOR))
    make_operator(floor, floor.hire("2"))
    assert floor.do(lambda db: take_back(db, staff_id=one.id, permission=Permission.OPERATOR))


def test_two_operators_who_close_each_other_leave_one(floor: Floor) -> None:
    """At the same moment."""
    pair = [floor.hire("1"), floor.hire("2")]
    for one in pair:
        make_operator(floor, one)
    together, came = threading.Barrier(2), list[str]()

    def close(me: Staff, other: Staff) -> None:
        together.wait()
        try:
            with unit_of_work(floor.engine) as db:
                people.close(db, floor.clock, me, staff_id=other.id)
        except (LastOperator, RoleNeeded, UnknownStaff) as refusal:
            came.append(refusal.code)
        else:
            came.append("done")

    threads = [
        threading.Thread(target=close, args=(me, other)) for me, other in (pair, reversed(pair))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came.count("done") == 1
    assert len(active(floor)) == 1


def test_roles_by_command_line(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given when somebody is taken on, and later; then she signs in anew. Noted."""
    monkeypatch.setenv("DATABASE_URL", floor.engine.url.render_as_string(hide_password=False))
    terminal = CliRunner()
    who = ["--location", HERE, "--number", "7"]
    added = terminal.invoke(cli_app, ["staff", "add", *who, "--name", "Ada", "--role", "manager"])
    assert added.exit_code == 0
    assert active(floor) == {"7": Role.MANAGER}
    given = terminal.invoke(cli_app, ["staff", "role", *who, "marketer"])
    assert given.exit_code == 0, given.output
    assert active(floor) == {"7": Role.MARKETER}
    assert "staff.role" in [row.action for row in floor.look(audit.newest)]
    terminal.invoke(cli_app, ["staff", "operator", *who])
    for arguments in (["staff", "operator", *who, "--off"], ["staff", "deactivate", *who]):
        assert terminal.invoke(cli_app, arguments).exit_code != 0
    assert active(floor) == {"7": Role.MARKETER}
