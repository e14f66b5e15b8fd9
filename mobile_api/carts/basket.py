"""A cart as a person sees it: names, pictures, prices and what is left, in her language.

Joins the cart (``cart.carts``) with catalogue and stock (``inventory_api``) in
four statements. The page, the API, the live stream and the mail all show this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.carts import queries
from cart.carts.queries import CartView
from cart.kernel.errors import UnknownCart
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from cart.ports import CatalogueLookup, Sellable
from inventory_api.stock.queries import availability, positions
from mobile_api.look.words import Words
from mobile_api.products.queries import all_shops
from mobile_api.products.shops import Shop, StockWords, nearest_first, stock_words

# Of a chain of hundreds, the nearest tell where to go; the rest is on the page of shops.
SHOPS_SHOWN_MAX = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of a cart or a saved list, whichever is shown."""

    gtin: Gtin
    sku: str
    quantity: int
    price_minor: int | None
    currency: str
    location_id: str | None = None


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with what the catalogue and the shelves say of it."""

    gtin: Gtin
    sku: str
    product_id: str
    name: str
    variant: str
    quantity: int
    each: Money | None
    price: Money | None
    picture: str | None
    alt: str
    stock: StockWords
    available: dict[str, int]


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in their order; ``totals`` one per currency; ``here``: the shop it was made in."""

    cart_id: str
    version: int
    lines: tuple[ShownLine, ...]
    here: Shop | None
    shops: tuple[Shop, ...]

    @property
    def pieces(self) -> int:
        """How many pieces."""
        return sum(line.quantity for line in self.lines)

    @property
    def totals(self) -> list[Money]:
        """The sum per currency, in the order in which currencies appear."""
        return totals(self.lines)


def totals(lines: Sequence[ShownLine]) -> list[Money]:
    """Return the sum per currency; lines without a price count for nothing."""
    sums: dict[str, Money] = {}
    for line in lines:
        if line.price is not None:
            currency = line.price.currency
            sums[currency] = sums.get(currency, Money(0, currency)) + line.price
    return list(sums.values())


def basket(db: Session, lookup: CatalogueLookup, words: Words, cart_id: str) -> Basket:
    """Return the cart as a person sees it.

    Raises:
        UnknownCart: no such cart.
    """
    found = baskets(db, lookup, {cart_id: words})
    if cart_id not in found:
        msg = f"there is no cart {cart_id}"
        raise UnknownCart(msg, cart_id=cart_id)
    return found[cart_id]


def baskets(db: Session, lookup: CatalogueLookup, asked: Mapping[str, Words]) -> dict[str, Basket]:
    """Return many carts as their persons see them: ``asked`` is the words by cart id.

    As :func:`basket`, in four statements whatever the number of carts.
    """
    carts = queries.views(db, asked)
    places = {spoken.locale: all_shops(db, spoken) for spoken in asked.values()}
    wanted = {cart.id: _wanted(cart) for cart in carts.values()}
    known = _sellables(db, lookup, [want for wants in wanted.values() for want in wants])
    near: dict[str, tuple[Shop | None, list[Shop]]] = {}
    for cart in carts.values():
        here = _here(cart, places[asked[cart.id].locale])
        near[cart.id] = (here, nearest_first(places[asked[cart.id].locale], here)[:SHOPS_SHOWN_MAX])
    left = _left(
        db,
        {
            (shop.id, want.sku)
            for cart_id, wants in wanted.items()
            for want in wants
            for shop in near[cart_id][1]
        },
    )
    shown = {}
    for cart in carts.values():
        here, shops = near[cart.id]
        lines = tuple(
            _line(asked[cart.id], want, known.get(want.gtin),
                  (shops, here, _of(left, want.sku, shops)))
            for want in wanted[cart.id]
        )  # fmt: skip
        shown[cart.id] = Basket(cart.id, cart.version, lines, here, tuple(shops))
    return shown


def _of(left: Mapping[tuple[str, str], int], sku: str, shops: Sequence[Shop]) -> dict[str, int]:
    return {shop.id: left.get((shop.id, sku), 0) for shop in shops}


def _left(db: Session, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {pair: found.available for pair, found in positions(db, pairs).items()}


def _here(cart: CartView, places: Sequence[Shop]) -> Shop | None:
    newest = max(cart.lines, key=lambda line: line.added_at_us, default=None)
    here_id = newest.location_id if newest else None
    return next((shop for shop in places if shop.id == here_id), None)


def _wanted(cart: CartView) -> list[Wanted]:
    return [
        Wanted(
            line.gtin, line.sku, line.quantity, line.price_minor, line.currency, line.location_id
        )
        for line in cart.lines
    ]


def nobodys(db: Session, words: Words) -> Basket:
    """Return the empty basket of a phone without a session."""
    shops = all_shops(db, words)
    return Basket("", 0, (), None, tuple(shops[:SHOPS_SHOWN_MAX]))


def shown(
    db: Session,
    lookup: CatalogueLookup,
    words: Words,
    wanted: Sequence[Wanted],
    *,
    here_id: str | None,
) -> tuple[tuple[ShownLine, ...], Shop | None, tuple[Shop, ...]]:
    """Return the lines, the shop ``here_id`` if it is one of ours, and the shops near it."""
    every = all_shops(db, words)
    here = next((shop for shop in every if shop.id == here_id), None)
    shops = nearest_first(every, here)[:SHOPS_SHOWN_MAX]
    known = _sellables(db, lookup, wanted)
    left: dict[str, dict[str, int]] = {}
    for one in availability(db, [want.sku for want in wanted], [shop.id for shop in shops]):
        left.setdefault(one.sku, {})[one.location_id] = one.available
    lines = tuple(
        _line(words, want, known.get(want.gtin), (shops, here, left.get(want.sku, {})))
        for want in wanted
    )
    return lines, here, tuple(shops)


def _sellables(
    db: Session, lookup: CatalogueLookup, wanted: Sequence[Wanted]
) -> dict[Gtin, Sellable]:
    known: dict[Gtin, Sellable] = {}
    for currency in dict.fromkeys(want.currency for want in wanted):
        gtins = [want.gtin for want in wanted if want.currency == currency]
        known |= lookup(db, gtins, currency=currency)
    return known


def _line(
    words: Words,
    want: Wanted,
    known: Sellable | None,
    shelf: tuple[Sequence[Shop], Shop | None, dict[str, int]],
) -> ShownLine:
    """Join one line; an article that left the catalogue keeps its code and its price."""
    # Today's price where there is one: the price shown when it was scanned may be old.
    minor = known.price_minor if known and known.price_minor is not None else want.price_minor
    each = None if minor is None else Money(minor, want.currency)
    colour = words.of(known.colour_i18n, known.colour) if known else ""
    size = known.size if known else ""
    return ShownLine(
        gtin=want.gtin,
        sku=want.sku,
        product_id=known.product_id if known else "",
        name=words.of(known.name_i18n, known.name) if known else want.gtin.shortest,
        variant=" · ".join(part for part in (colour, size) if part),
        quantity=want.quantity,
        each=each,
        price=None if each is None else each * want.quantity,
        picture=known.picture if known else None,
        alt=known.picture_alt if known else "",
        stock=stock_words(words, *shelf),
        available=shelf[2],
    )
