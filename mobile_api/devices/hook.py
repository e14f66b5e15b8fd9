"""Answers another broker (EMQX and those that ask as it does) who may come in and do what.

The same rules as the embedded broker's. Whatever is wrong, the answer is no: a broker that
gets none has to be told to take that for no as well (docs/deploy.md).
"""

import hmac
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from cart.db import reading
from cart.kernel.errors import NotFound
from gateway.broker.access import SERVER_USER, RegistryAccess
from gateway.registry.queries import devices_by_id
from gateway.wire import topics
from mobile_api.carts.schemas import Taken
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Wired

TEXT_MAX = 65_535  # MQTT's own limit of a name, a password and a topic
Text = Annotated[str, Field(max_length=TEXT_MAX)]


def asked_by_a_broker(request: Request, wired: Wired) -> None:
    """Refuse whoever does not know the secret.

    Raises:
        NotFound: the same as without a hook, so that nobody learns whether there is one.
    """
    secret = wired.settings.broker_hook_secret
    said = request.headers.get("authorization", "")
    if not secret or not hmac.compare_digest(said.encode(), f"Bearer {secret}".encode()):
        msg = "there is nothing here"
        raise NotFound(msg)


router = APIRouter(
    prefix="/api/v1/broker",
    dependencies=[allow(Role.BROKER), Depends(asked_by_a_broker)],
    tags=["devices"],
)


class Verdict(StrEnum):
    """What the broker does; ``ignore``: it asks its next source, and without one says no."""

    ALLOW = "allow"
    DENY = "deny"
    IGNORE = "ignore"


class Action(StrEnum):
    """What a client wants to do with a topic, or a filter of topics."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"


class Login(Taken):
    """Who wants to come in."""

    username: Text
    password: Annotated[Text, Field(repr=False)]
    clientid: Text


class Wish(Taken):
    """What somebody who is in wants to do."""

    username: Text
    action: Action
    topic: Text


class Answer(BaseModel):
    """Yes, no, or not ours to say."""

    result: Verdict
    is_superuser: bool = False


@router.post("/authenticate")
def authenticate(asked: Login, wired: Wired) -> Answer:
    """Let a device in by its credential, under its own client id.

    Under another's it would end that session. Server processes are not in the registry.
    """
    if asked.username == SERVER_USER:
        return Answer(result=Verdict.IGNORE)
    if asked.clientid != asked.username:
        return Answer(result=Verdict.DENY)
    access = RegistryAccess(wired.engine, wired.ids.token(), wired.clock)
    known = access.admit(asked.username, asked.password) is not None
    return Answer(result=Verdict.ALLOW if known else Verdict.DENY)


@router.post("/authorise")
def authorise(asked: Wish, wired: Wired) -> Answer:
    """Say whether a device may publish there, or hear what this filter lets through."""
    if asked.username == SERVER_USER:
        return Answer(result=Verdict.IGNORE)
    with reading(wired.engine) as db:
        device = devices_by_id(db, [asked.username]).get(asked.username)
    if device is None or device.revoked:
        return Answer(result=Verdict.DENY)
    rule = topics.may_publish if asked.action is Action.PUBLISH else topics.may_subscribe
    may = rule(device.address, asked.topic)
    return Answer(result=Verdict.ALLOW if may else Verdict.DENY)
