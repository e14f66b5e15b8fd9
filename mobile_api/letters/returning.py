"""Takes in what came back for letters and reminders: from a webhook, or a mailbox by command.

The raw message is the body. Who posts it signs it with MAIL_BOUNCE_SECRET: see docs/mail.md.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Engine

from cart.db import unit_of_work
from cart.journeys import bouncing as reminders
from cart.kernel.clock import Clock
from cart.kernel.errors import NotFound, PayloadTooLarge
from cart.kernel.ids import Ids
from cart.profile.consent import queries as ledger
from cart.profile.consent import service as consents
from cart.profile.subscriptions import bouncing, service
from mobile_api.edge.access import Role, allow
from mobile_api.edge.links import withdrawal_of_link
from mobile_api.mail.returned import RETURNED_BYTES_MAX, Returned, read
from mobile_api.payment.sandbox.signing import verify
from mobile_api.wiring import Wired

PATH = "/api/v1/mail/bounces"
HEADER = "carryover-signature"
router = APIRouter(tags=["mail"])


class BounceOut(BaseModel):
    """What became of it."""

    taken: Annotated[bool, Field(description="False: about no letter or reminder that we know.")]


@router.post(PATH, dependencies=[allow(Role.POSTMAN)])
async def came_back(request: Request, wired: Wired) -> BounceOut:
    """Take in a delivery status (RFC 3464), a complaint (RFC 5965) or a mail that unsubscribes.

    The body is the raw message. `Carryover-Signature` is `t=<unix seconds>,v1=<hex
    HMAC-SHA256 of "<t>." and the body>`, not older than five minutes; the same again
    changes nothing.
    """
    secret = wired.settings.mail_bounce_secret.encode()
    if not secret:
        msg = "nobody posts bounces here"
        raise NotFound(msg)
    raw = await request.body()
    if len(raw) > RETURNED_BYTES_MAX:
        msg = f"a message has {RETURNED_BYTES_MAX} bytes at most"
        raise PayloadTooLarge(msg, limit_bytes=RETURNED_BYTES_MAX)
    verify(secret, request.headers.get(HEADER, ""), raw, wired.clock.now())
    taken = await asyncio.to_thread(
        take_in, wired.engine, wired.clock, wired.ids, wired.secret, raw
    )
    return BounceOut(taken=taken)


def take_in(engine: Engine, clock: Clock, ids: Ids, secret: bytes, raw: bytes) -> bool:
    """Do what a message says; say whether it is about anything of ours.

    Raises:
        InvalidPayload: it says nothing of a letter.
        UnknownWithdrawal: it wants to unsubscribe, by a link that is not ours.
    """
    said = read(raw)
    if said.leave:
        return _leave(engine, clock, secret, said)
    with unit_of_work(engine) as db:
        if said.bounce is None:
            return False
        return any(
            came_back(
                *(db, clock, ids, secret), mark=said.mark, bounce=said.bounce, status=said.status
            )
            for came_back in (bouncing.came_back, reminders.came_back)
        )


def _leave(engine: Engine, clock: Clock, secret: bytes, said: Returned) -> bool:
    subject_id, purpose = withdrawal_of_link(secret, said.leave)
    with unit_of_work(engine) as db:
        consents.withdraw_by_link(db, clock, subject_id, purpose)
        customer_id = ledger.customer_of_subject(db, subject_id)
        if purpose is service.PURPOSE and customer_id:
            service.leave_all(db, clock, customer_id)
    return True
