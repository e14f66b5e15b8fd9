"""CSV: flat columns become the row that JSON Lines would carry.

``price_EUR`` is a decimal (``189.00``), whole numbers are whole numbers, an
empty cell is an absent value. docs/feeds.md lists every column.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from cart.kernel.errors import InvalidMoney
from cart.kernel.money import Money
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.report import Problem

Convert = Callable[[str], Any]
Path = tuple[str | int, ...]
_ZONE_NAMES: Final = "zone names"  # until they are with their zones; no field of a row
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})
_INTEGER: Final = re.compile(r"[+-]?\d{1,12}")


class CellRefused(ValueError):
    """A cell that cannot be what its column says. For this module alone."""


def _text(cell: str) -> str:
    return cell


def _integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell):
        reason = f"{cell[:40]!r} is not a whole number"
        raise CellRefused(reason)
    return int(cell)


def _decimal(cell: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        reason = f"{cell[:40]!r} is not a number such as 54.35"
        raise CellRefused(reason) from error


def _flag(cell: str) -> bool:
    if cell.lower() not in _TRUE | _FALSE:
        reason = f"{cell[:40]!r} is neither yes nor no"
        raise CellRefused(reason)
    return cell.lower() in _TRUE


def _money(currency: str) -> Convert:
    def convert(cell: str) -> int:
        try:
            return Money.parse(cell, currency).minor
        except InvalidMoney as error:
            raise CellRefused(error.message) from error

    return convert


def _hours(cell: str) -> list[list[str]]:
    """Read ``10:00-14:00 15:00-20:00``."""
    return [span.split("-") for span in cell.split()]


def _zones(cell: str) -> list[dict[str, Any]]:
    """Read ``floor=Shop floor:A1 A2; back=Backroom:B1``, in walking order."""
    zones = []
    for order, part in enumerate(filter(None, map(str.strip, cell.split(";"))), start=1):
        head, _, bays = part.partition(":")
        zone_id, _, name = head.partition("=")
        zones.append(
            {
                "zone_id": zone_id.strip(),
                "name": name.strip(),
                "walk_order": order,
                "bays": [
                    {"bay_id": bay, "walk_order": place}
                    for place, bay in enumerate(bays.split(), start=1)
                ],
            }
        )
    return zones


def _zone_names(cell: str) -> dict[str, str]:
    """Read ``floor=Parter; back=Zaplecze``: the zones' names in another language."""
    names = {}
    for part in filter(None, map(str.strip, cell.split(";"))):
        zone_id, _, name = part.partition("=")
        names[zone_id.strip()] = name.strip()
    return names


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, where its value goes, and how it is read."""

    name: str
    path: Path
    convert: Convert


_PLAIN: Final[dict[Kind, dict[str, tuple[Path, Convert]]]] = {
    Kind.LOCATIONS: {
        **{
            name: ((name,), _text)
            for name in ("location_id", "gln", "name", "address", "city", "country", "timezone")
        },
        "latitude": (("latitude",), _decimal),
        "longitude": (("longitude",), _decimal),
        **{
            f"hours_{day}": (("opening_hours", day), _hours)
            for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        },
        "zones": (("zones",), _zones),
    },
    Kind.CATALOGUE: {
        **{
            name: ((name,), _text)
            for name in (
                *("sku", "gtin", "product_id", "product_name", "description", "category"),
                *("brand", "colour", "colour_hex", "size", "material"),
            )
        },
        **{
            name: (("dimensions", name), _integer)
            for name in ("width_mm", "height_mm", "depth_mm", "weight_g")
        },
        "active": (("active",), _flag),
    },
    Kind.COUNTS: {
        **{name: ((name,), _text) for name in ("location_id", "sku", "zone_id", "bay_id")},
        "on_hand": (("on_hand",), _integer),
        "safety_stock": (("safety_stock",), _integer),
    },
    Kind.REVIEWS: {
        **{name: ((name,), _text) for name in ("product_id", "author", "text", "language")},
        "rating": (("rating",), _integer),
        "written_on": (("written_on",), _text),
    },
}
REQUIRED: Final = {
    Kind.LOCATIONS: ("location_id", "gln", "name", "country", "timezone"),
    Kind.CATALOGUE: ("sku", "gtin", "product_id", "product_name"),
    Kind.COUNTS: ("location_id", "sku", "on_hand"),
    Kind.REVIEWS: ("product_id", "author", "rating", "language", "written_on"),
}
_TRANSLATED: Final = {
    Kind.LOCATIONS: ("name",),
    Kind.CATALOGUE: ("product_name", "description", "colour"),
    Kind.COUNTS: (),
    Kind.REVIEWS: (),
}
_PRICE: Final = re.compile(r"price_([A-Z]{3})")
_ZONES: Final = re.compile(r"zones_([a-z]{2})")
_PICTURE: Final = re.compile(r"picture_([1-9]\d?)(_alt)?(?:_([a-z]{2}))?")


def column(kind: Kind, name: str) -> Column | None:
    """Return what a heading means in this kind of feed; None if nothing."""
    if plain := _PLAIN[kind].get(name):
        return Column(name, *plain)
    stem, _, language = name.rpartition("_")
    if stem in _TRANSLATED[kind] and re.fullmatch("[a-z]{2}", language):
        return Column(name, (f"{stem}_i18n", language), _text)
    if kind is Kind.LOCATIONS and (zones := _ZONES.fullmatch(name)):
        return Column(name, (_ZONE_NAMES, zones[1]), _zone_names)
    return _catalogue_column(name) if kind is Kind.CATALOGUE else None


def _catalogue_column(name: str) -> Column | None:
    if price := _PRICE.fullmatch(name):
        return Column(name, ("prices", price[1]), _money(price[1]))
    if picture := _PICTURE.fullmatch(name):
        number, alt, language = int(picture[1]), picture[2], picture[3]
        if language and not alt:
            return None
        field: Path = ("alt_i18n", language) if language else ("alt",) if alt else ("path",)
        return Column(name, ("pictures", number, *field), _text)
    return None


def known(kind: Kind) -> list[str]:
    """Return the headings that are not made of a language, currency or number."""
    return sorted(_PLAIN[kind])


class Flat:
    """A header, ready to turn rows of cells into rows as JSON Lines carry them."""

    def __init__(self, columns: list[Column]) -> None:
        self._columns = columns
        self._names = {column.path: column.name for column in columns}

    def name(self, number: int) -> str:
        """Return a column's heading by its place, counted from 0."""
        return self._columns[number].name

    def nested(self, line: int, cells: list[str]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the row, and a problem per cell that cannot be read."""
        row: dict[str, Any] = {}
        problems: list[Problem] = []
        for column, cell in zip(self._columns, cells, strict=True):
            text = cell.strip()
            if not text:
                continue
            try:
                value = column.convert(text)
            except CellRefused as refused:
                problems.append(Problem(line, column.name, str(refused)))
                continue
            place: dict[Any, Any] = row
            for part in column.path[:-1]:
                place = place.setdefault(part, {})
            place[column.path[-1]] = value
        if "pictures" in row:
            row["pictures"] = [picture for _, picture in sorted(row["pictures"].items())]
        for language, names in row.pop(_ZONE_NAMES, {}).items():
            unknown = _name_zones(row.get("zones", []), language, names)
            if unknown:
                reason = f"the column zones has no zone {unknown[0][:40]}"
                problems.append(Problem(line, f"zones_{language}", reason))
        return row, problems

    def heading(self, location: Path) -> str:
        """Return the heading of the column that a value of the row came from."""
        for path in _shorter(location):
            if path in self._names:
                return self._names[path]
            if path[0] == "zones" and path[-2:-1] == ("name_i18n",):
                return f"zones_{path[-1]}"
            if path[0] == "pictures" and len(path) > 1:
                return f"picture_{int(path[1]) + 1}"
        return ".".join(map(str, location))


def _name_zones(zones: list[dict[str, Any]], language: str, names: dict[str, str]) -> list[str]:
    """Give the zones their names in a language; return the ids that none of them has."""
    for zone in zones:
        if name := names.get(zone["zone_id"]):
            zone.setdefault("name_i18n", {})[language] = name
    return sorted(names.keys() - {zone["zone_id"] for zone in zones})


def _shorter(location: Path) -> Iterator[Path]:
    for length in range(len(location), 0, -1):
        yield location[:length]
