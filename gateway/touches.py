"""What the gateway tells the timeline: which device it was, and what happened in fitting rooms.

Only reads. Times of fitting rooms are the devices' own: a mirror that was offline tells late, so
these tables, which are emptied after hours, are always read from their beginning.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col, literal

from cart.db.rows import TEXT, run
from cart.journeys.collecting.model import At, Device, Told, channel_of
from cart.journeys.collecting.reading import Order, page, told
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins
from gateway.binding.tables import BindingRow
from gateway.registry.queries import devices_by_id
from gateway.registry.tables import DeviceRow
from gateway.rooms.tables import SizeRequestRow, TriedItemRow

WHOLE: Final = timedelta(days=2)  # longer than anything is kept there


class ShopDevices:
    """The registry's devices. Satisfies ``cart.journeys.collecting.model.Devices``."""

    def of(self, db: Session, ids: Collection[str]) -> dict[str, Device]:
        """Return the devices among these ids."""
        found = devices_by_id(db, ids).values()
        return {one.id: Device(one.id, channel_of(one.kind)) for one in found}

    def of_visits(self, db: Session, ids: Collection[str]) -> dict[str, Device]:
        """Return the devices of these bindings, by the binding."""
        found = run(
            db,
            "SELECT b.id, v.id, v.kind FROM {rows} JOIN binding AS b ON b.id = d.id"
            " JOIN device AS v ON v.id = b.device_id",
            (("id", TEXT),),
            [(one,) for one in ids],
        )
        return {row[0]: Device(row[1], channel_of(row[2])) for row in found}


@dataclass(frozen=True, slots=True)
class Tried:
    """What was brought into a fitting room."""

    name: str = "tried"
    kinds: frozenset[Kind] = frozenset({Kind.TRIED})
    overlap: timedelta = WHOLE

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell articles in the order in which they were brought in."""
        row = TriedItemRow
        asked = (
            select(row, BindingRow, col(DeviceRow.kind))
            .join(BindingRow, col(BindingRow.id) == col(row.binding_id))
            .join(DeviceRow, col(DeviceRow.id) == col(BindingRow.device_id))
        )
        name = col(row.binding_id).concat(literal(":")).concat(col(row.gtin))
        order = Order(col(row.tried_at), name, literal("tried:").concat(name))
        rows = page(db, asked, order, after, limit)
        first = origins(db, "binding", [one[1].id for one in rows])
        return told(rows, limit, lambda one: _tried(one, first))


def _tried(row: Any, first: dict[str, str]) -> Interaction:  # noqa: ANN401 - a row of three
    item, binding, kind = row[0], row[1], row[2]
    return Interaction(
        id=f"tried:{binding.id}:{item.gtin}",
        session_id=first.get(binding.id, binding.session_id),
        kind=Kind.TRIED,
        channel=channel_of(kind),
        at=item.tried_at,
        gtin=item.gtin,
        sku=item.sku,
        quantity=1,
        location_id=binding.location_id,
        device_id=binding.device_id,
    )


@dataclass(frozen=True, slots=True)
class Sizes:
    """What somebody in a fitting room asked to be brought."""

    name: str = "sizes"
    kinds: frozenset[Kind] = frozenset({Kind.SIZE_ASKED})
    overlap: timedelta = WHOLE

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell wishes in the order in which they were made."""
        row = SizeRequestRow
        asked = select(row, col(BindingRow.session_id)).join(
            BindingRow, col(BindingRow.id) == col(row.binding_id)
        )
        order = Order(col(row.asked_at), col(row.id), literal("size:").concat(col(row.id)))
        rows = page(db, asked, order, after, limit)
        first = origins(db, "binding", [one[0].binding_id for one in rows])
        return told(rows, limit, lambda one: _size(one[0], first.get(one[0].binding_id, one[1])))


def _size(row: SizeRequestRow, session_id: str) -> Interaction:
    return Interaction(
        id=f"size:{row.id}",
        session_id=session_id,
        kind=Kind.SIZE_ASKED,
        channel=Channel.MIRROR,
        at=row.asked_at,
        gtin=row.gtin,
        sku=row.sku,
        quantity=1,
        location_id=row.location_id,
        device_id=row.device_id,
    )
