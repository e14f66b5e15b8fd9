"""A shopper's phone lets itself be rung, and no more."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.profile.push import service
from cart.profile.push.tables import AUTH_LENGTH_MAX, ENDPOINT_LENGTH_MAX, POINT_LENGTH_MAX
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.once import OnceOnly
from mobile_api.wiring import Wired

router = APIRouter(prefix="/api/v1/push", tags=["push"], dependencies=[allow(Role.SHOPPER)])
Endpoint = Annotated[
    str, Field(min_length=1, max_length=ENDPOINT_LENGTH_MAX, description="Of the push service.")
]


class Keys(BaseModel):
    """What a message is sealed with (RFC 8291)."""

    model_config = ConfigDict(extra="forbid")

    p256dh: Annotated[str, Field(max_length=POINT_LENGTH_MAX, description="Base64url, 65 bytes.")]
    auth: Annotated[str, Field(max_length=AUTH_LENGTH_MAX, description="Base64url, 16 bytes.")]


class Subscription(BaseModel):
    """A ``PushSubscription`` of the Push API, as JSON has it."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Endpoint
    keys: Keys
    reminders: Annotated[
        StrictBool | None,
        Field(description="Also for reminders; left out: as it was."),
    ] = None


class Unsubscription(BaseModel):
    """Which browser is rung no more."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Endpoint


class Rung(BaseModel):
    """Whether this browser is rung."""

    rung: bool
    reminders: bool = False


@router.post("", response_model=Rung)
def subscribe(wanted: Subscription, wired: Wired, once: OnceOnly) -> Response:
    """Ring this browser for this session from now on."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        wired.outgoing.check_form(wanted.endpoint)
        reminders = service.subscribe(
            db,
            wired.clock,
            session_id=shopper.id,
            endpoint=wanted.endpoint,
            point=wanted.keys.p256dh,
            auth=wanted.keys.auth,
            locale=locale_of(once.keyed.request),
            reminders=wanted.reminders,
        )
        return Rung(rung=True, reminders=reminders)

    return once.run(effect)


@router.post("/end", response_model=Rung, responses={401: {}})
def unsubscribe(wanted: Unsubscription, once: OnceOnly) -> Response:
    """Ring this browser no more; one that was not rung stays so."""

    def effect(db: Session, shopper: ShopperSessionRow) -> BaseModel:
        service.unsubscribe(db, session_id=shopper.id, endpoint=wanted.endpoint)
        return Rung(rung=False)

    return once.run(effect, needs_session=True)
