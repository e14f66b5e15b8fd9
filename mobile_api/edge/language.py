"""Which language this request is answered in: the chosen one, else the browser's."""

from fastapi import Request

from cart.kernel.i18n import choose

COOKIE = "language"
COOKIE_AGE_S = 365 * 24 * 3600  # a choice of language holds until another is made


def locale_of(request: Request) -> str:
    """Return ``en``, ``he`` or ``pl``."""
    return choose(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))
