"""One customer's story for staff: what their work needs or she allows, and every look is noted."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from cart.audit.tables import AuditRow
from cart.db import reading
from cart.kernel.ids import RandomIds
from cart.orders.tables import OrderRow
from cart.picking.roles import Role
from cart.profile.interests.queries import subject_of
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, MUG, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import hire, signed_in
from tests.mobile_api.telling import grant, told


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with staff."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    return create_app(
        settings,
        engine=floor.engine,
        clock=floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def home(app: FastAPI, floor: Floor) -> str:
    """Somebody who scanned two mugs and bought them; her session."""
    order_id = floor.order({MUG: 2})
    told(app)
    return floor.look(lambda db: db.get_one(OrderRow, order_id).session_id)


def looked(app: FastAPI, floor: Floor, home: str, role: Role, place: str = HERE) -> Any:  # noqa: ANN401
    """Let somebody look; return the page's text."""
    number = str(20 + list(Role).index(role) * 2 + (place != HERE))
    with TestClient(app) as client:
        answer = signed_in(client, hire(floor, number, role=role, place=place)).get(
            f"/staff/stories/{home}"
        )
    assert answer.status_code == 200, answer.text
    return answer.text


def noted(floor: Floor) -> list[tuple[str, str]]:
    """Return who looked at whose story, by role."""
    asked = select(AuditRow.role, AuditRow.on_id).where(AuditRow.action == "story.see")
    with reading(floor.engine) as db:
        return list(db.exec(asked).all())


def test_the_floor_sees_orders_of_its_location_only(app: FastAPI, floor: Floor, home: str) -> None:
    """Nothing of what she scanned, and in another shop nothing at all."""
    here = looked(app, floor, home, Role.ASSOCIATE)
    assert "Bought" in here
    assert "Seen or put on the list" not in here
    assert "Lamps" not in here
    there = looked(app, floor, home, Role.ASSOCIATE, THERE)
    assert "Bought" not in there
    assert noted(floor) == [("associate", home)] * 2


def test_a_marketer_sees_what_she_allows(app: FastAPI, floor: Floor, home: str) -> None:
    """Nothing without her consent; the whole story with it; each look is noted."""
    refused = looked(app, floor, home, Role.MARKETER)
    assert "has not allowed" in refused
    assert "Bought" not in refused
    with reading(floor.engine) as db:
        subject = subject_of(db, home)
    assert subject is not None
    grant(app, subject)
    floor.clock.advance(600)
    seen = looked(app, floor, home, Role.MARKETER, THERE)
    assert "Bought" in seen
    assert "Seen or put on the list" in seen
    assert noted(floor) == [("marketer", home)] * 2


def test_nobody_else_sees_it(app: FastAPI, home: str) -> None:
    """Who is not signed in is sent to the door."""
    with TestClient(app) as client:
        answer = client.get(f"/staff/stories/{home}", follow_redirects=False)
    assert answer.status_code in {303, 401}
    assert "Bought" not in answer.text
