"""My cart: the page, and its parts as the live stream sends them."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from cart.db import reading
from cart.orders.joining import Joining, told
from cart.orders.model import CheckoutState
from gateway.plans.queries import plan_for
from mobile_api.carts.basket import Basket, ShownLine, basket, nobodys
from mobile_api.checkouts.queries import open_of_cart
from mobile_api.demo.stage import leads_to_demo
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page, render
from mobile_api.look.words import Words, words
from mobile_api.orders.queries import open_orders
from mobile_api.wiring import Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
BINDING_ID_LENGTH_MAX = 64
# Two kilobytes each: lines that many carts have, or that change beside others.
LINES_KEPT: Final = 4_096


def cart_html(shown: Basket, spoken: Words) -> str:
    """Return the parts of the cart page that change: head, lines and foot."""
    lines = Markup("").join(_line_html(line, spoken.locale) for line in shown.lines)
    return render(spoken.locale, "_cart.html", {"basket": shown, "lines": lines})


@lru_cache(maxsize=LINES_KEPT)
def _line_html(line: ShownLine, locale: str) -> Markup:
    return Markup(render(locale, "_cart_line.html", {"one": line}))  # noqa: S704 - a template's own


@dataclass(frozen=True, slots=True)
class ShownJoining:
    """What signing in has brought, on the cart's page. ``names``: as far as still in the cart.

    ``along``: lists and orders that came with it.
    """

    id: str
    pieces: int
    names: tuple[str, ...]
    left_out: int
    along: int
    minutes: int


def _joined(joining: Joining, shown: Basket, spoken: Words, left: timedelta) -> ShownJoining:
    brought = dict(joining.lines)
    names = [
        " ".join(filter(None, (spoken.number(brought[line.gtin]), "×", line.name, line.variant)))  # noqa: RUF001
        for line in shown.lines
        if line.gtin in brought
    ]
    minutes = max(1, int(left.total_seconds()) // 60)
    pieces = sum(brought.values())
    return ShownJoining(joining.id, pieces, tuple(names), joining.left_out, joining.along, minutes)


@router.get("/")
def my_cart(
    request: Request,
    wired: Wired,
    visitor: CurrentVisitor,
    brought: int = 0,
    claim: str = "",
) -> Response:
    """Show the cart. ``brought`` and ``claim``: what a claim has just added, with its undo."""
    if leads_to_demo(request, wired.settings):
        return RedirectResponse("/demo", 303, {"Cache-Control": "no-store"})
    spoken = words(locale_of(request))
    joined: Joining | None = None
    visiting = ""
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        if shopper is None:
            shown, orders, checkout = nobodys(db, spoken), [], None
        else:
            prior_id = visitor.prior_session_id(db) if shopper.customer_id else None
            joined = told(db, prior_id, wired.clock.now()) if prior_id else None
            shown = basket(db, wired.lookup, spoken, shopper.cart_id)
            orders = open_orders(db, shopper.id)
            checkout = open_of_cart(db, shopper.cart_id)
            plan = plan_for(db, shopper.id)
            if plan is not None:
                facts = wired.shop.locations.facts(db, plan.location_id)
                visiting = spoken.of(facts.name_i18n, facts.name)
    customer = shopper is not None and shopper.customer_id is not None
    if customer:
        visitor.used(wired)
    context = {
        "basket": shown,
        "known": shopper is not None,
        "customer": customer,
        "brought": max(0, brought),
        "claim": claim[:BINDING_ID_LENGTH_MAX],
        "joined": joined and _joined(joined, shown, spoken, joined.until - wired.clock.now()),
        "orders": orders,
        "visiting": visiting,
        "paying": checkout is not None and checkout.state == CheckoutState.PAYING,
        "page_id": "cart",
    }
    return page(request, "cart.html", context)
