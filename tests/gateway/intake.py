"""A gateway's ingest without a broker, and one tablet."""

from sqlalchemy import Engine

from cart.db import reading
from cart.kernel.ids import SeededIds
from gateway.findings.service import findings
from gateway.findings.tables import DeviceFindingRow
from gateway.ingest.batch import Domain
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import Tablet, enrolled, stock_catalogue


class Intake:
    """Both, in a shop with a few goods. Tests of one matter add how they store, and look."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        stock_catalogue(engine)
        self.engine, self.clock = engine, clock
        self.domain = Domain(clock, ids, sellables)
        self.tablet = Tablet(enrolled(engine, clock, ids), clock)

    @property
    def device_id(self) -> str:
        """The tablet's."""
        return self.tablet.device.device_id

    def found(self) -> list[DeviceFindingRow]:
        """Return what is odd about the tablet."""
        with reading(self.engine) as db:
            return findings(db, self.device_id)
