"""An erasure as a durable workflow, under the request's id and time; after a crash it goes on."""

import asyncio
import logging
from datetime import datetime

from cart.db import reading
from mobile_api.rights import erasing
from mobile_api.wiring import Parts
from mobile_api.workflows import office

logger = logging.getLogger(__name__)


@office.patient_step("erasure_evidence")
async def _evidence(erasure_id: str) -> bool:
    return await asyncio.to_thread(erasing.write_evidence, office.at_work(), erasure_id)


@office.patient_step("erasure_beside")
async def _beside(erasure_id: str) -> dict[str, int]:
    return await asyncio.to_thread(erasing.erase_beside, office.at_work(), erasure_id)


@office.patient_step("erasure_names")
async def _names(erasure_id: str) -> list[str]:
    return await asyncio.to_thread(erasing.names_of_addresses, office.at_work(), erasure_id)


@office.patient_step("erasure_last_mails")
async def _last_mails(names: list[str]) -> None:
    await asyncio.to_thread(erasing.erase_last_mails, office.at_work(), names)


@office.patient_step("erasure_rows")
async def _rows(erasure_id: str, beside: dict[str, int]) -> None:
    await asyncio.to_thread(erasing.erase_rows, office.at_work(), erasure_id, beside)


@office.workflow(name="erase_customer")
async def erase_customer(erasure_id: str) -> None:
    """Erase whom the request is about: evidence first, what lies beside, her rows, late mails."""
    if await _evidence(erasure_id):
        beside, names = await _beside(erasure_id), await _names(erasure_id)
        await _rows(erasure_id, beside)
        await _last_mails(names)


class ErasureSweep:
    """Starts what was asked for, here or by a command line. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._failed: set[str] = set()

    async def look(self) -> None:
        """Do one round."""
        for erasure_id, asked_at in await asyncio.to_thread(self._waiting):
            # After a restore the same erasure is asked for anew; the workflow of then is over.
            name = f"{erasure_id}:{asked_at.isoformat()}"
            started = await office.ensure_started(erase_customer, name, erasure_id)
            if not started and name not in self._failed:
                self._failed.add(name)
                logger.error("erasure %s has failed; see the log above", erasure_id)

    def _waiting(self) -> list[tuple[str, datetime]]:
        with reading(self._parts.engine) as db:
            return list(erasing.waiting(db))
