"""What is kept of an anonymous shopper while she has a wristband, and when it is handed back."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import SQLModel, col, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cart.carts.service import give_key
from cart.carts.tables import ShopperSessionRow
from cart.kernel.ids import RandomIds
from cart.picking.roles import Role
from gateway import cli_bands
from gateway.bands.tables import BandLoanRow
from gateway.binding.tables import BindingRow
from gateway.commands.tables import DeviceCommandRow
from gateway.floor.service import Settled, keep
from gateway.ports import Holder
from gateway.presence.changes import Change, Kind
from gateway.wire.downlink import CommandType
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings
from tests.cart.buying import HERE, LAMP
from tests.cart.floor import Floor
from tests.fakes.clock import FakeClock
from tests.fakes.holders import KnownBands, frame_of
from tests.fakes.shop import Tablet, enrolled, ingest
from tests.mobile_api.shop import SECRET
from tests.mobile_api.staffing import signed_in
from tests.mobile_api.test_bands import DESK, HTML, band, held, looked

# What her visit, cart and band need, each of the present: the page of the wristband names them.
WHILE_SHE_HAS_IT: Final = {
    "band_loan",
    "band_presence",
    "binding",
    "cart",
    "cart_line",
    "cart_operation",
    "consent_subject",
    "shopper_session",
}
# That there was a visit and a loan, of nobody: for what an offline device still sends, and for
# bands that do not come back.
LEFT: Final = {"band_loan", "binding", "cart", "shopper_session"}


@dataclass
class Counter:
    """A welcome desk, a tablet with its receiver, and a band that somebody was handed there."""

    floor: Floor
    desk: TestClient

    def __post_init__(self) -> None:
        floor = self.floor
        self.tablet, self.reader = (
            Tablet(enrolled(floor.engine, floor.clock, floor.ids, kind, HERE), floor.clock)
            for kind in ("tablet", "receiver")
        )
        self.number = band(floor)
        form = looked(self.desk, self.number)
        sent = {**form, "greeting": "Rut", "follow": "true"}
        assert self.desk.post(f"{DESK}/out", data=sent).status_code == 200
        self.hers: Holder = held(floor, self.number)

    def visit(self) -> None:
        """Let her hold it to the tablet, scan, and be in a zone."""
        floor, places = self.floor, {self.reader.device.device_id: self.tablet.device.device_id}
        bands = KnownBands(places, holders={self.number: self.hers})
        heard = [{"frame": _base64(frame_of(self.number)), "dbm": -30.5}]
        tap = self.reader.event("band.presented", {"by": "near", "heard": heard})
        ingest(floor.engine, floor.clock, floor.ids, self.reader.message(tap), bands=bands)
        visit = floor.look(lambda db: db.exec(select(BindingRow.visit)).one())
        scan = self.tablet.event("item.scanned", {"visit": visit, "gtin": LAMP})
        taken = self.tablet.event("device.taken_up", {"visit": visit, "locale": "en"})
        for one in (taken, scan):
            ingest(floor.engine, floor.clock, floor.ids, self.tablet.message(one), bands=bands)
        here = Change(Kind.ARRIVED, self.number, "lamps", "", 0.0)
        floor.do(lambda db: keep(db, floor.clock, [Settled(here, HERE, self.hers.loan_id)]))

    def mentions(self) -> set[str]:
        """Return the tables in which her session, her cart or her loan stands."""
        with self.floor.engine.connect() as db:
            whole = {
                table.name: [str(tuple(row)) for row in db.execute(table.select())]
                for table in SQLModel.metadata.sorted_tables
            }
        hers = (self.hers.session_id, self.hers.loan_id, self.cart_id)
        return {
            name for name, rows in whole.items() if any(one in row for one in hers for row in rows)
        }

    @property
    def cart_id(self) -> str:
        """Her cart."""
        row = self.floor.look(lambda db: db.get_one(ShopperSessionRow, self.hers.session_id))
        return row.cart_id

    def back(self) -> None:
        """Hand it back."""
        assert self.desk.post(f"{DESK}/back", data={"number": self.number}).status_code == 200


def _base64(frame: bytes) -> str:
    return b64encode(frame).decode()


@pytest.fixture
def counter(engine: Engine, clock: FakeClock, tmp_path: Path) -> Iterator[Counter]:
    """The desk, on each database."""
    floor = Floor(engine, clock)
    settings = ApiSettings(data_dir=tmp_path, secret_key=SECRET, public_url="http://testserver")
    app: FastAPI = create_app(
        settings, engine=engine, clock=clock, ids=RandomIds(), listen=False, mail=False
    )
    token = floor.enter("1", Role.ASSOCIATE).token
    with signed_in(TestClient(app, headers=HTML), token) as client:
        yield Counter(floor, client)


def test_an_anonymous_band_has_no_history_and_ends_with_its_return(counter: Counter) -> None:
    """Her cart and where she is now; then that there was a visit, of nobody, without a name."""
    counter.visit()
    assert counter.mentions() == WHILE_SHE_HAS_IT
    counter.back()
    assert counter.mentions() == LEFT
    with counter.floor.engine.connect() as db:
        everything = [
            str(tuple(row))
            for table in SQLModel.metadata.sorted_tables
            for row in db.execute(table.select())
        ]
    assert not [row for row in everything if "Rut" in row]
    [loan] = counter.floor.look(lambda db: db.exec(select(BandLoanRow)).all())
    assert (loan.end_reason, loan.follow) == ("handed_back", False)
    [bound] = counter.floor.look(lambda db: db.exec(select(BindingRow)).all())
    assert (bound.ended_at is not None, bound.band_loan_id) == (True, None)
    session = counter.floor.look(lambda db: db.get_one(ShopperSessionRow, counter.hers.session_id))
    assert session.ended_at == session.emptied_at == counter.floor.clock.now()


def test_who_has_her_cart_on_her_phone_as_well_keeps_it(counter: Counter) -> None:
    """Only the band's name for her goes, and its visit; her phone opens the rest."""
    counter.visit()
    floor = counter.floor
    floor.do(lambda db: give_key(db, floor.clock, floor.ids, session_id=counter.hers.session_id))
    counter.back()
    session = floor.look(lambda db: db.get_one(ShopperSessionRow, counter.hers.session_id))
    assert session.ended_at is None
    assert {"cart_line", "cart_operation"} <= counter.mentions()
    [loan] = floor.look(lambda db: db.exec(select(BandLoanRow)).all())
    assert (loan.greeting, loan.end_reason) == ("", "handed_back")
    live = select(BindingRow).where(col(BindingRow.ended_at).is_(None))
    assert floor.look(lambda db: db.exec(live).all()) == []


