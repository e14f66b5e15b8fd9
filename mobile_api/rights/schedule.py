"""Sweeps whose time is over, every hour, as a durable workflow: after a crash it goes on.

Named by its hour, so that of many processes one does it. An hour in which nobody ran is
made up for by the next: a sweep is about everything that is over by then.
"""

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from mobile_api.rights import retention
from mobile_api.wiring import Parts
from mobile_api.workflows import office

logger = logging.getLogger(__name__)


@office.patient_step("retention_rule")
async def _rule(name: str) -> int:
    parts = office.at_work()
    gone = await asyncio.to_thread(
        retention.sweep, parts.engine, parts.clock, parts.settings, retention.BY_NAME[name]
    )
    parts.marked(name)
    return gone


@office.patient_step("retention_workflows")
async def _workflows() -> int:
    return await asyncio.to_thread(office.forget_old, office.at_work().clock.now())


@office.workflow(name="retention")
async def retain() -> dict[str, int]:
    """Sweep each kind of data; one that fails does not keep the others."""
    gone: dict[str, int] = {}
    for rule in retention.RULES:
        try:
            gone[rule.name] = await _rule(rule.name)
        except SQLAlchemyError:
            logger.exception("%s are kept too long; the next sweep tries again", rule.name)
    gone["workflows"] = await _workflows()
    said = ", ".join(f"{name} {number}" for name, number in gone.items() if number)
    if said:
        logger.info("kept for as long as was said, and ended: %s", said)
    return gone


class RetentionSweep:
    """Starts the sweep of the hour. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started = ""

    async def look(self) -> None:
        """Do one round."""
        due = retention.hour_of(self._parts.clock.now())
        if due != self._started:
            await office.ensure_started(retain, due)
            self._started = due
