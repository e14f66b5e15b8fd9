"""Wherever staff come in, they land on a page that they may open."""

from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.errors import RoleNeeded
from cart.kernel.ids import RandomIds
from cart.picking import factors, staff
from cart.picking.model import LOCKED_AFTER
from cart.picking.permissions import Permission, grant
from cart.picking.roles import Role
from mobile_api.app import create_app
from mobile_api.edge import access
from mobile_api.settings import ApiSettings
from mobile_api.staff.signed_in import Device
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP
from tests.mobile_api.shop import SECRET
from tests.mobile_api.test_second import codes_on, now, secret_on

HTML: Final = {"Accept": "text/html"}
OK: Final = 200
QUEUE, DESK, TEAM, SECOND = "/staff/queue", "/staff/desk", "/staff/people", "/staff/second"
SEGMENTS = "/staff/segments"
OVERVIEW: Final = "/operator"
JOURNEYS: Final = "/staff/journeys"
REPORT: Final = "/staff/report"
# Who she is, whether an operator, where she wanted to go, where she comes to.
WAYS: Final = [
    (Role.ASSOCIATE, False, "", QUEUE),
    (Role.ASSOCIATE, False, DESK, DESK),
    (Role.ASSOCIATE, False, TEAM, QUEUE),
    (Role.ASSOCIATE, False, OVERVIEW, QUEUE),
    (Role.LEAD, True, "/operator/audit?staff=x", "/operator/audit"),
    (Role.MANAGER, False, TEAM, TEAM),
    (Role.MARKETER, False, "", JOURNEYS),
    (Role.MARKETER, False, DESK, JOURNEYS),
    (Role.LEAD, True, JOURNEYS, JOURNEYS),
    (Role.MANAGER, False, REPORT, REPORT),
    (Role.LEAD, False, REPORT, QUEUE),
    (Role.MARKETER, True, "", OVERVIEW),
    (Role.MARKETER, True, DESK, OVERVIEW),
    (Role.MARKETER, True, TEAM, TEAM),
]


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


def shop(floor: Floor, tmp_path: Path, grace_days: int) -> FastAPI:
    """Return the application; who has to, sets a second factor up within ``grace_days``."""
    settings = ApiSettings(
        data_dir=tmp_path,
        secret_key=SECRET,
        public_url="http://testserver",
        second_factor_grace_days=grace_days,
    )
    return create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )


def somebody(floor: Floor, role: Role, *, operator: bool) -> dict[str, str]:
    """Take somebody on; return what she types at the door."""
    one, pin = floor.do(
        lambda db: staff.add(
            db,
            floor.clock,
            floor.ids,
            location_id=HERE,
            number="7",
            name="Ada",
            role=role,
            work=CHEAP,
        )
    )
    if operator:
        floor.do(lambda db: grant(db, floor.clock, staff_id=one.id, permission=Permission.OPERATOR))
    return {"location_id": HERE, "number": "7", "pin": pin}


@pytest.mark.parametrize(("role", "operator", "back", "lands"), WAYS)
def test_each_lands_on_a_page_that_she_may_open(
    floor: Floor, tmp_path: Path, role: Role, *, operator: bool, back: str, lands: str
) -> None:
    """By the door, past "Later", by opening it again, by her PIN on a locked device."""
    form = somebody(floor, role, operator=operator) | {"back": back}
    with TestClient(shop(floor, tmp_path, grace_days=7), headers=HTML) as phone:
        came = phone.post("/staff", data=form)
        assert came.status_code == OK
        if came.url.path == SECOND:
            assert f'href="{lands}' in came.text
        else:
            assert came.url.path == lands
        if role is Role.MARKETER:
            assert QUEUE not in phone.get(SECOND, params={"back": back}).text
        floor.clock.advance(LOCKED_AFTER[role].total_seconds())
        resumed = phone.post("/staff/resume", data={"pin": form["pin"], "back": back})
        for answer in (resumed, phone.get("/staff", params={"back": back})):
            assert (answer.status_code, answer.url.path) == (OK, lands)


def test_so_does_who_sets_a_second_factor_up_or_proves_it(floor: Floor, tmp_path: Path) -> None:
    """A marketer, whose first page is no queue."""
    form = somebody(floor, Role.MARKETER, operator=False) | {"back": DESK}
    with TestClient(shop(floor, tmp_path, grace_days=0), headers=HTML) as phone:
        phone.post("/staff", data=form)
        secret = secret_on(phone.post(f"{SECOND}/start", data={"back": DESK}).text)
        confirmed = phone.post(f"{SECOND}/confirm", data={"code": now(floor, secret), "back": DESK})
        assert codes_on(confirmed.text)
        assert f'href="{JOURNEYS}"' in confirmed.text
        assert DESK not in confirmed.text
        phone.post("/staff/sign-out")
        floor.clock.advance(factors.STEP_S)
        phone.post("/staff", data=form)
        came = phone.post("/staff/code", data={"code": now(floor, secret), "back": DESK})
        assert (came.status_code, came.url.path) == (OK, JOURNEYS)


@pytest.mark.parametrize("role", [None, *access.Role])
def test_a_route_for_others_lets_no_staff_in(floor: Floor, role: access.Role | None) -> None:
    """Nor one that says nothing: only what is known to be for her opens. Operators' ask again."""
    open_to_her = {access.Role.ANYONE, access.Role.STAFF, access.Role.OPERATOR, access.Role.FLOOR}
    signed = floor.enter("1")
    device = Device(signed.token, role)
    if role in open_to_her:
        assert floor.look(lambda db: device.need(db, floor.clock)).id == signed.staff.id
    else:
        with pytest.raises(RoleNeeded):
            floor.look(lambda db: device.need(db, floor.clock))
