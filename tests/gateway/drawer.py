"""A shop's drawer of bands, and shoppers who get one."""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import select

from cart.carts.service import open_session
from cart.db import reading, unit_of_work
from cart.kernel.ids import Ids
from cart.profile.tables import CustomerRow
from gateway.bands import everybody, queries, service
from gateway.bands.everybody import Lent
from gateway.bands.model import State
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.ports import Holder
from tests.fakes.clock import FakeClock

SEALING = Sealing(b"the server's own secret, 32 bytes")
SECRET = bytes(range(16))
CLOCK_S = 153_600.0


@dataclass
class Drawer:
    """A shop's drawer of bands, and shoppers."""

    engine: Engine
    clock: FakeClock
    ids: Ids

    def made(self, location_id: str = "mill-lane", secret: bytes = SECRET) -> int:
        """A fresh band."""
        with unit_of_work(self.engine) as db:
            return service.make(
                db,
                self.clock,
                self.ids,
                SEALING,
                location_id=location_id,
                secret=secret,
                clock_s=CLOCK_S,
                off_s=2.0,
            )

    def shopper(self, customer_id: str | None = None) -> str:
        """A fresh session, of a customer or anonymous."""
        with unit_of_work(self.engine) as db:
            session = open_session(db, self.clock, self.ids)
            if customer_id:
                db.add(CustomerRow(id=customer_id, created_at=self.clock.now()))
                db.flush()
                session.customer_id = customer_id
            return session.id

    def out(self, number: int, session_id: str, **more: object) -> str:
        """Hand a band out."""
        asked = {"greeting": "Ruth", "locale": "he", "follow": True, "staff_id": None, **more}
        with unit_of_work(self.engine) as db:
            return service.hand_out(
                db,
                self.clock,
                self.ids,
                number=number,
                session_id=session_id,
                **asked,  # type: ignore[arg-type]
            )

    def back(self, number: int, location_id: str | None = None) -> None:
        """Take a band back."""
        with unit_of_work(self.engine) as db:
            service.hand_back(db, self.clock, number, location_id=location_id)

    def holder(self, number: int) -> Holder | None:
        """Who has a band. Whoever asks of all bands at once is told the same."""
        with reading(self.engine) as db:
            holder = queries.holder_of(db, number)
            same = None if holder is None else Lent(holder.loan_id, holder.follow)
            assert everybody.lent(db).get(number) == same
            return holder

    def follows(self, number: int) -> bool:
        """Whether she may be followed."""
        holder = self.holder(number)
        assert holder is not None
        return holder.follow

    def state(self, number: int) -> tuple[State, str]:
        """Where a band is, and how its newest loan ended."""
        with reading(self.engine) as db:
            band = db.get_one(BandRow, number)
            newest = select(BandLoanRow).where(BandLoanRow.number == number)
            loans = sorted(db.exec(newest), key=lambda one: one.id)
            return State(band.state), loans[-1].end_reason if loans else ""
