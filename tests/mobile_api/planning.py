"""A shop for plans: lamps and mugs in drawn zones, a bookable room, an adviser, a band."""

from typing import Any, Final

from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.testclient import TestClient

from cart.kernel.gtin import Gtin
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.notices import PlanChanged
from gateway.plans import service
from gateway.plans.tables import PlanRow
from gateway.presence.changes import Change, Kind
from inventory_api.catalogue.tables import ZoneRow
from inventory_api.stock.tables import StockRow
from tests.cart.buying import HERE, LAMP, MUG
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import key
from tests.mobile_api.staffing import API

PLAN: Final = b"""
[[zone]]
id = "door"
areas = [[0, 0, 4, 4]]
[[zone]]
id = "mug-zone"
areas = [[4, 0, 8, 4]]
[[zone]]
id = "lamp-zone"
areas = [[20, 0, 24, 4]]
[[zone]]
id = "rooms"
areas = [[30, 0, 34, 4]]
serves = "fitting_room"
places = 3
bookable = 1
[[zone]]
id = "advice"
areas = [[30, 4, 34, 8]]
serves = "desk"
bookable = 1
"""
NAMES: Final = {
    "door": "Entrance",
    "mug-zone": "Mugs",
    "lamp-zone": "Lamps",
    "rooms": "Rooms",
    "advice": "Advice",
}
MINE: Final = "/api/v1/plan"
THEIRS: Final = f"{API}/bookings"
AT: Final = "2026-03-02T10:{minute:02}:00+00:00"  # the clock begins at nine of that day


class PlanShop:
    """A shop that plans are made for."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.floor = Floor(engine, clock)
        self.floor.do(self.draw)

    @staticmethod
    def draw(db: Session) -> None:
        """Name the zones as the catalogue does, draw them, and put things there."""
        for zone_id, name in NAMES.items():
            db.merge(ZoneRow(location_id=HERE, zone_id=zone_id, name=name))
        db.flush()
        draw(db, HERE, read_plan(PLAN))
        for sku, zone_id, bay in (("lamp", "lamp-zone", "3"), ("mug", "mug-zone", "1")):
            row = db.get_one(StockRow, (HERE, sku))
            row.zone_id, row.bay_id = zone_id, bay

    def sell_out(self, sku: str) -> None:
        """Let nothing of an article be here."""
        self.floor.do(lambda db: setattr(db.get_one(StockRow, (HERE, sku)), "on_hand", 0))

    def wear(self, number: int, *, follow: bool = True) -> None:
        """Give whoever has the only plan a band."""
        now = self.floor.clock.now()

        def act(db: Session) -> None:
            row = db.exec(select(PlanRow)).one()
            db.add(
                BandRow(
                    number=number, secret_sealed="x", state="out", location_id=HERE,
                    clock_low_s=0, clock_high_s=1, clock_at=now, made_at=now,
                )
            )  # fmt: skip
            db.flush()
            db.add(
                BandLoanRow(
                    id=f"loan-{number}", number=number, session_id=row.session_id,
                    greeting="Ada", locale="en", follow=follow, handed_out_at=now,
                )
            )  # fmt: skip

        self.floor.do(act)

    def walk(self, zone: str, number: int = 7) -> list[PlanChanged]:
        """Let a band come to a zone, as the gateway keeps it; return whose plan is another."""
        settled = [Settled(Change(Kind.MOVED, number, zone, "", 0.0), HERE, f"loan-{number}")]
        self.floor.do(lambda db: keep(db, self.floor.clock, settled))
        return self.floor.do(lambda db: service.seen(db, self.floor.clock, [HERE]))


def put(phone: TestClient, *gtins: Gtin) -> None:
    """Put articles into the phone's cart, at home."""
    for gtin in gtins:
        assert phone.post("/api/v1/cart/lines", json={"gtin": gtin}, headers=key()).is_success


def ask(phone: TestClient, rest: str = "", body: Any = None) -> Any:  # noqa: ANN401 - JSON
    """Change something of the phone's plan; return the answer."""
    return phone.post(f"{MINE}{rest}", json={} if body is None else body, headers=key())


def plan(phone: TestClient, *gtins: Gtin, minute: int = 0, **more: str) -> Any:  # noqa: ANN401 - JSON
    """Put articles into the cart and plan a visit for them; return the plan."""
    put(phone, *gtins)
    wanted = {"location_id": HERE, "comes_at": AT.format(minute=minute), **more}
    answer = ask(phone, body=wanted)
    assert answer.is_success, answer.text
    return answer.json()


def book(phone: TestClient, minute: int, serves: str = "fitting_room", **more: bool) -> Any:  # noqa: ANN401
    """Book a quarter hour."""
    wanted = {"serves": serves, "starts_at": AT.format(minute=minute), **more}
    return ask(phone, "/bookings", wanted)


def keys(seen: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return the stops that are left, in their order."""
    return [one["key"] for one in seen["stops"]]


def press(staff: TestClient, path: str) -> Any:  # noqa: ANN401 - a response
    """Press a button of staff's."""
    return staff.post(f"{THEIRS}/{path}", json={}, headers=key())


BOTH: Final = (LAMP, MUG)
