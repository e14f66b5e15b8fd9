"""Finds payments that nobody told us of, and durable work that nobody has started.

Attempts past their time end here and their pages are closed; a provider is asked
for payments that have been silent; refunds that are due begin. Every round does a
bounded number of each.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from cart.db import reading, unit_of_work
from cart.kernel.errors import Refused, Unavailable
from cart.orders import paying, refunding
from cart.orders.model import AttemptState
from cart.orders.paying import HeldPayment
from mobile_api.payment import queries
from mobile_api.payment.settling import end, take_news
from mobile_api.payment.steps import Wish, wish
from mobile_api.wiring import Parts

logger = logging.getLogger(__name__)
T = TypeVar("T")
AT_ONCE_MAX: Final = 50  # of each kind in a round: a shop's busiest minute, and not a long lock
LOOKS_AT_ONCE_MAX: Final = 10  # calls to a provider in a round; its limits are per second
REMEMBERED_MAX: Final = 10_000
UNASKED: Final = timedelta(seconds=2)  # the request that reserved starts the workflow itself
SILENT: Final = timedelta(seconds=20)  # a webhook takes a second or two
LOOK_AGAIN_S: Final = 20.0  # a shopper takes minutes at the page; asking costs the provider little
WITHOUT_RESULT: Final = "the refund could not be carried out; see the log"


class PaymentSweep:
    """What one round does. ``Rounds`` calls it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started: set[str] = set()
        self._looked: dict[str, float] = {}

    async def look(self) -> None:
        """Do one round."""
        await asyncio.to_thread(self.expire)
        await self._start()
        await asyncio.to_thread(self.ask)

    def expire(self) -> None:
        """End attempts whose time has passed; what they held is everybody's again."""
        with reading(self._parts.engine) as db:
            late = paying.expired_attempts(db, self._parts.clock.now(), AT_ONCE_MAX)
        for attempt_id in late:
            self._alone(attempt_id, self._expire)

    def _expire(self, attempt_id: str) -> None:
        with unit_of_work(self._parts.engine) as db:
            end(self._parts, db, attempt_id, AttemptState.EXPIRED)
            self._parts.marked("expiring")
        self._parts.marked("expired")
        self._parts.awaited.tell(attempt_id)

    def ask(self) -> None:
        """Ask what became of payments that have been silent: their webhook may be lost."""
        with reading(self._parts.engine) as db:
            before = self._parts.clock.now() - SILENT
            silent = paying.stale_attempts(db, before, AT_ONCE_MAX)
        now = self._parts.clock.monotonic()
        self._looked = {
            one.attempt_id: self._looked[one.attempt_id]
            for one in silent
            if one.attempt_id in self._looked
        }
        due = [
            one
            for one in silent
            if now - self._looked.get(one.attempt_id, float("-inf")) >= LOOK_AGAIN_S
        ]
        due.sort(key=lambda one: self._looked.get(one.attempt_id, float("-inf")))
        for one in due[:LOOKS_AT_ONCE_MAX]:
            self._looked[one.attempt_id] = now
            self._alone(one, self._ask_of)

    def _ask_of(self, one: HeldPayment) -> None:
        try:
            news = self._parts.payments.named(one.provider).look(one.provider_ref)
        except (Refused, Unavailable) as error:
            logger.warning("payment %s cannot be looked at: %s", one.provider_ref, error)
            return
        if news.outcome != "pending":
            take_news(self._parts, one.provider, news)

    def _alone(self, one: T, act: Callable[[T], None]) -> None:
        """Do it for one; what goes wrong with it must not stop the others."""
        try:
            act(one)
        except Exception:  # it stays as it is and is found again
            logger.exception("sweeping %s", one)

    async def _start(self) -> None:
        from mobile_api.payment import workflow  # noqa: PLC0415 - DBOS is large

        unasked, cancelled, refunds = await asyncio.to_thread(self._waiting)
        for attempt_id in unasked:
            wanted = await asyncio.to_thread(self._wish, attempt_id)
            if wanted is not None and not await workflow.start_pay(attempt_id, wanted):
                logger.error("attempt %s: no page was made; see the log above", attempt_id)
        hour = self._hour()
        for attempt_id in cancelled:
            if not await workflow.start_cancel(attempt_id, hour):
                logger.error(
                    "attempt %s: its payment is still open; tried again in an hour", attempt_id
                )
        for refund_id, key in refunds:
            if not await workflow.start_refund(refund_id, key):
                await asyncio.to_thread(self._refund_failed, refund_id)
        if len(self._started) > REMEMBERED_MAX:
            self._started.clear()
        closing = (_closing(one, hour) for one in cancelled)
        self._started |= {*unasked, *closing, *(key for _, key in refunds)}

    def _hour(self) -> str:
        """Return the hour: a page that could not be closed is tried anew in the next."""
        return f"{self._parts.clock.now():%Y%m%d%H}"

    def _waiting(self) -> tuple[list[str], list[str], list[tuple[str, str]]]:
        """Return attempts without a page, pages to close and refunds that are not begun here."""
        most = AT_ONCE_MAX + len(self._started)  # those that were begun wait in here too
        with reading(self._parts.engine) as db:
            before = self._parts.clock.now() - UNASKED
            unasked = queries.unasked_attempts(db, before, most)
            open_yet = [one.attempt_id for one in paying.payments_to_cancel(db, most)]
            due = refunding.due_keys(db, most)
        hour = self._hour()
        return (
            [one for one in unasked if one not in self._started][:AT_ONCE_MAX],
            [one for one in open_yet if _closing(one, hour) not in self._started][:AT_ONCE_MAX],
            [one for one in due if one[1] not in self._started][:AT_ONCE_MAX],
        )

    def _wish(self, attempt_id: str) -> Wish | None:
        with reading(self._parts.engine) as db:
            return wish(self._parts, db, attempt_id)

    def _refund_failed(self, refund_id: str) -> None:
        with unit_of_work(self._parts.engine) as db:
            refunding.refund_failed(
                db, self._parts.clock, refund_id=refund_id, failure=WITHOUT_RESULT
            )


def _closing(attempt_id: str, hour: str) -> str:
    return f"cancel:{attempt_id}:{hour}"
