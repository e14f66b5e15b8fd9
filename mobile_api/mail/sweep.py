"""Finds wishes that nobody has started yet.

A doorbell only makes it quick: whatever was missed is found by the next sweep.
"""

import asyncio
from typing import Final

from cart.db import reading
from mobile_api.mail.kinds import KINDS, Kind
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle, to_start
from mobile_api.wiring import Parts

STARTED_AT_ONCE_MAX: Final = 100
REMEMBERED_MAX: Final = 10_000


class MailSweep:
    """Starts what was asked for, here or elsewhere. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started: set[str] = set()

    async def look(self) -> None:
        """Do one round."""
        from mobile_api.mail.workflow import ensure_started  # noqa: PLC0415 - DBOS is large

        for kind, wish_id in await asyncio.to_thread(self._waiting):
            if not await ensure_started(kind.name, wish_id):
                failed = Attempt(Outcome.FAILED, "the mail could not be composed; see the log")
                now, engine = self._parts.clock.now(), self._parts.engine
                await asyncio.to_thread(settle, engine, wish_id, failed, now, kind.rows)
            if len(self._started) >= REMEMBERED_MAX:
                self._started.clear()
            self._started.add(wish_id)

    def _waiting(self) -> list[tuple[Kind, str]]:
        now, started = self._parts.clock.now(), self._started
        with reading(self._parts.engine) as db:
            return [
                (kind, wish_id)
                for kind in KINDS.values()
                for wish_id in to_start(db, now, started, STARTED_AT_ONCE_MAX, kind.waiting)
            ]
