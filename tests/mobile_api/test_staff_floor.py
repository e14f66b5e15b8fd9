"""The floor as staff see it: numbers, live, of those who agreed; of a few none, and no names."""

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete
from starlette.testclient import TestClient

from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.floor.tables import FloorAreaRow
from gateway.notices import FloorChanged
from gateway.presence.changes import Change, Kind
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from mobile_api.staff.floor import heat
from tests.cart.buying import HERE, THERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.served import events, serving, until
from tests.mobile_api.staffing import API, COOKIE, hire, refused, signed_in

PLAN = b"""
[[zone]]
id = "door"
areas = [[0, 0, 6, 6]]
[[zone]]
id = "back"
areas = [[6, 0, 12, 6], [12, 0, 14, 3]]
"""


class Shop:
    """A drawn floor, and people with bands on it."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.floor = Floor(engine, clock)
        self.floor.do(lambda db: draw(db, HERE, read_plan(PLAN)))

    def come(self, zone: str, *numbers: int, kind: Kind = Kind.ARRIVED, place: str = HERE) -> None:
        """Let bands come to a zone, or go."""
        settled = [
            Settled(Change(kind, number, zone, "", 0.0), place, f"loan-{number}")
            for number in numbers
        ]
        self.floor.do(lambda db: keep(db, self.floor.clock, settled))


@pytest.fixture
def shop(engine: Engine, clock: FakeClock) -> Shop:
    """The shop."""
    return Shop(engine, clock)


@pytest.fixture
def app(shop: Shop, settings: ApiSettings) -> FastAPI:
    """The application over it."""
    return create_app(
        settings,
        engine=shop.floor.engine,
        clock=shop.floor.clock,
        ids=RandomIds(),
        listen=False,
        mail=False,
    )


@pytest.fixture
def staff(app: FastAPI, shop: Shop) -> TestClient:
    """Somebody of the shop who is signed in."""
    return signed_in(TestClient(app), hire(shop.floor, "7"))


def zones(client: TestClient) -> dict[str, tuple[int | None, int]]:
    """Return people, and who came, by zone."""
    answer = client.get(f"{API}/floor").json()
    return {one["zone_id"]: (one["people"], one["entered"]) for one in answer["zones"]}


def test_numbers_come_and_go_and_say_nothing_of_a_few(staff: TestClient, shop: Shop) -> None:
    """Nobody, a few without a number, then three; who came is told in groups of three."""
    assert zones(staff) == {"door": (0, 0), "back": (0, 0)}
    shop.come("door", 1, 2)
    assert zones(staff) == {"door": (None, 0), "back": (0, 0)}
    shop.come("door", 3, 4)
    shop.come("back", 9, place=THERE)  # of another shop
    assert zones(staff) == {"door": (4, 3), "back": (0, 0)}
    shop.come("back", 1, 2, 3, kind=Kind.MOVED)
    assert zones(staff) == {"door": (None, 3), "back": (3, 3)}
    shop.come("", 1, 2, 3, 4, kind=Kind.DEPARTED)
    assert zones(staff) == {"door": (0, 3), "back": (0, 3)}
    shop.floor.clock.advance(3_600)
    staff.post("/staff/sign-out")
    again = signed_in(TestClient(staff.app), hire(shop.floor, "8"))
    assert zones(again) == {"door": (0, 0), "back": (0, 0)}


@pytest.mark.parametrize(
    ("language", "few"),
    [("en", "A few people with a wristband"), ("he", "מעט אנשים עם צמיד"), ("pl", "kilka osób")],
)
def test_the_page_shows_the_drawing_and_the_same_in_a_list(
    staff: TestClient, shop: Shop, language: str, few: str
) -> None:
    """In her language; the drawing has every area, the list every zone, neither a loan."""
    shop.come("door", 1)
    page = staff.get("/staff/floor", headers={"Accept-Language": language}).text
    assert few in page
    assert page.count('rx="18"') == 3
    assert page.count('<th scope="row">') == 2
    assert "loan-1" not in page
    part = staff.get(f"{API}/floor?html=true", headers={"Accept-Language": language}).json()["html"]
    assert few in part
    assert part.count('rx="18"') == 3


def test_a_floor_that_nobody_drew_has_a_way_on(staff: TestClient, shop: Shop) -> None:
    """The page says who draws it, and where else to go."""
    shop.floor.do(lambda db: db.exec(delete(FloorAreaRow)))
    page = staff.get("/staff/floor").text
    assert "The floor is not drawn yet" in page
    assert 'href="/staff/queue"' in page


def test_only_who_works_on_the_floor_sees_it(app: FastAPI, shop: Shop) -> None:
    """A marketer has no business there, and a stranger none at all."""
    refused(TestClient(app).get(f"{API}/floor"), 401, "not_signed_in")
    marketer = signed_in(TestClient(app), hire(shop.floor, "9", role=Role.MARKETER))
    refused(marketer.get(f"{API}/floor"), 403, "role_needed")
    refused(marketer.get(f"{API}/floor/events"), 403, "role_needed")


def test_the_page_is_told_at_once(app: FastAPI, shop: Shop) -> None:
    """A change of this shop rings, one of another shop does not."""
    token = hire(shop.floor, "7")
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, cookies={COOKIE: token}, timeout=20) as page,
        page.stream("GET", f"{API}/floor/events") as answer,
    ):
        stream = events(answer)
        assert until(stream, "changed").data == {"topic": f"floor:{HERE}"}
        app.state.parts.bells.hear(FloorChanged(THERE))
        app.state.parts.bells.hear(FloorChanged(HERE))
        assert until(stream, "changed").data == {"topic": f"floor:{HERE}"}


def test_it_is_busier_the_less_room_everybody_has() -> None:
    """Nobody is cold, a few are warm, a crowd is hot; never the other way round."""
    grades = [heat(people, 36.0) for people in (0, None, 3, 4, 8, 40)]
    assert grades == sorted(grades)
    assert (grades[0], grades[1], grades[-1]) == (0, 1, 4)
