"""The board at the desk: codes without names, for anyone, live."""

from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from gateway.fanout import DeskChanged
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, LAMP, MUG, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import events, serving, until


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop with twenty pieces of everything."""
    return Floor(engine, clock)


@pytest.fixture
def screen(floor: Floor, settings: ApiSettings) -> Iterator[TestClient]:
    """A screen that nobody is signed in at."""
    app = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with TestClient(app) as client:
        yield client


def test_the_board_shows_codes_and_no_names(screen: TestClient, floor: Floor) -> None:
    """What is picked and what is ready, of this desk only; nothing that says who or what."""
    who = floor.hire("1")
    ready, picked = floor.ready(who, {LAMP: 1}), floor.order({MUG: 1})
    tickets = floor.view(ready).ticket, floor.view(picked).ticket
    board = screen.get(f"/api/v1/board/{HERE}").json()
    assert board == {"ready": [tickets[0]], "picking": [tickets[1]], "html": None}
    assert screen.get(f"/api/v1/board/{THERE}").json()["ready"] == []
    page = screen.get(f"/board/{HERE}", headers={"Accept": "text/html"}).text
    assert all(f'data-code="{ticket}"' in page for ticket in tickets)
    for private in ("ada@example.com", "Staff 1", ready, picked, "Lamp"):
        assert private not in page
    assert screen.get("/board/nowhere").status_code == 404
    assert screen.get("/api/v1/board/nowhere").json()["code"] == "unknown_location"


def test_the_desk_code_leads_to_this_desk(screen: TestClient) -> None:
    """Drawn for the public address; a phone reads it as a link of ours."""
    from mobile_api.board.pages import desk_code  # noqa: PLC0415 - the one test of it

    parts = screen.app.state.parts  # type: ignore[attr-defined]  # the FastAPI application
    assert desk_code(parts, HERE) != desk_code(parts, THERE)
    assert desk_code(parts, HERE).startswith("<svg")
    assert desk_code(parts, HERE) in screen.get(f"/board/{HERE}").text


def test_the_board_hears_its_own_desk(floor: Floor, settings: ApiSettings) -> None:
    """A bell comes at first, so that nothing is missed, and then with every change."""
    app = create_app(
        settings, engine=floor.engine, clock=floor.clock, ids=RandomIds(), listen=False, mail=False
    )
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, timeout=20) as client,
        client.stream("GET", f"/api/v1/board/{HERE}/events") as answer,
    ):
        stream = events(answer)
        assert until(stream, "changed").data == {"topic": f"desk:{HERE}"}
        app.state.parts.bells.hear(DeskChanged(THERE))
        app.state.parts.bells.hear(DeskChanged(HERE))
        assert until(stream, "changed").data == {"topic": f"desk:{HERE}"}
