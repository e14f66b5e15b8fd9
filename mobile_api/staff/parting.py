"""Ends a session at the identity provider when somebody who came by it signs out here.

OpenID Connect RP-Initiated Logout 1.0. The provider's token waits in a cookie of hers: the
database has no use for it.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from cart.kernel.errors import ProviderUnavailable
from cart.picking.staff import SHIFT
from mobile_api.edge.keeping import NO_STORE
from mobile_api.look.templates import page
from mobile_api.wiring import Parts

# A browser keeps 4096 bytes of a cookie. A longer token is not kept: then the provider's session
# goes on, as if it had no place to end it.
TOKEN_LENGTH_MAX: Final = 3_800


def vouched_name(*, secure: bool) -> str:
    """Return the name of the cookie with the provider's token, until she signs out."""
    return "__Host-carryover-vouched" if secure else "carryover-vouched"


def parted(request: Request, wired: Parts) -> Response | None:
    """Return the page that leads her to the provider to end her session there; None: there is none.

    Led on by a page, as at coming in: a form's answer may lead nowhere else (form-action).
    """
    secure = wired.settings.secure
    token = request.cookies.get(vouched_name(secure=secure), "")[: TOKEN_LENGTH_MAX + 1]
    if wired.provider is None or not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    try:
        way = wired.provider.way_out(token, f"{wired.settings.base_url}/staff")
    except ProviderUnavailable:
        way = ""  # she is signed out here whatever the provider does
    if not way:
        return None
    context = {"to": way, "me": None, "place": "", "page_id": "came"}
    return page(request, "staff_parted.html", context, headers=NO_STORE)


def keep_token(response: Response, token: str, *, secure: bool) -> None:
    """Keep the provider's token in her browser until she signs out, for a shift at most."""
    if len(token) <= TOKEN_LENGTH_MAX:
        response.set_cookie(
            vouched_name(secure=secure),
            token,
            max_age=int(SHIFT.total_seconds()),
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )


def forget_token(response: Response, *, secure: bool) -> None:
    """Take the provider's token back."""
    name = vouched_name(secure=secure)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
