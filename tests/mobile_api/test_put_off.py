"""Collected later: the order is kept until then, and its reminder and its end move along."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.orders.model import OrderState
from cart.orders.slots import next_opening_day
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from mobile_api.staff.sweep import DeskSweep
from tests.cart.floor import Floor
from tests.fakes.clock import START, FakeClock
from tests.mobile_api.staffing import hire, post, refused, signed_in

FRIDAY_LOCAL = "2026-03-06T10:00"  # as the dialog sends it: on the shop's wall, in Amsterdam
FRIDAY = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


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
def colleague(app: FastAPI, floor: Floor) -> TestClient:
    """The device of somebody at the desk."""
    return signed_in(TestClient(app), hire(floor, "7"))


def state_after(floor: Floor, app: FastAPI, order_id: str, since: timedelta) -> OrderState:
    """Sweep the desk ``since`` the start; return the order's state."""
    floor.clock.advance((START + since - floor.clock.now()).total_seconds())
    DeskSweep(app.state.parts).sweep()
    return floor.view(order_id).state


def test_put_off_to_friday_it_is_kept_until_after_friday(
    floor: Floor, app: FastAPI, colleague: TestClient
) -> None:
    """On Monday she says Friday: 72 hours later it is there; 72 hours after Friday it is not."""
    kept, forgotten = floor.ready(floor.hire("1")), floor.ready(floor.hire("2"))
    page = colleague.get(f"/staff/handover/{kept}", headers={"Accept": "text/html"}).text
    assert 'value="2026-03-03T09:00"' in page  # Tuesday, when the shop opens
    body = {"reason": "She is away", "promise_at": FRIDAY_LOCAL}
    answer = post(colleague, f"/orders/{kept}/later", body).json()
    assert answer["history"][-1]["note"].startswith("She is away · ")
    assert "10:00" in answer["history"][-1]["note"]
    assert floor.view(kept).promise_at == FRIDAY
    assert state_after(floor, app, kept, timedelta(hours=73)) is OrderState.READY
    assert floor.view(forgotten).state is OrderState.UNCOLLECTED
    assert "reminded" not in floor.told(kept)
    assert state_after(floor, app, kept, FRIDAY - START + timedelta(hours=25)) is OrderState.READY
    assert floor.told(kept)[-1] == "reminded"
    end = FRIDAY - START + timedelta(hours=72)
    assert state_after(floor, app, kept, end - timedelta(minutes=1)) is OrderState.READY
    assert state_after(floor, app, kept, end + timedelta(minutes=1)) is OrderState.UNCOLLECTED


def test_a_time_is_within_the_next_month(floor: Floor, colleague: TestClient) -> None:
    """What has passed or is farther off is refused; without a time it is the next opening day."""
    order_id = floor.ready(floor.hire("1"))
    before = floor.view(order_id)
    for wrong in ("2026-03-02T08:59:00Z", "2026-04-02T09:00:00Z"):
        body = {"reason": "She rang", "promise_at": wrong}
        refused(post(colleague, f"/orders/{order_id}/later", body), 422, "invalid_input")
    assert floor.view(order_id) == before
    assert post(colleague, f"/orders/{order_id}/later", {"reason": "She rang"}).status_code == 200
    assert floor.view(order_id).promise_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "opens"),
    [
        (
            {"mon": [["09:00", "12:00"]], "wed": [["14:00", "18:00"], ["08:30", "12:00"]]},
            (4, 7, 30),
        ),
        ({"mon": [["09:00", "20:00"]]}, (9, 8, 0)),
        ({"tue": []}, (3, 9, 0)),
        ({}, (3, 9, 0)),
    ],
)
def test_the_next_opening_day(hours: dict[str, list[list[str]]], opens: tuple[int, ...]) -> None:
    """Its first opening; a week at most, and a day from now where nothing is known."""
    day, hour, minute = opens
    found = next_opening_day(hours, "Europe/Amsterdam", START)
    assert found == datetime(2026, 3, day, hour, minute, tzinfo=UTC)
