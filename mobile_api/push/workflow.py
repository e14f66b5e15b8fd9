"""A ring that was asked for becomes one ring, also when this process dies on the way.

As with mails: the workflow's id is the ring's. One window remains, in which a phone rings a second
time with the same tag: it shows one notification.
"""

import asyncio
from typing import Final

from cart.db import unit_of_work
from cart.profile.push import service
from mobile_api.push.ringing import try_once
from mobile_api.workflows import office

WAITS_S: Final = (2, 10, 30, 60)  # a turn is over after five minutes; then nobody wants to know


@office.step(name="ring_once")
async def _ring_once(ring_id: str) -> dict[str, str]:
    tried = await asyncio.to_thread(try_once, office.at_work(), ring_id)
    return {"outcome": tried.outcome, "reason": tried.reason, "phone_id": tried.phone_id}


@office.patient_step("ring_settle")
async def _settle(ring_id: str, outcome: str, reason: str, phone_id: str) -> None:
    def settle() -> None:
        parts = office.at_work()
        with unit_of_work(parts.engine) as db:
            if outcome == "gone":
                service.gone(db, phone_id)
            else:
                failure = "" if outcome == "sent" else reason or "not taken"
                service.settle(db, parts.clock, ring_id, failure)

    await asyncio.to_thread(settle)


@office.workflow(name="ring_phone")
async def ring_phone(ring_id: str) -> str:
    """Try until it is taken, refused for good, or too late."""
    tried = {"outcome": "later", "reason": "", "phone_id": ""}
    for wait_s in (*WAITS_S, 0):
        tried = await _ring_once(ring_id)
        if tried["outcome"] != "later" or not wait_s:
            break
        await office.sleep(wait_s)
    if tried["outcome"] != "nothing":
        await _settle(ring_id, tried["outcome"], tried["reason"], tried["phone_id"])
    return tried["outcome"]


async def ensure_started(ring_id: str) -> bool:
    """Start the workflow of a ring, if it is not; say whether it can still end well."""
    return await office.ensure_started(ring_phone, ring_id, ring_id)
