"""The API of consent: what is asked for, what was decided, and deciding."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.db import reading
from cart.profile.consent import queries
from cart.profile.consent.model import Purpose
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import OnceOnly
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.words import words
from mobile_api.privacy.deciding import decide, purposes, subject_of
from mobile_api.privacy.schemas import ConsentsOut, Decide, HistoryOut, PastOut, PurposeOut
from mobile_api.wiring import Wired

router = APIRouter(
    prefix="/api/v1/consents",
    dependencies=[allow(Role.SHOPPER)],
    tags=["privacy"],
    responses={401: {}},
)
PurposeName = Annotated[Purpose, Path(description="What is decided on.")]


@router.get("")
def all_purposes(request: Request, wired: Wired, visitor: CurrentVisitor) -> ConsentsOut:
    """Return every purpose in words, and whether it is allowed now; nothing is until granted."""
    with reading(wired.engine) as db:
        subject = subject_of(visitor.find(db, wired.clock))
        found = purposes(db, subject, words(locale_of(request)), signal=visitor.signal)
    signed_in = subject is not None and bool(subject.customer_id)
    return ConsentsOut(signal=visitor.signal, signed_in=signed_in, purposes=found)


@router.get("/history")
def past(wired: Wired, visitor: CurrentVisitor) -> HistoryOut:
    """Return the decisions of whoever calls, with the words that they were made on."""
    with reading(wired.engine) as db:
        subject = subject_of(visitor.find(db, wired.clock))
        found = queries.history(db, subject) if subject else []
    return HistoryOut(
        decisions=[
            PastOut(
                purpose=one.decision.purpose,
                granted=one.decision.granted,
                decided_at=one.decision.at,
                source=one.decision.source,
                brought=one.decision.brought,
                location_id=one.location_id,
                version=one.decision.version,
                locale=one.locale,
                text=one.text,
            )
            for one in found
        ]
    )


@router.post("/{purpose}/decisions", response_model=PurposeOut)
def decide_on(
    request: Request, purpose: PurposeName, wanted: Decide, wired: Wired, once: OnceOnly
) -> Response:
    """Grant or withdraw; a grant on what has changed since it was shown is refused (409)."""
    spoken, signal = words(locale_of(request)), once.visitor.signal

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        return decide(wired, db, shopper, purpose, wanted, spoken=spoken, signal=signal)

    return once.run(effect)
