"""What of a person a rule is weighed against. Pure; no database."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from sqlmodel import Session

from cart.db.rows import AnyRow, Ask, Batch
from cart.journeys.segments.rule import Goods, Near
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind

DAY_US: Final = 24 * 3_600 * 1_000_000
EARTH_KM: Final = 6_371.0
LOOKED_AT: Final = frozenset({Kind.SCANNED.value, Kind.TRIED.value})
CAME_BACK: Final = frozenset({Kind.CANCELLED.value, Kind.RETURNED.value})


class Touch(NamedTuple):
    """An interaction as rules need it; made of a row, of which there are many."""

    position: int
    kind: str
    at_us: int
    gtin: str = ""
    quantity: int = 0
    amount_minor: int = 0
    currency: str = ""
    location_id: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """What the catalogue says an article is."""

    product_id: str
    category: str
    brand: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by her home. ``touches``: of the last year. ``in_stock``: locations by article."""

    home: str
    customer_id: str = ""
    locale: str = "en"
    touches: tuple[Touch, ...] = ()
    cart: frozenset[str] = frozenset()
    consents: frozenset[Purpose] = frozenset()
    articles: Mapping[str, Article] = field(default_factory=dict)
    in_stock: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def fits(self, gtin: str, of: Goods) -> bool:
        """Say whether an article is one of these; an interaction without one fits only all."""
        if of.everything:
            return True
        if not gtin or (of.gtin and of.gtin != gtin):
            return False
        if not (of.product or of.category or of.brand):
            return True
        article = self.articles.get(gtin)
        return article is not None and (
            of.product in ("", article.product_id)
            and of.category in ("", article.category)
            and of.brand in ("", article.brand)
        )


Coordinates = tuple[float, float]  # latitude, longitude in degrees


@dataclass(frozen=True, slots=True)
class Places:
    """The locations with where they are; None where nobody said."""

    where: Mapping[str, Coordinates | None] = field(default_factory=dict)

    def within(self, near: Near, last_location_id: str) -> frozenset[str]:
        """Return the locations that are near enough; a location is near itself."""
        centre = near.location or last_location_id
        at = self.where.get(centre)
        found = {centre} if centre in self.where else set()
        if at is not None:
            found |= {
                other
                for other, there in self.where.items()
                if there is not None and distance_km(at, there) <= near.km
            }
        return frozenset(found)


@lru_cache(maxsize=4096)  # a chain's shops do not move
def distance_km(one: Coordinates, other: Coordinates) -> float:
    """Return the way between two places over the earth as a ball (haversine), in kilometres."""
    (lat1, lon1), (lat2, lon2) = (
        (math.radians(one[0]), math.radians(one[1])),
        (math.radians(other[0]), math.radians(other[1])),
    )
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


@dataclass(frozen=True, slots=True)
class Looked:
    """What catalogue and shelves say. Articles that nobody knows are absent."""

    articles: Mapping[str, Article]
    in_stock: Mapping[str, frozenset[str]]
    places: Places


class Catalogue(Protocol):
    """What segments ask of catalogue and shelves; ``wiring.py`` says who answers."""

    def asks(self, gtins: Batch, *, stock: bool, places: bool) -> Sequence[Ask]:
        """Ask what these are, a batch of ``gtin``, where they can be had, and for the locations."""
        ...

    def looked(self, answers: Sequence[Sequence[AnyRow]]) -> "Looked":
        """Read what was answered."""
        ...

    def gtins_of(self, db: Session, of: Goods, limit: int) -> list[str]:
        """Return the articles of a category, brand, product, at most ``limit`` of them."""
        ...

    def all_in_stock(
        self, db: Session, location_ids: Collection[str], of: Goods, limit: int
    ) -> list[tuple[str, str]]:
        """Return (location id, GTIN) of what can be promised there, in order, ``limit`` at most."""
        ...

    def places(self, db: Session) -> Places:
        """Return the locations."""
        ...
