"""A device was offline while its shopper had everything about her erased."""

from pathlib import Path

from sqlalchemy import Engine, text
from sqlmodel import select

from cart.carts.tables import CartOperationRow, ListRequestRow
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from gateway.dead_letters import service as dead_letters
from gateway.wire.events import ListData, Reader, ScannedData, TakenUpData
from store_devices.spool import Spool
from tests.fakes.shop import LAMP, Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()
EMAIL = "ada@example.org"


def test_what_comes_late_is_forgotten_by_both(engine: Engine, tmp_path: Path) -> None:
    """Acknowledged, so that the spool is empty; no scan, no wish, no letter, no address kept."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, CLOCK, IDS), CLOCK)
    spool = Spool(tmp_path / "spool.db", device_id=tablet.device.device_id, clock=CLOCK, ids=IDS)

    def send() -> int:
        kept = spool.pending()
        outcome = ingest(engine, CLOCK, IDS, *(tablet.message(one.payload) for one in kept))
        ((_, receipt),) = outcome.receipts
        spool.receipt(receipt.spool, receipt.stored_through)
        return outcome.dead

    scan = ScannedData(visit="v1", gtin=Gtin.parse(LAMP), quantity=1, reader=Reader.HID)
    spool.add(TakenUpData(visit="v1"))
    spool.add(scan)
    assert send() == 0
    with unit_of_work(engine) as db:
        db.connection().execute(text("DELETE FROM cart_operation"))
        db.connection().execute(text("UPDATE binding SET end_reason = 'erased'"))
    spool.add(scan)
    spool.add(ListData(visit="v1", email=EMAIL, locale="en"))
    assert send() == 0
    assert spool.pending() == []
    spool.close()
    assert EMAIL.encode() not in (tmp_path / "spool.db").read_bytes()
    with reading(engine) as db:
        assert db.exec(select(CartOperationRow)).all() == []
        assert db.exec(select(ListRequestRow)).all() == []
        assert dead_letters.counted(db) == 0
