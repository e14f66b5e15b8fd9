"""The checkout's pages: open it from the cart, choose, wait for the bank, go on to the ticket.

A page shows what the database says now and is kept by nobody: going back,
reloading and a second tab are all the true state.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cart.carts.queries import view as cart_view
from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.orders.model import CheckoutState
from mobile_api.checkouts import queries, service
from mobile_api.checkouts.shown import ShownCheckout
from mobile_api.edge.access import Role, allow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import TITLES
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page, render
from mobile_api.look.words import Words, words
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.SHOPPER)], include_in_schema=False)
FAULT_LENGTH_MAX: Final = 40
CheckoutId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


def checkout_html(found: ShownCheckout, spoken: Words) -> str:
    """Return the part of the checkout page that changes."""
    context = {"c": found, "returned": False, "fault": "", "key": ""}
    return render(spoken.locale, "_checkout.html", context)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303, NO_STORE)


@router.post("/checkout")
def begin(request: Request, wired: Wired, visitor: CurrentVisitor) -> Response:
    """Open the checkout of the cart and show it; pressed twice it is the same one."""
    with unit_of_work(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        if shopper is None or not cart_view(db, shopper.cart_id).lines:
            return _to("/")
        locale = locale_of(request)
        location_id = service.likely_location(db, words(locale), shopper.cart_id)
        return _to(f"/checkout/{service.begin(wired, db, shopper, locale, location_id)}")


@router.get("/checkout")
def find(wired: Wired, visitor: CurrentVisitor) -> Response:
    """Show the checkout that is open, else the cart: looking opens nothing."""
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        found = queries.open_of_cart(db, shopper.cart_id) if shopper else None
        return _to(f"/checkout/{found.id}" if found else "/")


@router.get("/checkout/{checkout_id}")
def show(
    request: Request,
    checkout_id: CheckoutId,
    wired: Wired,
    visitor: CurrentVisitor,
    fault: Annotated[str, Query(max_length=FAULT_LENGTH_MAX)] = "",
) -> Response:
    """Show a checkout, whatever state it is in; ``fault``: the code of what a form was refused."""
    said = words(locale_of(request)).gettext(TITLES[fault]) if fault in TITLES else ""
    return _page(request, wired, visitor, checkout_id, returned=False, fault=said)


@router.get("/checkout/{checkout_id}/back")
def back(
    request: Request, checkout_id: CheckoutId, wired: Wired, visitor: CurrentVisitor
) -> Response:
    """Show what became of the payment, to whoever comes back from the provider's page.

    What the provider's redirect says is not believed: only its signed message
    counts, and this page waits for that.
    """
    return _page(request, wired, visitor, checkout_id, returned=True)


def _page(
    request: Request,
    wired: Parts,
    visitor: CurrentVisitor,
    checkout_id: str,
    *,
    returned: bool,
    fault: str = "",
) -> Response:
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        queries.own(db, checkout_id, visitor.need(db, wired.clock).id)
        found = service.read(wired, db, spoken, checkout_id)
    view = found.view
    if view.state is CheckoutState.PAID and view.order_id:
        return _to(f"/orders/{view.order_id}")
    if returned and view.state is not CheckoutState.PAYING:
        return _to(f"/checkout/{checkout_id}")
    context = {
        "c": found,
        "returned": returned,
        "fault": fault,
        "key": wired.ids.token(),
        "page_id": "checkout",
        "here_path": f"/checkout/{checkout_id}",
    }
    return page(request, "checkout.html", context, headers=NO_STORE)
