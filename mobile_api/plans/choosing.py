"""What a plan is made from, as it is shown: her lists, shops with how much they have, times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from cart.carts.queries import saved_list_lines, saved_lists
from cart.carts.queries import view as cart_view
from cart.carts.service import own_list
from cart.carts.tables import ShopperSessionRow
from cart.kernel.gtin import Gtin
from cart.ports import LocationFacts, Sellable
from gateway.plans import opening
from gateway.plans.service import Wanted
from inventory_api.stock.queries import availability
from mobile_api.lists.queries import open_list
from mobile_api.look.words import Words
from mobile_api.products.pages import CURRENCY
from mobile_api.products.queries import all_shops
from mobile_api.products.shops import Shop, nearest_first, opening_words
from mobile_api.wiring import Parts

CART: Final = ""  # the id of the list that is her cart
SHOPS_MAX: Final = 20  # the rest of a chain is too far away to be planned for
MISSING_TOLD_MAX: Final = 3  # by name; of more the number says enough


@dataclass(frozen=True, slots=True)
class ListChoice:
    """A list that a plan can be made from; ``id`` CART is the cart."""

    id: str
    name: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An article that a shop has not, and the nearest shop that has; "" for none."""

    name: str
    shop: str


@dataclass(frozen=True, slots=True)
class ShopChoice:
    """A shop: how many lines it has in full, of how many, and what is elsewhere."""

    shop: Shop
    had: int
    lines: int
    missing: tuple[Elsewhere, ...]
    opening: str
    open_now: bool


@dataclass(frozen=True, slots=True)
class DayChoice:
    """A day and its quarter hours: when each begins and what it is called."""

    name: str
    starts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """All that she chooses from. ``shop_id``: chosen, "" not yet; then ``days`` are of it."""

    lists: tuple[ListChoice, ...]
    list_id: str
    shops: tuple[ShopChoice, ...]
    shop_id: str
    place: str
    days: tuple[DayChoice, ...]
    called: str


def wanted(db: Session, shopper: ShopperSessionRow | None, list_id: str) -> list[Wanted]:
    """Return the lines of her cart or of a saved list of hers.

    Raises:
        UnknownList: none of hers.
    """
    if shopper is None:
        return []
    if list_id == CART:
        return [
            Wanted(line.gtin, line.sku, line.quantity)
            for line in cart_view(db, shopper.cart_id).lines
        ]
    own_list(db, list_id=list_id, session_id=shopper.id)
    open_list(db, list_id)
    return [Wanted(Gtin(row.gtin), row.sku, row.quantity) for row in saved_list_lines(db, list_id)]


def lists_of(db: Session, spoken: Words, shopper: ShopperSessionRow | None) -> list[ListChoice]:
    """Return what she can make a plan from: the cart if anything is in it, then lists."""
    if shopper is None:
        return []
    pieces = cart_view(db, shopper.cart_id).pieces
    found = [ListChoice(CART, spoken.gettext("My cart"), pieces)] if pieces else []
    for row, count in saved_lists(db, shopper.id):
        day = spoken.day(row.created_at.date())
        name = row.name or spoken.gettext("List of %(day)s") % {"day": day}
        found.append(ListChoice(row.id, name, int(count)))
    return found


def choice(
    wired: Parts,
    db: Session,
    spoken: Words,
    shopper: ShopperSessionRow | None,
    *,
    list_id: str | None,
    shop_id: str,
    called: str,
) -> Choice:
    """Return what she chooses from. ``list_id`` None: the first there is.

    Raises:
        UnknownList, UnknownLocation: what is chosen is not there.
    """
    lists = lists_of(db, spoken, shopper)
    chosen = list_id if list_id is not None else next((one.id for one in lists), CART)
    lines = wanted(db, shopper, chosen)
    every = all_shops(db, spoken)[:SHOPS_MAX]
    days: tuple[DayChoice, ...] = ()
    place = ""
    if shop_id:
        facts = wired.shop.locations.facts(db, shop_id)
        place = spoken.of(facts.name_i18n, facts.name)
        days = day_choices(spoken, facts, wired.clock.now())
    return Choice(
        tuple(lists), chosen, _shops(wired, db, spoken, every, lines), shop_id, place, days, called
    )


def names_of(
    wired: Parts, db: Session, spoken: Words, gtins: Sequence[Gtin]
) -> tuple[dict[Gtin, str], Mapping[Gtin, Sellable]]:
    """Return what articles are called in her language, and what is known of them."""
    known = wired.lookup(db, gtins, currency=CURRENCY)
    names = {
        gtin: spoken.of(known[gtin].name_i18n, known[gtin].name) if gtin in known else gtin.shortest
        for gtin in gtins
    }
    return names, known


def day_choices(spoken: Words, facts: LocationFacts, now: datetime) -> tuple[DayChoice, ...]:
    """Return the days of a shop on which a visit can begin, in her language."""
    found = []
    for day in opening.days(facts, now):
        name = day_name(spoken, facts, day.starts[0].starts_at)
        starts = tuple(
            (one.starts_at.isoformat(), spoken.clock_time(one.starts_at, facts.timezone))
            for one in day.starts
        )
        found.append(DayChoice(name, starts))
    return tuple(found)


def day_name(spoken: Words, facts: LocationFacts, moment: datetime) -> str:
    """Return weekday and date of a moment by the shop's clock."""
    local = opening.day_of(facts, moment)[0].date()
    return f"{spoken.weekday(moment, facts.timezone)}, {spoken.day(local)}"


def _shops(
    wired: Parts, db: Session, spoken: Words, shops: Sequence[Shop], lines: Sequence[Wanted]
) -> tuple[ShopChoice, ...]:
    left = pieces_left(wired, db, [line.sku for line in lines], [shop.id for shop in shops])
    names, _ = names_of(wired, db, spoken, [line.gtin for line in lines])
    now = wired.clock.now()
    found = []
    for shop in shops:
        lacks = [line for line in lines if left.get((shop.id, line.sku), 0) < line.quantity]
        near = nearest_first(shops, shop)
        text, is_open = opening_words(spoken, shop, now)
        missing = tuple(
            Elsewhere(names[line.gtin], where_else(near, shop.id, left, line.sku, line.quantity))
            for line in lacks[:MISSING_TOLD_MAX]
        )
        had = len(lines) - len(lacks)
        found.append(ShopChoice(shop, had, len(lines), missing, text, is_open))
    return tuple(sorted(found, key=lambda one: (-one.had, one.shop.name)))


def pieces_left(
    wired: Parts, db: Session, skus: Sequence[str], location_ids: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return pieces that can be promised, by location and SKU."""
    found = availability(db, skus, location_ids, as_of=wired.clock.now())
    return {(one.location_id, one.sku): one.available for one in found}


def where_else(
    near: Sequence[Shop],
    here_id: str,
    left: Mapping[tuple[str, str], int],
    sku: str,
    quantity: int,
) -> str:
    """Return the name of the nearest other shop that has so many, "" if none has."""
    return next(
        (
            shop.name
            for shop in near
            if shop.id != here_id and left.get((shop.id, sku), 0) >= quantity
        ),
        "",
    )
