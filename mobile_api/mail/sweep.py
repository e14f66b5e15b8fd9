"""Finds wishes that nobody has started yet.

A doorbell only makes it quick: whatever was missed is found by the next sweep.
"""

import asyncio
from typing import Final

from cart.db import reading, unit_of_work
from cart.profile.subscriptions import sending
from mobile_api.mail.kinds import KINDS, Kind
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.queries import settle, to_start
from mobile_api.wiring import Parts

STARTED_AT_ONCE_MAX: Final = 100
FANNED_OUT_AT_ONCE_MAX: Final = 4  # transactions; mails that are due do not wait for a long list
REMEMBERED_MAX: Final = 10_000


class MailSweep:
    """Starts what was asked for, here or elsewhere. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started: set[str] = set()

    async def look(self) -> None:
        """Do one round."""
        await asyncio.to_thread(self.fan_out)
        from mobile_api.mail.workflow import ensure_started  # noqa: PLC0415 - DBOS is large

        for kind, wish_id in await asyncio.to_thread(self.due):
            if not await ensure_started(kind.name, wish_id):
                failed = Attempt(Outcome.FAILED, "the mail could not be composed; see the log")
                now, engine = self._parts.clock.now(), self._parts.engine
                await asyncio.to_thread(settle, engine, wish_id, failed, now, kind.rows)
            if len(self._started) >= REMEMBERED_MAX:
                self._started.clear()
            self._started.add(wish_id)

    def fan_out(self) -> None:
        """Make letters of what marketers wrote, some more in each round."""
        parts = self._parts
        for _ in range(FANNED_OUT_AT_ONCE_MAX):
            with unit_of_work(parts.engine) as db:
                if sending.fan_out(db, parts.clock, parts.ids) < 0:
                    return

    def due(self) -> list[tuple[Kind, str]]:
        """Return what is to be started now; of letters, so many to a domain as may be."""
        parts, started = self._parts, self._started
        now = parts.clock.now()
        with reading(parts.engine) as db:
            found = {
                name: to_start(db, now, started, STARTED_AT_ONCE_MAX, kind.waiting)
                for name, kind in KINDS.items()
            }
        for name, ids in found.items():
            if KINDS[name].paced and ids:
                most = parts.settings.mail_per_domain_per_minute
                with unit_of_work(parts.engine) as db:
                    found[name] = sending.paced(db, parts.clock, parts.secret, ids, most)
        return [(KINDS[name], one) for name, ids in found.items() for one in ids]
