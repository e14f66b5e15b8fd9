"""Finds wishes that nobody has started yet, and addresses that are to be erased.

A doorbell only makes it quick: whatever was missed is found by the next sweep.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading, unit_of_work
from cart.idempotency.service import forget
from cart.orders import letters
from mobile_api.mail.kinds import KINDS, Kind
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import erase_addresses, settle, to_start
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
SWEEP_S: Final = 3.0
STARTED_AT_ONCE_MAX: Final = 100
SETTLE_FIRST: Final = timedelta(seconds=1)  # whoever wrote the row rings; the sweep is for the rest
TIDY_S: Final = 600.0
ERASED_AT_ONCE_MAX: Final = 1_000  # in a round of TIDY_S: more than a shop closes in that time
REMEMBERED_MAX: Final = 10_000


class Sweep:
    """A task on the event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._started: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first look is at once."""
        self._bell.set()
        self._task = self._loop.create_task(self._run())

    def ring(self) -> None:
        """Look now; from any thread."""
        self._loop.call_soon_threadsafe(self._bell.set)

    async def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        tidied = float("-inf")
        while True:
            rung = self._bell.is_set()
            self._bell.clear()
            try:
                await self._look(SETTLE_FIRST if not rung else timedelta(0))
                if self._parts.clock.monotonic() - tidied > TIDY_S:
                    tidied = self._parts.clock.monotonic()
                    await asyncio.to_thread(self._tidy)
            except SQLAlchemyError:
                logger.exception("looking for mails to send; trying again")
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _look(self, age: timedelta) -> None:
        from mobile_api.mail.workflow import ensure_started  # noqa: PLC0415 - DBOS is large

        for kind, wish_id in await asyncio.to_thread(self._waiting, age):
            if not await ensure_started(kind.name, wish_id):
                failed = Attempt(Outcome.FAILED, "the mail could not be composed; see the log")
                now, engine = self._parts.clock.now(), self._parts.engine
                await asyncio.to_thread(settle, engine, wish_id, failed, now, kind.rows)
            if len(self._started) >= REMEMBERED_MAX:
                self._started.clear()
            self._started.add(wish_id)

    def _waiting(self, age: timedelta) -> list[tuple[Kind, str]]:
        before, started = self._parts.clock.now() - age, self._started
        with reading(self._parts.engine) as db:
            return [
                (kind, wish_id)
                for kind in KINDS.values()
                for wish_id in to_start(db, before, started, STARTED_AT_ONCE_MAX, kind.waiting)
            ]

    def _tidy(self) -> None:
        settings, now = self._parts.settings, self._parts.clock.now()
        of_orders = now - timedelta(days=settings.order_email_keep_days)
        with unit_of_work(self._parts.engine) as db:
            erase_addresses(db, now - timedelta(days=settings.mail_keep_days))
            letters.erase_addresses(db, of_orders, ERASED_AT_ONCE_MAX)
            forget(db, self._parts.clock)
