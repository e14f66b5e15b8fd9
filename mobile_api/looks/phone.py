"""The cookie with which a phone opens looks. What it holds is kept nowhere else.

Beside the session's cookie: that one changes at every sign-in and may be derived anew; this one
is random, stays on the phone, and opens nothing without the session of whoever is at it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.responses import Response

from cart.kernel.ids import TOKEN_CHARACTERS, Ids
from cart.looks.model import PhoneKey
from mobile_api.edge.sessions import TOKEN_LENGTH_MAX
from mobile_api.sign_in.device import device_words
from mobile_api.wiring import Wired

LIFETIME: Final = timedelta(days=365)  # looks are kept for as long at most


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; over https the browser itself then guards where it came from."""
    return "__Host-carryover-looks" if secure else "carryover-looks"


@dataclass(frozen=True, slots=True)
class Phone:
    """The phone that calls. ``fresh``: it has just got its key, which the answer has to bring."""

    key: PhoneKey
    fresh: bool = False

    def give(self, response: Response, *, secure: bool) -> None:
        """Give the phone its key: not readable by scripts, not sent along from other sites."""
        response.set_cookie(
            cookie_name(secure=secure),
            self.key.secret,
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )


def phone_key(request: Request, wired: Wired) -> PhoneKey | None:
    """Return the key of the phone that calls, None if it has none."""
    found = request.cookies.get(cookie_name(secure=wired.settings.secure), "")
    if not TOKEN_CHARACTERS <= len(found) <= TOKEN_LENGTH_MAX:
        return None  # too short to be one of ours: nothing is sealed to what can be guessed
    return PhoneKey(found, device_words(request.headers.get("user-agent", "")))


CurrentPhone = Annotated[PhoneKey | None, Depends(phone_key)]


def with_key(request: Request, ids: Ids, known: PhoneKey | None) -> Phone:
    """Return the phone with the key that it has, or with a fresh one."""
    if known is not None:
        return Phone(known)
    device = device_words(request.headers.get("user-agent", ""))
    return Phone(PhoneKey(ids.token(), device), fresh=True)
