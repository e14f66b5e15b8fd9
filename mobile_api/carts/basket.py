"""A cart as a person sees it: names, pictures, prices and what is left, in her language.

Joins the cart (``cart.carts``) with catalogue and stock (``inventory_api``) in
three statements. The page, the API, the live stream and the mail all show this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.carts import queries
from cart.carts.queries import CartView
from cart.kernel.gtin import Gtin
from cart.kernel.money import Money
from cart.ports import CatalogueLookup, Sellable
from inventory_api.stock.queries import Availability, availability
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
    """A line with what the catalogue and the shelves say of it.

    ``available``: location id and pieces. Hashable: what was written of a line is kept by it.
    """

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
    available: tuple[tuple[str, int], ...]


Shown = tuple[tuple[ShownLine, ...], Shop | None, tuple[Shop, ...]]
Listed = tuple[Sequence[Wanted], str | None]
"""Lines, and where their shopper stands."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What catalogue and shelves say: shops, articles by code and currency, pieces."""

    shops: Sequence[Shop]
    known: Mapping[tuple[Gtin, str], Sellable]
    availability: Sequence[Availability]


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
    (found,) = baskets(db, lookup, words, [queries.view(db, cart_id)])
    return found


def baskets(
    db: Session, lookup: CatalogueLookup, words: Words, carts: Sequence[CartView]
) -> list[Basket]:
    """Return several carts, for which catalogue and stock are asked once."""
    lists = [_listed(cart) for cart in carts]
    return [
        Basket(cart.id, cart.version, *each)
        for cart, each in zip(carts, _shown_each(db, lookup, words, lists), strict=True)
    ]


def place_of(cart: CartView) -> str | None:
    """Return where the newest line was added: there its shopper stands."""
    newest = max(cart.lines, key=lambda line: line.added_at_us, default=None)
    return newest.location_id if newest else None


def _listed(cart: CartView) -> Listed:
    wanted = [
        Wanted(
            line.gtin,
            line.sku,
            line.quantity,
            line.price_minor,
            line.currency,
            line.location_id,
        )
        for line in cart.lines
    ]
    return wanted, place_of(cart)


def baskets_amid(words: Words, carts: Sequence[CartView], amid: Surroundings) -> list[Basket]:
    """Return several carts amid what was read of catalogue and stock already."""
    shown = _amid(words, [_listed(cart) for cart in carts], amid)
    return [Basket(cart.id, cart.version, *each) for cart, each in zip(carts, shown, strict=True)]


def shops_around(every: Sequence[Shop], here_ids: Collection[str | None]) -> list[str]:
    """Return the ids of the shops whose stock is shown to shoppers at ``here_ids``."""
    near = (shop.id for here_id in here_ids for shop in _around(every, here_id)[1])
    return list(dict.fromkeys(near))


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
) -> Shown:
    """Return the lines, the shop ``here_id`` if it is one of ours, and the shops near it."""
    (found,) = _shown_each(db, lookup, words, [(wanted, here_id)])
    return found


def _shown_each(
    db: Session,
    lookup: CatalogueLookup,
    words: Words,
    lists: Sequence[Listed],
) -> list[Shown]:
    every = all_shops(db, words)
    everything = [want for wanted, _ in lists for want in wanted]
    known = _sellables(db, lookup, everything)
    skus = dict.fromkeys(want.sku for want in everything)
    near = shops_around(every, {here_id for _, here_id in lists})
    return _amid(words, lists, Surroundings(every, known, availability(db, skus, near)))


def _amid(words: Words, lists: Sequence[Listed], amid: Surroundings) -> list[Shown]:
    places = {here_id: _around(amid.shops, here_id) for here_id in {here for _, here in lists}}
    known = amid.known
    left: dict[str, dict[str, int]] = {}
    for one in amid.availability:
        left.setdefault(one.sku, {})[one.location_id] = one.available
    found: list[Shown] = []
    for wanted, here_id in lists:
        here, shops = places[here_id]
        lines = []
        for want in wanted:
            nearby = {shop.id: left[want.sku][shop.id] for shop in shops}
            lines.append(
                _line(words, want, known.get((want.gtin, want.currency)), (shops, here, nearby))
            )
        found.append((tuple(lines), here, shops))
    return found


def _around(every: Sequence[Shop], here_id: str | None) -> tuple[Shop | None, tuple[Shop, ...]]:
    here = next((shop for shop in every if shop.id == here_id), None)
    return here, tuple(nearest_first(every, here)[:SHOPS_SHOWN_MAX])


def _sellables(
    db: Session, lookup: CatalogueLookup, wanted: Sequence[Wanted]
) -> dict[tuple[Gtin, str], Sellable]:
    """Return what the catalogue knows, by code and currency."""
    known: dict[tuple[Gtin, str], Sellable] = {}
    for currency in dict.fromkeys(want.currency for want in wanted):
        gtins = dict.fromkeys(want.gtin for want in wanted if want.currency == currency)
        found = lookup(db, gtins, currency=currency)
        known |= {(gtin, currency): one for gtin, one in found.items()}
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
        available=tuple(shelf[2].items()),
    )
