"""A wish for a mail becomes exactly one mail, also when this process dies on the way.

The workflow's id is the wish's: a doorbell, a sweep and a restart all start the
same one. Its steps are recorded by DBOS; after a crash it goes on at the first
step that was not. One window remains: the mail server has said 250 and we die
before that is recorded. Then the mail goes out again under the same Message-ID,
which our own sink, and many servers, keep once. So it does if a server took all of a mail and
never answered. A marketer's letters and reminders are the other way round: see
``topic_letters`` and ``journeys.reminder``.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from cart.db import reading
from mobile_api.mail.kinds import KINDS
from mobile_api.mail.model import WAITS_S, Attempt, Outcome
from mobile_api.mail.queries import settle
from mobile_api.mail.smtp import Postage, deliver
from mobile_api.wiring import Parts
from mobile_api.workflows import office


def postage_of(parts: Parts) -> Postage:
    """Return how a mail leaves that is not a marketer's."""
    return Postage(parts.settings.mail_bounces_to, parts.sign_mail)


def try_once(parts: Parts, kind: str, wish_id: str) -> Attempt:
    """Compose as things are now and hand over to the mail server."""
    asked = KINDS[kind].may
    if asked is not None and not asked(parts, wish_id):
        return Attempt(Outcome.NOTHING)
    other_way = KINDS[kind].other_way
    if other_way is not None and (gone := other_way(parts, wish_id)) is not None:
        return gone
    with reading(parts.engine) as db:
        message = KINDS[kind].message(parts, db, wish_id)
    if message is None and asked is not None:  # what it said just now is over: settle it
        return Attempt(Outcome.FAILED, "nothing to send any more")
    if (own_way := KINDS[kind].hand_over) is not None:
        return own_way(parts, wish_id, message)
    if message is None:
        return Attempt(Outcome.NOTHING)
    parts.marked("composed")
    attempt = deliver(parts.smtp_url, message, postage_of(parts))
    parts.marked("delivered")
    unknown = attempt.outcome is Outcome.UNKNOWN
    return Attempt(Outcome.LATER, attempt.reason) if unknown else attempt


@office.step(name="try_once")
async def _try_once(kind: str, wish_id: str) -> dict[str, str]:
    attempt = await asyncio.to_thread(try_once, office.at_work(), kind, wish_id)
    return {"outcome": attempt.outcome.value, "reason": attempt.reason}


@office.step(name="settle")
async def _settle(kind: str, wish_id: str, outcome: str, reason: str) -> None:
    parts = office.at_work()
    attempt, now = Attempt(Outcome(outcome), reason), parts.clock.now()
    await asyncio.to_thread(settle, parts.engine, wish_id, attempt, now, KINDS[kind].rows)


async def _send(kind: str, wish_id: str) -> str:
    """Try until the mail is taken, refused for good, or the waits are used up."""
    attempt = {"outcome": Outcome.LATER.value, "reason": ""}
    for wait_s in (*WAITS_S, 0):
        attempt = await _try_once(kind, wish_id)
        if attempt["outcome"] != Outcome.LATER or not wait_s:
            break
        await office.sleep(wait_s)
    if attempt["outcome"] != Outcome.NOTHING:
        office.at_work().marked("deciding")
        await _settle(kind, wish_id, attempt["outcome"], attempt["reason"])
    return attempt["outcome"]


@office.workflow(name="send_list")
async def send_list(request_id: str) -> str:
    """Send a list that was asked for."""
    return await _send("list", request_id)


@office.workflow(name="send_order_letter")
async def send_order_letter(letter_id: str) -> str:
    """Send a letter about an order."""
    return await _send("order", letter_id)


@office.workflow(name="send_sign_in_code")
async def send_sign_in_code(code_id: str) -> str:
    """Send a code to sign in with; one that is too old is not sent any more."""
    return await _send("code", code_id)


@office.workflow(name="send_account_letter")
async def send_account_letter(letter_id: str) -> str:
    """Send a letter about an account."""
    return await _send("account", letter_id)


@office.workflow(name="send_topic_letter")
async def send_topic_letter(letter_id: str) -> str:
    """Send a letter about a topic, or the mail that asks whether an address is hers."""
    return await _send("letter", letter_id)


@office.workflow(name="send_journey_message")
async def send_journey_message(message_id: str) -> str:
    """Send a journey's message; every attempt asks its guards anew."""
    return await _send("journey", message_id)


_BY_KIND: Final[dict[str, Callable[[str], Coroutine[Any, Any, str]]]] = {
    "list": send_list,
    "order": send_order_letter,
    "code": send_sign_in_code,
    "account": send_account_letter,
    "letter": send_topic_letter,
    "journey": send_journey_message,
}


async def ensure_started(kind: str, wish_id: str) -> bool:
    """Start the workflow of a wish, if it is not; say whether it can still end well."""
    return await office.ensure_started(_BY_KIND[kind], wish_id, wish_id)
