"""Sources of carts: what was scanned and taken off, lists that were saved and mailed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col, literal, or_

from cart.carts.model import Kind as Op
from cart.carts.tables import (
    CartOperationRow,
    ListRequestRow,
    SavedListRow,
    ShopperSessionRow,
)
from cart.journeys.collecting.model import OVERLAP, At, Device, Devices, Told
from cart.journeys.collecting.reading import Order, page, told
from cart.kernel.clock import from_us
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins

DEVICES: Final = "/devices/"  # how the source of what a device did begins, as the wire has it
CLAIM: Final = "claim"  # a visit's lines, carried over to the cart of the phone that claimed it
PHONE: Final = ("phone", "list")
# What the server did to a cart by itself: nobody touched anything.
OWN: Final = ("sign-in", "checkout")
LIST: Final = "list_"
ASKED: Final = "ask_"  # how the ids of a wish begin that a device told of
REST: Final = "rest-"  # a list that signing in made of lines for which there was no room


@dataclass(frozen=True, slots=True)
class Operations:
    """Articles that were put on a list and taken off; a changed number of pieces is no touch."""

    devices: Devices
    name: str = "operations"
    kinds: frozenset[Kind] = frozenset({Kind.SCANNED, Kind.REMOVED})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell operations in the order in which they came in."""
        row = CartOperationRow
        asked = (
            select(row, col(ShopperSessionRow.id))
            .join(ShopperSessionRow, col(ShopperSessionRow.cart_id) == col(row.cart_id))
            .where(
                or_(
                    col(row.kind).in_([Op.ADD.value, Op.REMOVE.value]),
                    (col(row.kind) == Op.SET.value) & (col(row.quantity) == 0),
                ),
                col(row.source).not_in(OWN),
            )
        )
        order = Order(
            col(row.received_at_us), col(row.id), literal("op:").concat(col(row.id)), in_us=True
        )
        rows = page(db, asked, order, after, limit)
        done = self._by(db, [one[0] for one in rows])
        return told(rows, limit, lambda one: _operation(one[0], one[1], done))

    def _by(self, db: Session, operations: list[CartOperationRow]) -> dict[str, Device]:
        """Return the device of each operation that one did, by the operation's id."""
        named = {
            one.id: one.source.removeprefix(DEVICES)
            for one in operations
            if one.source.startswith(DEVICES)
        }
        visits = {one.id: one.id.split(":")[1] for one in operations if one.source == CLAIM}
        known = self.devices.of(db, set(named.values())) if named else {}
        carried = self.devices.of_visits(db, set(visits.values())) if visits else {}
        found = {one: known[device] for one, device in named.items() if device in known}
        return found | {one: carried[visit] for one, visit in visits.items() if visit in carried}


def _operation(row: CartOperationRow, session_id: str, done: dict[str, Device]) -> Interaction:
    device = done.get(row.id)
    channel = Channel.PHONE if row.source in PHONE else Channel.SHOP
    return Interaction(
        id=f"op:{row.id}",
        session_id=session_id,
        kind=Kind.SCANNED if row.kind == Op.ADD else Kind.REMOVED,
        channel=device.channel if device else channel,
        at=from_us(row.at_us),
        gtin=row.gtin,
        sku=row.sku,
        quantity=row.quantity,
        location_id=row.location_id or "",
        device_id=device.id if device else "",
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists that were saved."""

    name: str = "lists"
    kinds: frozenset[Kind] = frozenset({Kind.LISTED})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell lists in the order in which they were saved."""
        row = SavedListRow
        asked = select(row).where(~col(row.id).startswith(REST))
        order = Order(col(row.created_at), col(row.id), literal("list:").concat(col(row.id)))
        rows = page(db, asked, order, after, limit)
        lists = [one[0].id for one in rows]
        first, at_device = origins(db, "list", lists), _from_devices(db, lists)
        return told(rows, limit, lambda one: _list(one[0], first, at_device))


def _list(row: SavedListRow, first: dict[str, str], at_device: set[str]) -> Interaction:
    return Interaction(
        id=f"list:{row.id}",
        session_id=first.get(row.id, row.session_id),
        kind=Kind.LISTED,
        channel=Channel.TABLET if row.id in at_device else Channel.PHONE,
        at=row.created_at,
        ref=row.id,
    )


def _from_devices(db: Session, lists: list[str]) -> set[str]:
    """Return those lists that a device asked for; it names the list and the wish alike."""
    asked = {f"{ASKED}{one.removeprefix(LIST)}": one for one in lists if one.startswith(LIST)}
    found = db.connection().execute(
        select(col(ListRequestRow.id)).where(col(ListRequestRow.id).in_(list(asked)))
    )
    return {asked[row[0]] for row in found}


@dataclass(frozen=True, slots=True)
class ListWishes:
    """Lists that somebody asked for by mail."""

    name: str = "list_wishes"
    kinds: frozenset[Kind] = frozenset({Kind.LIST_MAILED})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell wishes in the order in which they were made."""
        row = ListRequestRow
        asked = select(row, col(SavedListRow.session_id)).join(SavedListRow)
        order = Order(col(row.requested_at), col(row.id), literal("wish:").concat(col(row.id)))
        rows = page(db, asked, order, after, limit)
        first = origins(db, "list", [one[0].list_id for one in rows])
        return told(rows, limit, lambda one: _wish(one[0], first.get(one[0].list_id, one[1])))


def _wish(row: ListRequestRow, session_id: str) -> Interaction:
    return Interaction(
        id=f"wish:{row.id}",
        session_id=session_id,
        kind=Kind.LIST_MAILED,
        channel=Channel.TABLET if row.id.startswith(ASKED) else Channel.PHONE,
        at=row.requested_at,
        location_id=row.location_id or "",
        ref=row.list_id,
    )
