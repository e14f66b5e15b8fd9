"""Payments as durable workflows: ``pay``, ``pay_many``, ``cancel_payment``, ``refund``.

None of them waits for the shopper: what she does at the provider's page comes by
webhook and is settled by one transaction (``settling.py``). Steps are those of
``steps.py``; DBOS records what each came to.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from cart.kernel.ids import secret_hash
from mobile_api.payment import steps
from mobile_api.payment.steps import Answer, Wish
from mobile_api.workflows import office

logger = logging.getLogger(__name__)
# The shopper waits meanwhile, and pieces are held: a provider that is away for longer is away.
CREATE_WAITS_S: Final = (0.5, 2.0)
# Nobody waits: as long as a provider may be away. About nine hours, as for mails.
WAITS_S: Final = (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 18_000)
# Pages that come within this are kept together: a shopper does not see it, and each keeping is a
# transaction, and another batch when the payments are settled.
TOGETHER_S: Final = 0.01
# Calls to a provider take a third of a second each: they must not take the threads of the rest.
CALLS_AT_ONCE_MAX: Final = 16
_CALLS: Final = ThreadPoolExecutor(CALLS_AT_ONCE_MAX, thread_name_prefix="provider")


class StillOpen(Exception):
    """A provider would not close a payment, or never answered."""


@office.patient_step("pay_page")
async def _page(attempt_id: str, wanted: Wish) -> Answer:
    return await asyncio.to_thread(steps.page, office.at_work(), attempt_id, wanted)


@office.patient_step("pay_pages")
async def _pages(asked: dict[str, Wish]) -> dict[str, Answer]:
    """Ask for all at once; each page is kept as it comes, with those that came meanwhile."""
    parts, loop = office.at_work(), asyncio.get_running_loop()
    asking = {
        loop.run_in_executor(_CALLS, steps.create, parts, attempt_id, wanted): attempt_id
        for attempt_id, wanted in asked.items()
    }
    answers: dict[str, Answer] = {}
    waiting: set[asyncio.Future[Answer]] = set(asking)
    while waiting:
        come, waiting = await asyncio.wait(waiting, timeout=TOGETHER_S)
        if not come:
            come, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        found = {asking[one]: one.result() for one in come}
        answers |= found
        made = [(id_, asked[id_], one) for id_, one in found.items() if one["outcome"] == "done"]
        if made:
            await asyncio.to_thread(steps.note, parts, made)
    return answers


@office.patient_step("pay_give_up")
async def _give_up(attempt_id: str, reason: str) -> None:
    await asyncio.to_thread(steps.give_up, office.at_work(), attempt_id, reason)


@office.patient_step("cancel")
async def _cancel(attempt_id: str) -> Answer:
    return await asyncio.to_thread(steps.cancel, office.at_work(), attempt_id)


@office.patient_step("refund")
async def _refund(refund_id: str) -> Answer:
    return await asyncio.to_thread(steps.refund, office.at_work(), refund_id)


@office.patient_step("refund_note")
async def _note_refund(refund_id: str, answer: Answer) -> None:
    await asyncio.to_thread(steps.note_refund, office.at_work(), refund_id, answer)


@office.workflow(name="pay")
async def pay(attempt_id: str, wanted: Wish) -> str:
    """Get the provider's page for what is reserved, or free it.

    ``wanted`` is recorded before the provider is called: whatever happens to the
    attempt meanwhile, the same call is made again after a crash, so that no payment
    is left at the provider of which we do not know.
    """
    answer = await _page(attempt_id, wanted)
    for wait_s in CREATE_WAITS_S:
        if answer["outcome"] != "later":
            break
        await office.sleep(wait_s)
        answer = await _page(attempt_id, wanted)
    if answer["outcome"] != "done":
        logger.warning("attempt %s: no payment page: %s", attempt_id, answer["reason"])
        await _give_up(attempt_id, answer["reason"])
    return answer["outcome"]


@office.workflow(name="pay_many")
async def pay_many(asked: dict[str, Wish]) -> None:
    """Get the pages of attempts that were reserved together: as :func:`pay`, recorded once.

    A provider that does not answer is asked again by a workflow for that attempt alone.
    """
    answers = await _pages(asked)
    for attempt_id, answer in sorted(answers.items()):
        if answer["outcome"] == "later":
            await start_pay(attempt_id, asked[attempt_id])
        elif answer["outcome"] != "done":
            logger.warning("attempt %s: no payment page: %s", attempt_id, answer["reason"])
            await _give_up(attempt_id, answer["reason"])


@office.workflow(name="cancel_payment")
async def cancel_payment(attempt_id: str) -> str:
    """Close the provider's page of an attempt that is over."""
    answer = await _cancel(attempt_id)
    for wait_s in WAITS_S:
        if answer["outcome"] != "later":
            break
        await office.sleep(wait_s)
        answer = await _cancel(attempt_id)
    if answer["outcome"] != "done":
        msg = f"the payment of attempt {attempt_id} is still open: {answer['reason']}"
        raise StillOpen(msg)
    return answer["outcome"]


@office.workflow(name="refund")
async def refund(refund_id: str) -> str:
    """Give back what is owed, once."""
    answer = await _refund(refund_id)
    for wait_s in WAITS_S:
        if answer["outcome"] != "later":
            break
        await office.sleep(wait_s)
        answer = await _refund(refund_id)
    await _note_refund(refund_id, answer)
    return answer["outcome"]


async def start_pay(attempt_id: str, wanted: Wish) -> bool:
    """Ask the provider for an attempt's page, once; say whether it can still end well."""
    return await office.ensure_started(pay, attempt_id, attempt_id, wanted)


async def start_pay_many(asked: dict[str, Wish]) -> bool:
    """Ask for the pages of attempts that were reserved together; one alone is one workflow."""
    if len(asked) == 1:
        [(attempt_id, wanted)] = asked.items()
        return await start_pay(attempt_id, wanted)
    names = " ".join(sorted(asked))
    return await office.ensure_started(pay_many, f"pay_many:{secret_hash(names)}", asked)


async def start_cancel(attempt_id: str, again: str) -> bool:
    """Close an attempt's page, once; where that has failed, once more under ``again``.

    Says whether it can still end well.
    """
    first = f"cancel:{attempt_id}"
    if await office.ensure_started(cancel_payment, first, attempt_id):
        return True
    return await office.ensure_started(cancel_payment, f"{first}:{again}", attempt_id)


async def start_refund(refund_id: str, key: str) -> bool:
    """Carry out a refund, once under each key; say whether it can still end well."""
    return await office.ensure_started(refund, key, refund_id)
