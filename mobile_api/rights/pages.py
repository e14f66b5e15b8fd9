"""Her page of what is kept about her: take it along, or have it erased. Works without scripts."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from cart.carts import keys
from cart.db import reading
from cart.kernel.errors import CarryoverError, ErasureWaits, FreshSignInNeeded, SignInNeeded
from mobile_api.edge import sessions
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import N_, TITLES, status_of
from mobile_api.edge.sessions import CurrentVisitor, Visitor
from mobile_api.look.templates import page
from mobile_api.look.words import words
from mobile_api.rights.asking import erase, export_of
from mobile_api.wiring import Parts, Wired

router = APIRouter(
    prefix="/account/data", dependencies=[allow(Role.CUSTOMER)], include_in_schema=False
)
UNCONFIRMED = N_("Please tick the box first: this cannot be undone.")
WAITS = N_(
    "An order of yours is still to be collected or sent, or a payment is under way. Once that is"
    " done, you can delete your account here."
)


@router.get("")
def data_page(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Show what she can ask for; send whoever is not signed in to sign in."""
    visitor.used(wired)
    try:
        return _page(request, wired, visitor)
    except SignInNeeded:
        return RedirectResponse("/sign-in", 303, NO_STORE)


@router.post("/export")
def take_along(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Give her everything about her."""
    try:
        return export_of(wired, visitor, locale_of(request))
    except FreshSignInNeeded as refused:
        return _page(request, wired, visitor, refused=refused)


@router.post("/erase")
def have_erased(
    request: Request, wired: Wired, visitor: CurrentVisitor, *, sure: Annotated[str, Form()] = ""
) -> Response:
    """Have everything about her erased, once she has said that she is sure."""
    spoken = words(locale_of(request))
    if sure != "yes":
        return _page(request, wired, visitor, fault=spoken.gettext(UNCONFIRMED), status=422)
    try:
        erasure_id = erase(wired, visitor)
    except ErasureWaits as refused:
        fault = spoken.gettext(WAITS)
        return _page(request, wired, visitor, fault=fault, status=status_of(refused))
    except FreshSignInNeeded as refused:
        return _page(request, wired, visitor, refused=refused)
    context = {"erasure_id": erasure_id, "page_id": "erased"}
    response = page(request, "account_erased.html", context, headers=NO_STORE)
    sessions.drop_cookie(response, secure=wired.settings.secure)
    return response


def _page(
    request: Request,
    wired: Parts,
    visitor: Visitor,
    *,
    refused: CarryoverError | None = None,
    fault: str = "",
    status: int = 200,
) -> Response:
    with reading(wired.engine) as db:
        visitor.customer(db, wired.clock)
        fresh = keys.fresh(db, wired.clock, visitor.token or "")
    if refused is not None:
        fault, status = words(locale_of(request)).gettext(TITLES[refused.code]), status_of(refused)
    context = {"fresh": fresh, "fault": fault, "page_id": "account"}
    return page(request, "account_data.html", context, status=status, headers=NO_STORE)
