"""Every select for pages about fitting rooms."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from gateway.binding.tables import BindingRow
from gateway.registry.tables import DeviceRow
from gateway.rooms.model import OPEN
from gateway.rooms.tables import SizeRequestRow, TriedItemRow

SHOWN_MAX = 60  # open requests of a location: more rooms than any shop has
TRIED_SHOWN_MAX = 2_000  # of all rooms of a page: TRIED_MAX of each


@dataclass(frozen=True, slots=True)
class Asked:
    """An open request, and what its room is called."""

    row: SizeRequestRow
    room: str


def open_requests(db: Session, location_id: str) -> list[Asked]:
    """Return what is asked for in the fitting rooms of a location, the oldest first.

    What a visit asked for that has ended meanwhile is left out: nobody waits there.
    """
    found = db.exec(
        select(SizeRequestRow, DeviceRow.name)
        .join(BindingRow, col(BindingRow.id) == SizeRequestRow.binding_id)
        .join(DeviceRow, col(DeviceRow.id) == SizeRequestRow.device_id)
        .where(
            SizeRequestRow.location_id == location_id,
            col(SizeRequestRow.state).in_([one.value for one in OPEN]),
            col(BindingRow.ended_at).is_(None),
        )
        .order_by(col(SizeRequestRow.asked_at), col(SizeRequestRow.id))
        .limit(SHOWN_MAX)
        .execution_options(populate_existing=True)
    )
    return [Asked(row, name or row.device_id) for row, name in found.all()]


def tried(db: Session, binding_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the GTINs that were brought in, by visit, in their order."""
    found = db.exec(
        select(TriedItemRow.binding_id, TriedItemRow.gtin)
        .where(col(TriedItemRow.binding_id).in_(set(binding_ids)))
        .order_by(col(TriedItemRow.tried_at), col(TriedItemRow.gtin))
        .limit(TRIED_SHOWN_MAX)
    )
    brought: dict[str, list[str]] = {}
    for binding_id, gtin in found.all():
        brought.setdefault(binding_id, []).append(gtin)
    return brought
