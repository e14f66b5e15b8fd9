"""Recounts the whole stock against ledger and promises; corrects the ledger if asked to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from inventory_api.stock import recount, service
from inventory_api.stock.recount import Difference

PAGE_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A row that did not add up. ``booked``: pieces that the ledger was corrected by."""

    difference: Difference
    booked: int | None = None
    right_now: bool = False


def reconcile(engine: Engine, clock: Clock, ids: Ids, *, fix: bool) -> Iterator[Found]:
    """Yield every row whose numbers do not add up, by location and SKU.

    Each page of rows is one statement, so no movement is seen by half. ``fix``
    sums the row's reservations anew and books a corrected movement, under the
    row's lock and after looking again. Pieces promised beyond what is on hand are
    reported only: which promise to break is for people to say.
    """
    run_id = ids.new("reconcile")
    after = ("", "")
    while True:
        with reading(engine) as db:
            page = recount.differences(db, PAGE_ROWS, after=after)
        for difference in page:
            yield _fixed(engine, clock, difference, run_id) if fix else Found(difference)
        if len(page) < PAGE_ROWS:
            return
        after = (page[-1].location_id, page[-1].sku)


def _fixed(engine: Engine, clock: Clock, difference: Difference, run_id: str) -> Found:
    pair = (difference.location_id, difference.sku)
    with unit_of_work(engine) as db:
        service.correct_promises(db, clock, location_id=pair[0], sku=pair[1])
        booked = service.correct_ledger(
            db, clock, location_id=pair[0], sku=pair[1], reference=run_id
        )
        still = recount.differences(db, 1, only=pair)
    return Found(difference, booked, not still)
