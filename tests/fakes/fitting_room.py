"""A fitting room with a mirror, and whoever is in it: what tests of size requests begin with."""

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from gateway.commands.tables import DeviceCommandRow
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from gateway.mqtt import Incoming
from gateway.registry import service as registry
from gateway.rooms.queries import open_requests
from gateway.rooms.tables import SizeRequestRow
from gateway.wire.codec import decode_command
from gateway.wire.downlink import SizeAnswered
from gateway.wire.size_answer import SizeAnswerData
from inventory_api.catalogue.queries import sellables
from tests.cart.buying import HERE, LAMP
from tests.cart.floor import BLUE, Floor
from tests.fakes.shop import Tablet


@dataclass
class FittingRoom:
    """One room of a floor. ``visit``: of whoever is in it now."""

    floor: Floor
    name: str = "Room 1"
    kind: str = "mirror"
    visit: str = "v1"
    mirror: Tablet = field(init=False)

    def __post_init__(self) -> None:
        floor = self.floor

        def act(db: Session) -> Any:  # noqa: ANN401 - a device that was enrolled
            token = registry.enrol(
                db, floor.clock, floor.ids, kind=self.kind, location_id=HERE, name=self.name
            )
            return registry.redeem(db, floor.clock, floor.ids, token=token)

        self.mirror = Tablet(floor.do(act), floor.clock)

    @property
    def device_id(self) -> str:
        """Whose room it is."""
        return self.mirror.device.device_id

    def said(self, kind: str, *, at: str = "", **data: object) -> Incoming:
        """Return the message of an event of this visit."""
        over = {"time": at} if at else {}
        event = self.mirror.event(kind, {"visit": self.visit, **data}, **over)
        return self.mirror.message(event)

    def wish(self, request: str = "w1", gtin: str = BLUE, *, at: str = "") -> Incoming:
        """Return the message of a wish; by default for a blue lamp beside the one she has."""
        return self.said("size.requested", at=at, request=request, gtin=gtin, had=LAMP)

    def hear(self, *messages: Incoming) -> Outcome:
        """Let messages arrive in one batch."""
        floor = self.floor
        domain = Domain(floor.clock, floor.ids, sellables)
        return floor.do(lambda db: process(db, domain, [read(one) for one in messages]))

    def ask(self, request: str = "w1", gtin: str = BLUE) -> str:
        """Let her ask; return the request's id."""
        self.hear(self.wish(request, gtin))
        return self.row(request).id

    def leave(self) -> Outcome:
        """Let her go."""
        return self.hear(self.said("device.put_down", reason="done"))

    def row(self, request: str = "w1") -> SizeRequestRow:
        """Return a request of this room."""
        asked = select(SizeRequestRow).where(
            SizeRequestRow.device_id == self.device_id, SizeRequestRow.request == request
        )
        return self.floor.look(lambda db: db.exec(asked).one())

    def open(self) -> list[str]:
        """Return what staff of the location see as open, by the devices' names of it."""
        found = self.floor.look(lambda db: open_requests(db, HERE))
        return [one.row.request for one in found]

    def told(self) -> list[SizeAnswerData]:
        """Return what the mirror is to show and has not acknowledged, in its order."""
        asked = (
            select(DeviceCommandRow)
            .where(
                DeviceCommandRow.device_id == self.device_id,
                col(DeviceCommandRow.acked_at).is_(None),
            )
            .order_by(col(DeviceCommandRow.issued_at), col(DeviceCommandRow.id))
        )
        rows = self.floor.look(lambda db: db.exec(asked).all())
        found = [decode_command(row.payload.encode()) for row in rows]
        return [one.data for one in found if isinstance(one, SizeAnswered)]
