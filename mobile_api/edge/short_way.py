"""A route with a short way for ordinary requests.

FastAPI looks at every header, cookie and parameter anew for each dependency: half
of what a small request costs. Where that counts, an endpoint may say how an
ordinary request is read at once. It answers None to whatever is not ordinary, and
that request goes FastAPI's way: there is one place that says what is wrong with it.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

Short = Callable[[Request], Awaitable[Response | None]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_SHORT = "carryover_short_way"


def short_way(short: Short) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint of a :class:`ShortRoute`; its role must be one that asks nothing."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _SHORT, short)
        return endpoint

    return mark


def plain_json(request: Request) -> bool:
    """Say whether a request comes as our pages and apps send it: JSON, and no query."""
    return (
        not request.scope["query_string"]
        and request.headers.get("content-type") == "application/json"
    )


class ShortRoute(APIRoute):
    """Tries the short way of its endpoint, if it has one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        usual = super().get_route_handler()
        short: Short | None = getattr(self.endpoint, _SHORT, None)
        if short is None:
            return usual

        async def handle(request: Request) -> Response:
            answer = await short(request)
            return await usual(request) if answer is None else answer

        return handle
