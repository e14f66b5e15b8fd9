"""Guards around every request, as plain ASGI so that streams pass untouched.

Browsers are told what our pages may load (nothing but our own). Refused are: a
changing request that a browser sent from another website, a body that says it
is larger than any of ours, and an address with a NUL, which PostgreSQL cannot
take as text.
"""

from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cart.kernel.errors import CarryoverError, InvalidInput, OriginRefused, PayloadTooLarge
from mobile_api.edge import problems

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " media-src 'self';"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self';"
    " base-uri 'none'"
)
COMMON: Final = {
    "x-content-type-options": "nosniff",
    # A claim link and a list link are keys: no other site may see where a reader came from. Not
    # "no-referrer": under that, browsers send our own forms with "Origin: null", a stranger's.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
}

# A year and the names below ours: ASVS 5.0, 3.4.1. Only over https, where browsers heed it.
HTTPS_ONLY: Final = "max-age=31536000; includeSubDomains"


class Guard:
    """Adds the headers; refuses foreign origins and bodies over ``limit_bytes``.

    ``larger``: path to the limit of those that take more; one that ends with a slash is of all
    below it.
    """

    def __init__(
        self, app: ASGIApp, *, base_url: str, demo: bool, limit_bytes: int, larger: dict[str, int]
    ) -> None:
        self._app = app
        self._limit = limit_bytes
        self._larger = larger
        self._below = tuple((path, most) for path, most in larger.items() if path.endswith("/"))
        self._origin = _origin(base_url)
        https = {"strict-transport-security": HTTPS_ONLY} if self._origin[0] == "https" else {}
        self._common = COMMON | https
        # In a demo the front page shows the phone page in a frame beside the tablet's.
        framing = "frame-ancestors 'self'" if demo else "frame-ancestors 'none'"
        self._policy = f"{POLICY}; {framing}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._common.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", self._policy)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, guarded)
            return
        request = Request(scope, receive)
        response = problems.answer(request, problems.of_error(request, refusal))
        await response(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> CarryoverError | None:
        """Return why this request goes no further, if so."""
        headers = Headers(scope=scope)
        if scope["method"] not in SAFE_METHODS and self._foreign(headers):
            return OriginRefused("a browser sent this from another website")
        if "\0" in unquote(scope["path"]) or b"%00" in scope["query_string"]:
            return InvalidInput("a NUL character is part of no name of ours")
        # A body without its length is cut off by the framework at the same limit.
        limit = self._larger.get(scope["path"], self._limit_below(scope["path"]))
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            msg = f"a request here may have {limit} bytes at most"
            return PayloadTooLarge(msg, limit_bytes=limit)
        return None

    def _limit_below(self, path: str) -> int:
        return next((most for above, most in self._below if path.startswith(above)), self._limit)

    def _foreign(self, headers: Headers) -> bool:
        """Say whether a browser sent this from elsewhere.

        Browsers put Origin on every changing request. What has none (curl, a
        device) carries no cookie that another site could misuse.
        """
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return True
        origin = headers.get("origin")
        if origin is None:
            return False
        return _origin(origin) not in {self._origin, ("http", headers.get("host", ""))} and (
            _origin(origin) != ("https", headers.get("host", ""))
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
