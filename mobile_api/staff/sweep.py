"""What comes of waiting at the desk: offers that nobody answered, orders that nobody came for.

Each is a transaction of its own, and a bounded number of each in a round. Owns no
rule: ``cart.picking`` says what is due, and decides once more when it is done.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlmodel import Session

from cart.db import on_commit, reading, unit_of_work
from cart.kernel.errors import CarryoverError
from cart.picking import substitution, tasks, uncollected
from cart.picking.holding import hold
from cart.picking.model import Changed
from mobile_api.orders.telling import tell
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
AT_ONCE_MAX: Final = 50  # of each kind in a round: a shop's busiest minute, and not a long lock


class DeskSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def look(self) -> None:
        """Do one round, off the event loop."""
        await asyncio.to_thread(self.sweep)

    def sweep(self) -> None:
        """Expire offers, make tasks that are missing, remind, and put back what nobody collects."""
        parts = self._parts
        now = parts.clock.now()
        with reading(parts.engine) as db:
            offers = substitution.due_offers(db, now, AT_ONCE_MAX)
            untasked = tasks.orders_without_task(db, AT_ONCE_MAX)
            unreminded = uncollected.due_reminders(db, now, AT_ONCE_MAX)
            overdue = uncollected.due_uncollected(db, now, AT_ONCE_MAX)
        for names, act in (
            (offers, self._expire),
            (untasked, self._open_task),
            (unreminded, self._remind),
            (overdue, self._close),
        ):
            for name in names:
                self._do(act, name)

    def _do(self, act: Callable[[Session, str], Changed | None], name: str) -> None:
        parts = self._parts
        try:
            with unit_of_work(parts.engine) as db:
                changed = act(db, name)
                if changed is not None:
                    tell(parts, db, changed)
                    if changed.refunds:
                        on_commit(db, parts.pay_bell)
        except CarryoverError:  # one that cannot be done must not hold up the others
            logger.exception("what was due at the desk cannot be done: %s", name)

    def _expire(self, db: Session, offer_id: str) -> Changed | None:
        parts = self._parts
        return substitution.expire(db, parts.clock, parts.ids, parts.shop, offer_id=offer_id)

    def _open_task(self, db: Session, order_id: str) -> Changed:
        parts = self._parts
        tasks.open_task(db, parts.clock, parts.ids, parts.shop, order_id)
        order = hold(db, order_id)
        return Changed(order.id, order.version, order.location_id)

    def _remind(self, db: Session, order_id: str) -> Changed | None:
        return uncollected.remind(db, self._parts.clock, order_id=order_id)

    def _close(self, db: Session, order_id: str) -> Changed | None:
        parts = self._parts
        return uncollected.close(db, parts.clock, parts.ids, parts.shop, order_id=order_id)
