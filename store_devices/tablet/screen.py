"""What stands on the screen, worked out in one language and ready to be drawn.

Pure but for what it looks up in the kept catalogue. It holds nothing: a screen
is made for one drawing and dropped.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from cart.kernel.money import Money
from gateway.wire.claim_code import claim_code
from gateway.wire.downlink import NextStop
from store_devices.tablet import model
from store_devices.tablet.availability import Availability, Stock
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.goods import NEAREST_SHOPS, Picture, Product, Review, Variant, nearest
from store_devices.tablet.model import Visit
from store_devices.tablet.surroundings import Place, Snapshot
from store_devices.tablet.words import Words, words

# Unicode's own isolation: "150 cm" stays in order also in the middle of a Hebrew line.
ISOLATE, ISOLATE_END = "\u2068", "\u2069"
REVIEWS_MAX: Final = 4
FEW_MAX: Final = 2  # "only a few": said in the colour that asks for a hand


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture's address and its text."""

    name: str
    alt: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A colour or size to tap; ``stock`` is that of the variant it leads to, here."""

    gtin: Gtin
    label: str
    hex: str
    chosen: bool
    stock: Stock


@dataclass(frozen=True, slots=True)
class ShopStock:
    """One shop's line under the price."""

    name: str
    here: bool
    stock: Stock

    @property
    def tone(self) -> str:
        """``good``, ``few``, ``none`` or ``unknown``."""
        count = self.stock.available
        if count is None:
            return "unknown"
        return "none" if count == 0 else "few" if count <= FEW_MAX else "good"


