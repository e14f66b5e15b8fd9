"""Short ways to promise pieces, and to look at all that promises change."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.db import unit_of_work
from cart.kernel.clock import Clock
from cart.ports import Shortfall, StockKeeper
from inventory_api.stock import recount, service
from inventory_api.stock.model import Reason
from inventory_api.stock.promises import Promises
from tests.inventory_api.shelf import SHOP, SKUS

KEEPER: StockKeeper = Promises()
RED, BLUE, GREEN = SKUS
LIFETIME = timedelta(minutes=15)


def put_on_shelf(
    engine: Engine, clock: Clock, pieces: Mapping[str, int], location_id: str = SHOP
) -> None:
    """Let a delivery come."""
    with unit_of_work(engine) as db:
        for sku, delta in pieces.items():
            service.move(
                db, clock, location_id=location_id, sku=sku, delta=delta, reason=Reason.RECEIVED
            )


def reserve(
    db: Session,
    clock: Clock,
    reference: str,
    pieces: Mapping[str, int],
    location_id: str = SHOP,
) -> list[Shortfall]:
    """Reserve for a quarter of an hour."""
    return KEEPER.reserve(
        db,
        clock,
        reference=reference,
        location_id=location_id,
        pieces=pieces,
        until=clock.now() + LIFETIME,
    )


def numbers(engine: Engine, sku: str = RED, location_id: str = SHOP) -> tuple[int, int, int]:
    """On hand, reserved, allocated."""
    with unit_of_work(engine) as db:
        found = db.connection().execute(
            text(
                "SELECT on_hand, reserved, allocated FROM stock"
                " WHERE location_id = :location_id AND sku = :sku"
            ),
            {"location_id": location_id, "sku": sku},
        )
        return next((row[0], row[1], row[2]) for row in found)


def everything(engine: Engine) -> list[tuple[object, ...]]:
    """Every row that a promise may touch."""
    with unit_of_work(engine) as db:
        return [
            tuple(row)
            for table, order in (
                ("stock", "location_id, sku"),
                ("reservation", "reference, sku"),
                ("movement", "id"),
            )
            for row in db.connection().execute(text(f"SELECT * FROM {table} ORDER BY {order}"))  # noqa: S608
        ]


def entries(engine: Engine) -> list[tuple[str, str, int, int, int]]:
    """Reason, SKU and the three changes of every entry in the ledger, deliveries left out."""
    with unit_of_work(engine) as db:
        found = db.connection().execute(
            text(
                "SELECT reason, sku, delta, reserved_delta, allocated_delta FROM movement"
                " WHERE reason <> 'received' ORDER BY id"
            )
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in found]


def walked(engine: Engine) -> list[tuple[str, str, int]]:
    """Reason, SKU and pieces of every walk between shelf and desk in the ledger."""
    with unit_of_work(engine) as db:
        found = db.connection().execute(
            text(
                "SELECT reason, sku, picked_delta FROM movement WHERE picked_delta <> 0 ORDER BY id"
            )
        )
        return [(row[0], row[1], row[2]) for row in found]


def adds_up(engine: Engine) -> bool:
    """Whether stock, ledger and reservations agree, at every location."""
    with unit_of_work(engine) as db:
        return recount.differences(db, 10) == []
