"""Keeps other pages and other machines away from the kiosk on loopback.

Any page that the browser shows can send requests to loopback, and a name that
an attacker points there (DNS rebinding) makes him the same origin. So: only our
own host names, and for what changes something only our own pages.
"""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # Nothing of one person may come back from a cache, nor by the browser's Back.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """ASGI middleware: checks Host and Origin, adds the headers.

    ``framed_by`` is the origin of the one page that may show this one in a frame.
    """

    def __init__(self, app: ASGIApp, *, framed_by: str = "") -> None:
        self._app = app
        self._framed = bool(framed_by)
        self._headers = HEADERS | {"Content-Security-Policy": policy(framed_by)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request of ours through; answer any other with 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if not allowed(scope["method"], Headers(scope=scope), framed=self._framed):
            refusal = PlainTextResponse("This screen answers to its own page only.\n", 403)
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def policy(framed_by: str) -> str:
    """Return the page's policy: nobody frames it, or ``framed_by`` alone."""
    return (
        POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {framed_by}")
        if framed_by
        else POLICY
    )


def allowed(method: str, headers: Headers, *, framed: bool = False) -> bool:
    """Say whether a request comes from our own page (or, to look only, from our own machine).

    ``framed``: the page itself may be opened in a frame; who frames it, the policy says.
    """
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
        return False
    if method in SAFE_METHODS:
        opening = framed and headers.get("sec-fetch-dest") == "iframe"
        return opening or headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return headers.get("origin") == f"http://{host}"
