"""Who may call which route. Fail closed: an application with a route that does not say is not made.

A route says so with ``dependencies=[allow(Role.…)]``, on itself or on its
router. Knows roles, not sessions: reading the cookie is ``sessions.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import RouteContext, iter_route_contexts

from cart.kernel.errors import NotFound


class Role(StrEnum):
    """Who may call a route; the value is what the OpenAPI document shows."""

    ANYONE = "anyone"
    SHOPPER = "shopper session (cookie)"
    CUSTOMER = "customer who is signed in (cookie)"
    TOKEN = "one-time token"  # noqa: S105 - a name
    STAFF = "staff in any role (cookie)"
    FLOOR = "associate, lead or manager of the location (cookie)"
    PEOPLE = "manager of the location, or operator (cookie)"
    PROVIDER = "payment provider (signature)"
    POSTMAN = "mail service that posts what came back (signature)"
    MARKETING = "marketer, or operator (cookie)"
    REPORT = "marketer, manager of the location, or operator (cookie)"
    SANDBOX = "anyone, while the test bank takes the payments"
    DEMO = "anyone, while the embedded mail sink is on"
    OPERATOR = "operator (cookie)"
    BROKER = "message broker (bearer secret)"
    DEVICE = "device of a shop (its credential)"
    MONITOR = "anyone; meant for the operator's probes"


@dataclass(frozen=True, slots=True)
class Access:
    """The dependency that carries a route's role, and refuses what is for trying only elsewhere."""

    role: Role

    async def __call__(self, request: Request) -> None:
        """Refuse what this application does not offer; note the role for whoever knows the caller.

        Raises:
            NotFound: a route of the demo or the test bank, and there is none.
        """
        request.state.called_by = self.role  # the route's own word comes after its router's
        if self.role is Role.DEMO and not request.app.state.demo:
            msg = "there is no demo here"
            raise NotFound(msg)
        if self.role is Role.SANDBOX and not request.app.state.sandbox:
            msg = "there is no test bank here"
            raise NotFound(msg)


class RouteWithoutRole(RuntimeError):
    """A route does not say who may call it; the application is not made."""


def allow(role: Role) -> Any:  # noqa: ANN401 - FastAPI's marker has no public type
    """Return the dependency for ``dependencies=[…]`` of a route or router."""
    return Depends(Access(role))


# Made by FastAPI itself; the document is public, as the API is.
OWN_ROUTES = frozenset({"/openapi.json"})


def roles(app: FastAPI) -> Iterator[tuple[str, str, Role]]:
    """Yield (method, path, role) of every route.

    Raises:
        RouteWithoutRole: one does not say.
    """
    for route in iter_route_contexts(app.routes):
        path = route.path_format or route.path or ""
        if path in OWN_ROUTES:
            yield "GET", path, Role.ANYONE
            continue
        role = _role(route)
        for method in sorted(route.methods or ()):
            yield method, path, role


def _role(route: RouteContext) -> Role:
    named = [
        one.dependency.role
        for one in getattr(route, "dependencies", None) or ()
        if isinstance(one.dependency, Access)
    ]
    if not named:
        msg = f"{route.path} does not say who may call it: add allow(Role.…)"
        raise RouteWithoutRole(msg)
    return Role(named[-1])  # the route's own word comes after its router's


def describe(app: FastAPI, document: dict[str, Any]) -> dict[str, Any]:
    """Put the role of every operation into the OpenAPI document as ``x-called-by``."""
    for method, path, role in roles(app):
        operation = document.get("paths", {}).get(path, {}).get(method.lower())
        if operation is not None:
            operation["x-called-by"] = role.value
    return document