@dataclass(frozen=True, slots=True)
class ProductView:
    """The product on the left."""

    gtin: Gtin
    name: str
    brand: str
    about: str
    label: str
    price: str
    pictures: list[Shown]
    colours: list[Chip]
    sizes: list[Chip]
    shops: list[ShopStock]
    facts: list[tuple[str, str]]
    rating: float | None
    rating_count: int
    reviews: list[Review]
    quantity: int
    sold: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of the list on the right. ``known`` False: the shop is being asked what it is."""

    gtin: Gtin
    name: str
    label: str
    picture: Shown | None
    quantity: int
    total: str
    known: bool


@dataclass(frozen=True, slots=True)
class Screen:
    """All of it."""

    now: Snapshot
    visit: Visit | None  # None too while what is hers is hidden
    veiled: bool
    w: Words
    shop: str
    hello: str
    next_stop: str
    product: ProductView | None
    lines: list[LineView]
    pieces: int
    total: str
    link: str
    code: str  # to type instead of the link, where a camera does not read it
    code_at: str  # where it is typed, as an address to type
    catalogue_as_of: datetime | None


class Drawer:
    """Makes screens from what catalogue and stock have at the moment."""

    def __init__(
        self, place: Place, catalogue: Catalogue, stock: Availability, *, currency: str, zone: str
    ) -> None:
        self._place = place
        self._catalogue = catalogue
        self._stock = stock
        self._currency = currency
        self._zone = zone

    def screen(self, now: Snapshot) -> Screen:
        """Return the screen of this moment."""
        home = next(
            (x for x in self._catalogue.locations() if x.id == self._place.location_id), None
        )
        spoken = words(now.locale, self._zone or (home.timezone if home else "UTC"))
        veiled = now.visit is not None and now.visit.veiled_at is not None
        visit = None if veiled else now.visit
        edition = self._catalogue.edition
        lines = [self._line(line, spoken) for line in model.lines(visit)[::-1]] if visit else []
        secret = visit.secret if visit else None
        public_url = self._place.public_url.rstrip("/")
        return Screen(
            now=now,
            visit=visit,
            veiled=veiled,
            w=spoken,
            shop=spoken.of(home.name_i18n, home.name) if home else "",
            hello=_hello(visit, spoken) if visit else "",
            next_stop=self._next_stop(visit, spoken) if visit else "",
            product=self._product(visit, spoken) if visit else None,
            lines=lines,
            pieces=model.pieces(visit) if visit else 0,
            total=self._total(visit, spoken) if visit else "",
            link=f"{public_url}/c/{secret}" if secret else "",
            code=claim_code(secret_hash(secret)) if secret else "",
            code_at=f"{public_url}/claim".partition("://")[2],
            catalogue_as_of=edition.as_of if edition else None,
        )

    def _next_stop(self, visit: Visit, w: Words) -> str:
        """Return where she goes next by her plan, in one line; empty without one."""
        stop = visit.next_stop
        if stop is None:
            return ""
        where = _isolated(w.of(stop.zone_i18n, stop.zone))
        if stop.bay:
            where = w.gettext("%(zone)s, bay %(bay)s") % {
                "zone": where,
                "bay": _isolated(stop.bay),
            }
        what = _isolated(self._stop_name(stop, w))
        if stop.kind == "ask" or not stop.zone:
            return w.gettext("Next: ask a colleague - %(what)s") % {"what": what}
        return w.gettext("Next: %(where)s - %(what)s") % {"where": where, "what": what}

    def _stop_name(self, stop: NextStop, w: Words) -> str:
        if stop.kind == "fitting_room":
            return w.gettext("your fitting room at %(time)s") % {"time": _time(stop, w)}
        if stop.kind == "adviser":
            return w.gettext("your adviser at %(time)s") % {"time": _time(stop, w)}
        found = self._catalogue.product_of(stop.gtin) if stop.gtin else None
        return w.of(found[0].name_i18n, found[0].name) if found else stop.name

    def _line(self, line: model.Line, w: Words) -> LineView:
        found = self._catalogue.product_of(line.gtin)
        shown = line.shown
        price = self._price(line)
        total = w.money(price * line.quantity) if price else ""
        if found is None:
            name = shown.name if shown else line.gtin.shortest
            label = shown.variant if shown else ""
            return LineView(line.gtin, name, label, None, line.quantity, total, shown is not None)
        product, variant = found
        pictures = _pictures(variant, product, w)
        return LineView(
            gtin=line.gtin,
            name=w.of(product.name_i18n, product.name),
            label=_label(variant, w),
            picture=pictures[0] if pictures else None,
            quantity=line.quantity,
            total=total,
            known=True,
        )

    def _price(self, line: model.Line) -> Money | None:
        """What the server says goes before what the kept catalogue says."""
        if line.shown is not None:
            return Money(line.shown.price_minor, line.shown.currency)
        found = self._catalogue.product_of(line.gtin)
        return found[1].price(self._currency) if found else None

    def _total(self, visit: Visit, w: Words) -> str:
        totals: dict[str, Money] = {}
        for line in model.lines(visit):
            price = self._price(line)
            if price is not None:
                sum_before = totals.get(price.currency, Money(0, price.currency))
                totals[price.currency] = sum_before + price * line.quantity
        return " + ".join(w.money(total) for total in totals.values())

    def _product(self, visit: Visit, w: Words) -> ProductView | None:
        found = self._catalogue.product_of(visit.product) if visit.product else None
        if found is None:
            return None
        product, variant = found
        price = variant.price(self._currency)
        return ProductView(
            gtin=variant.gtin,
            name=w.of(product.name_i18n, product.name),
            brand=product.brand,
            about=w.of(product.description_i18n, product.description),
            label=_label(variant, w),
            price=w.money(price) if price else "",
            pictures=_pictures(variant, product, w),
            colours=self._colours(product, variant, w),
            sizes=self._sizes(product, variant),
            shops=self._shops(variant, w),
            facts=_facts(variant, w),
            rating=product.reviews.average,
            rating_count=product.reviews.count,
            reviews=_reviews(product, w),
            quantity=model.quantity_of(visit, variant.gtin),
            sold=variant.active and price is not None,
        )

    def _colours(self, product: Product, chosen: Variant, w: Words) -> list[Chip]:
        """One chip per colour; it leads to the same size in that colour where there is one."""
        best: dict[str, Variant] = {}
        for variant in product.variants:
            if variant.colour and (variant.colour not in best or variant.size == chosen.size):
                best[variant.colour] = variant
        return [
            self._chip(each, w.of(each.colour_i18n, each.colour), each.colour == chosen.colour)
            for each in best.values()
        ]

    def _sizes(self, product: Product, chosen: Variant) -> list[Chip]:
        """One chip per size of the chosen colour."""
        return [
            self._chip(each, each.size, each.gtin == chosen.gtin)
            for each in product.variants
            if each.size and each.colour == chosen.colour
        ]

    def _chip(self, variant: Variant, label: str, chosen: bool) -> Chip:  # noqa: FBT001 - said in the name
        stock = self._stock.of(variant.sku, self._place.location_id)
        return Chip(variant.gtin, label, variant.colour_hex, chosen, stock)

    def _shops(self, variant: Variant, w: Words) -> list[ShopStock]:
        here = self._place.location_id
        all_shops = self._catalogue.locations()
        names = {each.id: w.of(each.name_i18n, each.name) for each in all_shops}
        ids = [here, *(each.id for each in nearest(here, all_shops, NEAREST_SHOPS))]
        return [
            ShopStock(names.get(each, each), each == here, self._stock.of(variant.sku, each))
            for each in ids
        ]


def _hello(visit: Visit, w: Words) -> str:
    """Return a greeting for who held her band here, empty for anybody else."""
    if visit.greeting is None:
        return ""
    if not visit.greeting:
        return w.gettext("Hello")
    return w.gettext("Hello %(name)s") % {"name": f"{ISOLATE}{visit.greeting}{ISOLATE_END}"}


def _isolated(text: str) -> str:
    return f"{ISOLATE}{text}{ISOLATE_END}"


def _time(stop: NextStop, w: Words) -> str:
    return _isolated(w.at(stop.at)) if stop.at else ""


def _label(variant: Variant, w: Words) -> str:
    parts = (w.of(variant.colour_i18n, variant.colour), variant.size)
    return " · ".join(f"{ISOLATE}{part}{ISOLATE_END}" for part in parts if part)


def _reviews(product: Product, w: Words) -> list[Review]:
    """Return the newest with words in them, those in the reader's own language first."""
    told = [each for each in product.reviews.newest if each.text]
    return sorted(told, key=lambda each: each.language != w.locale)[:REVIEWS_MAX]


def _pictures(variant: Variant, product: Product, w: Words) -> list[Shown]:
    def shown(picture: Picture) -> Shown:
        return Shown(picture.name, w.of(picture.alt_i18n, picture.alt or product.name))

    return [shown(picture) for picture in variant.pictures]


def _facts(variant: Variant, w: Words) -> list[tuple[str, str]]:
    size = variant.dimensions
    facts = [
        (w.gettext("Width"), w.cm(size.width_mm) if size.width_mm else ""),
        (w.gettext("Height"), w.cm(size.height_mm) if size.height_mm else ""),
        (w.gettext("Depth"), w.cm(size.depth_mm) if size.depth_mm else ""),
        (w.gettext("Weight"), w.kg(size.weight_g) if size.weight_g else ""),
        (w.gettext("Material"), variant.material),
    ]
    return [(name, value) for name, value in facts if value]
