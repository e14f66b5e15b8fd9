"""A shop with queues: two fitting rooms and a desk, who waits, and who calls."""

from typing import Any, Final

from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.testclient import TestClient

from gateway.bands.tables import BandLoanRow, BandRow
from gateway.floor.model import read_plan
from gateway.floor.service import Settled, draw, keep
from gateway.floor.tables import TurnRow
from gateway.presence.changes import Change, Kind
from inventory_api.catalogue.tables import ZoneRow
from tests.cart.buying import HERE
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.mobile_api.shop import key
from tests.mobile_api.staffing import API

PLAN: Final = b"""
[[zone]]
id = "rooms-1"
areas = [[0, 0, 6, 6]]
serves = "fitting_room"
service_minutes = 10
[[zone]]
id = "rooms-2"
areas = [[6, 0, 12, 6]]
serves = "fitting_room"
places = 4
[[zone]]
id = "desk"
areas = [[0, 6, 6, 9]]
serves = "desk"
"""
WAITING: Final = f"/api/v1/shops/{HERE}/waiting"
QUEUES: Final = f"{API}/waiting"


class QueueShop:
    """A shop with two fitting rooms and a desk."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.floor = Floor(engine, clock)
        self.floor.do(self.draw)

    @staticmethod
    def draw(db: Session) -> None:
        """Name the zones as the catalogue does, and draw them."""
        for zone_id, name in (("rooms-1", "Rooms 1"), ("rooms-2", "Rooms 2"), ("desk", "Service")):
            db.add(ZoneRow(location_id=HERE, zone_id=zone_id, name=name))
        db.flush()
        draw(db, HERE, read_plan(PLAN))

    def come(self, zone: str, *numbers: int) -> None:
        """Let bands come to a zone."""
        settled = [
            Settled(Change(Kind.ARRIVED, number, zone, "", 0.0), HERE, f"loan-{number}")
            for number in numbers
        ]
        self.floor.do(lambda db: keep(db, self.floor.clock, settled))

    def wear(self, number: int) -> None:
        """Give whoever waits a band."""
        now = self.floor.clock.now()

        def act(db: Session) -> None:
            row = db.exec(select(TurnRow)).one()
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
                    greeting="Ada", locale="en", follow=True, handed_out_at=now,
                )
            )  # fmt: skip

        self.floor.do(act)


def act(phone: TestClient, what: str, zone: str = "rooms-1") -> Any:  # noqa: ANN401 - a response
    """Join or leave a queue."""
    return phone.post(f"{WAITING}/{zone}/{what}", headers=key())


def press(staff: TestClient, path: str) -> Any:  # noqa: ANN401 - a response
    """Press a button of staff's."""
    return staff.post(f"{QUEUES}/{path}", json={}, headers=key())
