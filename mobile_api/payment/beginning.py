"""Tries to pay that come at once: promised in one transaction, asked for by one workflow.

Does what ``pay`` does alone; whatever is unusual is left to the way for one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi.responses import Response
from sqlmodel import Session

from cart.db import unit_of_work
from cart.idempotency import service as keys
from cart.idempotency.service import Answered
from cart.orders import trying
from cart.orders.attempts import attempt_id_of
from cart.orders.model import AttemptState, CheckoutState
from cart.orders.seen import Seen
from cart.orders.trying import Tried, Try
from gateway.fanout import OrderChanged
from mobile_api.checkouts.schemas import CheckoutOut, checkout_out
from mobile_api.checkouts.shown import shown
from mobile_api.edge.lane import Unusual
from mobile_api.edge.together import usual
from mobile_api.look.words import Words, words
from mobile_api.payment import schemas, steps
from mobile_api.payment.awaiting import Page
from mobile_api.payment.schemas import PaymentOut
from mobile_api.payment.steps import Wish
from mobile_api.wiring import Parts

OK = 200


@dataclass(frozen=True, slots=True)
class PayWish:
    """One request to pay. ``locale``: of its answer; ``alone``: does and answers it by itself."""

    key: str
    request_hash: str
    token: str | None
    checkout_id: str
    seen: Seen
    locale: str
    alone: Callable[[], Response]


@dataclass(slots=True)
class Asking:
    """What providers are to be asked for, by attempt; whoever waits first starts the workflow."""

    wishes: dict[str, Wish] = field(default_factory=dict)
    _started: "asyncio.Task[bool] | None" = None

    async def start(self) -> None:
        """Start the workflow, or wait until somebody else has started it."""
        from mobile_api.payment.workflow import start_pay_many  # noqa: PLC0415 - DBOS is large

        if self._started is None:
            self._started = asyncio.create_task(start_pay_many(self.wishes))
        await asyncio.shield(self._started)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A try that holds its pieces; its page is still to be made. ``checkout``: as it is so far."""

    attempt_id: str
    checkout_id: str
    reserved_until: datetime
    asking: Asking
    checkout: CheckoutOut

    def out(self, page: Page) -> PaymentOut:
        """Return how it stands once it has its page."""
        return PaymentOut(
            checkout_id=self.checkout_id,
            checkout_state=CheckoutState.PAYING,
            version=page.version,
            order_id=None,
            attempt_id=self.attempt_id,
            state=AttemptState.PENDING,
            redirect_url=page.redirect_url,
            reserved_until=self.reserved_until,
            checkout=self.checkout.model_copy(
                update={"version": page.version, "redirect_url": page.redirect_url}
            ),
        )


def begin_together(
    parts: Parts, wishes: Sequence[PayWish]
) -> list[Reserved | Response | Exception]:
    """Promise for all in one transaction; answer Unusual what is for the way for one.

    Raises:
        CarryoverError, SQLAlchemyError: nothing is promised; each is for the way for one.
    """
    asking = Asking()
    answers: list[Reserved | Response | Exception] = [Unusual("for the way for one")] * len(wishes)
    with unit_of_work(parts.engine) as db:
        sessions = usual(db, parts, wishes)
        tries = [
            Try(
                wishes[place].checkout_id,
                session.session_id,
                attempt_id_of(wishes[place].key),
                wishes[place].seen,
            )
            for place, session in sessions.items()
        ]
        begun = trying.begin_many(
            db, parts.clock, parts.ids, parts.shop, tries, estimate=parts.pressure.estimates(db)
        )
        answered = []
        made = {place: one for place, one in zip(sessions, begun, strict=True) if one is not None}
        for place, one in made.items():
            wish, session = wishes[place], sessions[place]
            body = schemas.Tried(attempt_id=one.attempt_id).model_dump_json()
            answered.append(Answered(wish.key, wish.request_hash, OK, body, session.session_id, ""))
            parts.tell(db, OrderChanged(one.wish.checkout_id, one.checkout_version))
        keys.keep(db, parts.clock, answered)
    parts.marked("reserved")
    for place, one in made.items():  # their words are found while nothing is locked any more
        answers[place] = _reserved(parts, db, one, asking, words(wishes[place].locale))
    return answers


def _reserved(parts: Parts, db: Session, one: Tried, asking: Asking, w: Words) -> Reserved:
    """Return a try that was made; its checkout is known already, and ``db`` is asked nothing."""
    worded = steps.in_words(parts, one.wish, one.place)
    asking.wishes[one.attempt_id] = worded
    seen = shown(
        db, w, one.view, now=parts.clock.now(), attempt=None, shipping_minor=0, whole=False
    )
    checkout = checkout_out(seen, w)
    return Reserved(one.attempt_id, one.wish.checkout_id, one.wish.expires_at, asking, checkout)