@pytest.mark.parametrize("by", ["phone", "terminal"])
def test_what_a_lost_band_opened_ends_with_the_report(counter: Counter, by: str) -> None:
    """Whoever has found it may stand there: the tablet is asked to clear itself. Her cart stays."""
    counter.visit()
    floor = counter.floor
    if by == "phone":
        key = floor.do(
            lambda db: give_key(db, floor.clock, floor.ids, session_id=counter.hers.session_id)
        )
        phone = TestClient(counter.desk.app, headers=HTML, cookies={"carryover": key})
        assert "opens nothing any more" in phone.post("/wristband/lost").text
    else:
        url = floor.engine.url.render_as_string(hide_password=False)
        ran = CliRunner().invoke(
            cli_bands.app, ["lost", str(counter.number)], env={"DATABASE_URL": url}
        )
        assert ran.output == f"band {counter.number} is lost\n"
    bound = floor.look(lambda db: db.exec(select(BindingRow)).one())
    assert (bound.end_reason, bound.session_id) == ("left", counter.hers.session_id)
    ends = select(DeviceCommandRow.type).where(DeviceCommandRow.device_id == bound.device_id)
    assert CommandType.CLEAR in floor.look(lambda db: db.exec(ends).all())
    assert {"cart_line", "cart_operation"} <= counter.mentions()
