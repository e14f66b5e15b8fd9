"""The product page, where it is in stock, and the way there from a GS1 Digital Link."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from cart.carts.queries import view as cart_view
from cart.carts.tables import ShopperSessionRow
from cart.db import reading
from cart.kernel.errors import UnknownProduct
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from gateway.binding.queries import of_session
from gateway.floor.serving import locations_that_serve
from inventory_api.catalogue import queries as catalogue
from inventory_api.catalogue.model import ProductView, VariantView
from inventory_api.stock.queries import availability
from mobile_api.edge.access import Role, allow
from mobile_api.edge.language import locale_of
from mobile_api.edge.sessions import CurrentVisitor
from mobile_api.look.templates import page
from mobile_api.look.words import Words, words
from mobile_api.products import view
from mobile_api.products.queries import all_shops
from mobile_api.products.shops import (
    Shop,
    metres_between,
    nearest_first,
    opening_words,
    pieces_words,
)
from mobile_api.wiring import Parts, Wired

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
CURRENCY = "EUR"  # until the phone has a cart, which knows its own
PAGE_SHOPS_MAX = 50
Sku = Annotated[str, Query(max_length=64)]


def here_of(db: Session, shopper: ShopperSessionRow | None) -> tuple[str | None, str]:
    """Return the shop the shopper stands in, as far as known, and her currency."""
    if shopper is None:
        return None, CURRENCY
    held = of_session(db, shopper.id)
    cart = cart_view(db, shopper.cart_id)
    newest = max(cart.lines, key=lambda line: line.added_at_us, default=None)
    here = held[0].location_id if held else newest.location_id if newest else None
    return here, cart.currency


@router.get("/01/{gtin}")
def digital_link(gtin: Annotated[str, Path(max_length=14)], wired: Wired) -> RedirectResponse:
    """Lead a GS1 Digital Link (the QR code on a shelf label) to its product page."""
    with reading(wired.engine) as db:
        item = catalogue.item(db, Gtin(gtin))
    target = f"/p/{quote(item.product.product_id)}?sku={quote(item.sku)}"
    return RedirectResponse(target, 307)


@router.get("/p/{product_id}")
def product_page(
    request: Request,
    product_id: Annotated[str, Path(max_length=64)],
    wired: Wired,
    visitor: CurrentVisitor,
    sku: Sku = "",
) -> HTMLResponse:
    """Show a product in one of its forms."""
    spoken = words(locale_of(request))
    with reading(wired.engine) as db:
        product = catalogue.product(db, product_id)
        here_id, currency = here_of(db, visitor.find(db, wired.clock))
        context = _product(wired, db, spoken, (product, sku), (here_id, currency))
    return page(request, "product.html", context)


def _product(
    wired: Parts,
    db: Session,
    spoken: Words,
    wanted: tuple[ProductView, str],
    shopper: tuple[str | None, str],
) -> dict[str, object]:
    product, sku = wanted
    variant = view.choose(product, sku)
    if variant is None:
        msg = f"{product.product_id} has no variants"
        raise UnknownProduct(msg)
    every = all_shops(db, spoken)
    here = next((shop for shop in every if shop.id == shopper[0]), None)
    shops = nearest_first(every, here)[:PAGE_SHOPS_MAX]
    pieces: dict[str, int] = {}
    there: dict[str, int] = {}
    skus = [one.sku for one in product.variants]
    for one in availability(db, skus, [shop.id for shop in shops]):
        pieces[one.sku] = pieces.get(one.sku, 0) + one.available
        if one.sku == variant.sku:
            there[one.location_id] = one.available
    price = view.price_of(variant, shopper[1])
    return {
        "product": product,
        "variant": variant,
        "price": price,
        "name": spoken.of(product.name_i18n, product.name),
        "description": spoken.of(product.description_i18n, product.description),
        "colours": view.colours(product, variant, pieces, spoken),
        "sizes": view.sizes(product, variant, pieces),
        "measures": view.measures(variant.dimensions, spoken),
        "stars": view.stars,
        "shops": shop_stocks(wired, spoken, shops, here, there),
        "json_ld": _described(wired, spoken, (product, variant), price, pieces),
        "page_id": "product",
    }


def _described(
    wired: Parts,
    spoken: Words,
    chosen: tuple[ProductView, VariantView],
    price: Money | None,
    pieces: dict[str, int],
) -> dict[str, object]:
    product, variant = chosen
    base = wired.settings.base_url
    offer = view.Offer(
        url=Gtin(variant.gtin).link(base),
        pictures=[f"{base}/pictures/{one.name}" for one in variant.pictures],
        in_stock=bool(pieces.get(variant.sku)),
    )
    return view.json_ld(product, variant, spoken, price, offer)


def shop_stocks(
    wired: Parts, spoken: Words, shops: list[Shop], here: Shop | None, there: dict[str, int]
) -> list[view.ShopStock]:
    """Return each shop with its pieces, its hours and its distance from where the shopper is."""
    found = []
    for shop in shops:
        text, is_open = opening_words(spoken, shop, wired.clock.now())
        metres = metres_between(here, shop) if here and here.id != shop.id else None
        found.append(
            view.ShopStock(
                shop=shop,
                stock=pieces_words(spoken, there.get(shop.id, 0)),
                opening=text,
                open_now=is_open,
                here=here is not None and here.id == shop.id,
                distance=spoken.distance(metres) if metres else "",
            )
        )
    return found


@router.get("/shops")
def shops_page(
    request: Request, wired: Wired, visitor: CurrentVisitor, sku: Sku = ""
) -> HTMLResponse:
    """Show all shops: their hours and, for one article or the whole cart, what they have."""
    spoken = words(locale_of(request))
    context: dict[str, object] = {"item": None, "in_cart": 0, "page_id": "shops"}
    with reading(wired.engine) as db:
        shopper = visitor.find(db, wired.clock)
        here_id, _ = here_of(db, shopper)
        every = all_shops(db, spoken)
        here = next((shop for shop in every if shop.id == here_id), None)
        shops = nearest_first(every, here)
        there: dict[str, int] = {}
        ids = [shop.id for shop in shops]
        if sku:
            item = catalogue.item(db, sku)
            there = {one.location_id: one.available for one in availability(db, [item.sku], ids)}
            variant = item.product.variant(item.sku)
            context |= {
                "item": item,
                "variant": variant,
                "name": spoken.of(item.product.name_i18n, item.product.name),
            }
        elif shopper is not None:
            lines = cart_view(db, shopper.cart_id).lines
            context["in_cart"] = len(lines)
            for one in availability(db, [line.sku for line in lines], ids):
                there[one.location_id] = there.get(one.location_id, 0) + bool(one.available)
        context["had"] = there
        context["queued"] = locations_that_serve(db)
    context["shops"] = shop_stocks(wired, spoken, shops, here, there)
    return page(request, "shops.html", context)
