"""A wish for a list becomes exactly one mail, also when this process dies on the way.

The workflow's id is the wish's: a doorbell, a sweep and a restart all start the
same one. Its steps are recorded by DBOS; after a crash it goes on at the first
step that was not. One window remains: the mail server has said 250 and we die
before that is recorded. Then the mail goes out again under the same Message-ID,
which our own sink, and many servers, keep once.
"""

import asyncio

from cart.carts.tables import ListRequestRow
from cart.db import reading
from mobile_api.mail.compose import compose, letter_of
from mobile_api.mail.model import WAITS_S, Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.smtp import deliver
from mobile_api.products.pictures import Pictures
from mobile_api.wiring import Parts
from mobile_api.workflows import office


def try_once(parts: Parts, request_id: str) -> Attempt:
    """Compose with today's prices and hand over to the mail server."""
    with reading(parts.engine) as db:
        row = db.get(ListRequestRow, request_id)
        if row is None or row.state != "requested":
            return Attempt(Outcome.NOTHING)
        letter = letter_of(db, parts.lookup, parts.settings, row)
        message = compose(letter, row, parts.settings, Pictures(parts.settings.data_dir))
    parts.marked("composed")
    attempt = deliver(parts.smtp_url, message)
    parts.marked("delivered")
    return attempt


@office.step(name="try_once")
async def _try_once(request_id: str) -> dict[str, str]:
    attempt = await asyncio.to_thread(try_once, office.at_work(), request_id)
    return {"outcome": attempt.outcome.value, "reason": attempt.reason}


@office.step(name="settle")
async def _settle(request_id: str, outcome: str, reason: str) -> None:
    parts = office.at_work()
    attempt = Attempt(Outcome(outcome), reason)
    await asyncio.to_thread(settle, parts.engine, request_id, attempt, parts.clock.now())


@office.workflow(name="send_list")
async def send_list(request_id: str) -> str:
    """Try until the mail is taken, refused for good, or the waits are used up."""
    attempt = {"outcome": Outcome.LATER.value, "reason": ""}
    for wait_s in (*WAITS_S, 0):
        attempt = await _try_once(request_id)
        if attempt["outcome"] != Outcome.LATER or not wait_s:
            break
        await office.sleep(wait_s)
    if attempt["outcome"] != Outcome.NOTHING:
        office.at_work().marked("deciding")
        await _settle(request_id, attempt["outcome"], attempt["reason"])
    return attempt["outcome"]


async def ensure_started(request_id: str) -> bool:
    """Start the workflow of a wish, if it is not; say whether it can still end well."""
    return await office.ensure_started(send_list, request_id, request_id)
