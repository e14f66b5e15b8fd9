"""The three shops of Harbour & Mill and what lies on their shelves."""

import random
from dataclasses import dataclass
from typing import Final

from firmware_sim.goods.assortment import Product
from firmware_sim.goods.codes import gln
from firmware_sim.goods.words import Text

BAYS: Final = 6  # in a zone
ZONES: Final = {  # by category of goods; the letter is on the sign above the aisle
    "lighting": ("A", Text("Lighting", "תאורה", "Oświetlenie")),
    "furniture": ("B", Text("Furniture", "רהיטים", "Meble")),
    "kitchen": ("C", Text("Kitchen and table", "מטבח ושולחן", "Kuchnia i stół")),
    "home": ("D", Text("Home", "לבית", "Dom")),
    "textiles": ("E", Text("Textiles", "טקסטיל", "Tekstylia")),
    "clothing": ("F", Text("Clothing", "ביגוד", "Odzież")),
    "shoes": ("G", Text("Shoes", "נעליים", "Buty")),
    "accessories": ("H", Text("Accessories", "אביזרים", "Akcesoria")),
}
BULKY: Final = {"armchair", "sofa", "table", "shelf", "bench"}  # two or three pieces at most
PLENTY_MAX, BULKY_MAX, FEW_MAX = 24, 4, 3


@dataclass(frozen=True)
class Shop:
    """A location: where it is, when it is open, in which order its zones are walked."""

    location_id: str
    number: int
    name: Text
    address: str
    latitude: float
    longitude: float
    opens: str
    closes: str
    walk: str  # letters of the zones in walking order
    empty_share: float  # of the assortment that is sold out or never carried

    @property
    def gln(self) -> str:
        """The shop's Global Location Number."""
        return gln(self.number)

    def hours(self) -> dict[str, list[list[str]]]:
        """Return opening hours by weekday, local time; late on Thursday, short on Sunday."""
        days = {
            day: [[self.opens, self.closes]] for day in ("mon", "tue", "wed", "thu", "fri", "sat")
        }
        return {**days, "thu": [[self.opens, "21:00"]], "sun": [["12:00", "18:00"]]}


SHOPS: Final = (
    Shop(
        "harbour-street",
        1,
        Text("Harbour Street", "רחוב הנמל", "Ulica Portowa"),
        "12 Harbour Street",
        51.8985,
        -8.4756,
        "10:00",
        "20:00",
        "ABCDEFGH",
        0.08,
    ),
    Shop(  # two kilometres from Harbour Street
        "mill-lane",
        2,
        Text("Mill Lane", "סמטת הטחנה", "Zaułek Młyński"),
        "3 Mill Lane",
        51.9005,
        -8.4462,
        "10:00",
        "19:00",
        "FGHEDCAB",
        0.16,
    ),
    Shop(  # six kilometres from Harbour Street
        "old-station",
        3,
        Text("Old Station", "התחנה הישנה", "Stary Dworzec"),
        "Platform 1, Old Station Road",
        51.8535,
        -8.4278,
        "09:00",
        "20:00",
        "HGFDCEBA",
        0.26,
    ),
)


@dataclass(frozen=True)
class Count:
    """How many pieces of a SKU lie at a location, and where."""

    location_id: str
    sku: str
    on_hand: int
    safety_stock: int
    zone_id: str
    bay_id: str


def counts(products: tuple[Product, ...], seed: int) -> list[Count]:
    """Return the count of every SKU at every shop: some none, some one to three, some plenty."""
    dice = random.Random(f"counts {seed}")  # noqa: S311 - repeatable on purpose
    made: list[Count] = []
    for shop in SHOPS:
        for product in products:
            zone = ZONES[product.category][0]
            bay = f"{zone}{dice.randrange(1, BAYS + 1)}"  # a product's variants lie together
            for variant in product.variants:
                on_hand = _pieces(dice, shop.empty_share, bulky=product.form in BULKY)
                safety = 0 if on_hand <= FEW_MAX else dice.choice((0, 1, 1, 2))
                made.append(Count(shop.location_id, variant.sku, on_hand, safety, zone, bay))
    return made


def _pieces(dice: random.Random, empty_share: float, *, bulky: bool) -> int:
    kind = dice.random()
    if kind < empty_share:
        return 0
    if kind < empty_share + 0.27:
        return dice.randrange(1, FEW_MAX + 1)
    return dice.randrange(1, BULKY_MAX + 1) if bulky else dice.randrange(4, PLENTY_MAX + 1)
