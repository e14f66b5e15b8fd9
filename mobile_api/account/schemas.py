"""What a customer's own account is as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool

from mobile_api.carts.schemas import Taken


class PhoneOut(BaseModel):
    """A phone on which she is signed in; `name` is what to end it by."""

    name: str
    device: Annotated[str, Field(description="In words; empty if nobody knows what it is.")]
    seen_at: datetime
    since: datetime
    here: Annotated[bool, Field(description="The one that asks.")]


class PasskeyOut(BaseModel):
    """A passkey of hers."""

    id: str
    device: Annotated[str, Field(description="Where it was added, in words; may be empty.")]
    backed_up: Annotated[bool, Field(description="It is kept in an account of hers elsewhere.")]
    created_at: datetime
    used_at: datetime | None


class AccountOut(BaseModel):
    """Who somebody is to us."""

    addresses: list[str]
    phones: list[PhoneOut]
    passkeys: list[PasskeyOut]


class SignOut(Taken):
    """Which phones."""

    everywhere: StrictBool = False


class SignedOutOut(BaseModel):
    """The phone is signed out; its cookie is gone, or that of the cart it had before."""

    signed_out: Literal[True] = True


class UndoneOut(BaseModel):
    """What signing in brought is out of the cart again."""

    undone: Literal[True] = True


class RemovedOut(BaseModel):
    """There is none of this name any more."""

    removed: Literal[True] = True
