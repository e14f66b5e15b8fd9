"""A retailer's engineer at her desk: feed files that are right, and a way to have them taken."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from cart.db import reading
from cart.kernel.ids import SeededIds
from inventory_api.feeds.kinds import kind_of
from inventory_api.feeds.report import Outcome
from inventory_api.feeds.service import Importing
from tests.fakes.clock import FakeClock

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
LOCATION: dict[str, Any] = {
    "location_id": "harbour-street",
    "gln": "5900000000008",
    "name": "Harbour Street",
    "name_i18n": {"he": "רחוב הנמל", "pl": "Portowa"},
    "address": "1 Harbour Street",
    "city": "Dublin",
    "country": "IE",
    "latitude": 53.35,
    "longitude": -6.26,
    "timezone": "Europe/Dublin",
    "opening_hours": {"mon": [["10:00", "20:00"]]},
    "zones": [
        {
            "zone_id": "floor",
            "name": "Shop floor",
            "name_i18n": {"pl": "Sala"},
            "walk_order": 1,
            "bays": [{"bay_id": "A1", "walk_order": 1}, {"bay_id": "A2", "walk_order": 2}],
        }
    ],
}
VARIANT: dict[str, Any] = {
    "sku": "lamp-red",
    "gtin": "4006381333931",
    "product_id": "lamp",
    "product_name": "Lamp",
    "product_name_i18n": {"pl": "Lampa"},
    "description": "It glows.",
    "category": "Light",
    "colour": "red",
    "colour_hex": "#AA0000",
    "size": "M",
    "dimensions": {"width_mm": 200, "height_mm": 400, "depth_mm": 200, "weight_g": 1500},
    "prices": {"EUR": 18900, "PLN": 79900},
    "pictures": [{"path": "pictures/red.png", "alt": "A red lamp", "alt_i18n": {"pl": "Lampa"}}],
    "active": True,
}
SECOND = {**VARIANT, "sku": "lamp-blue", "gtin": "96385074", "colour": "blue", "pictures": []}
COUNT = {"location_id": "harbour-street", "sku": "lamp-red", "on_hand": 5, "safety_stock": 1}
REVIEW = {
    "product_id": "lamp",
    "author": "Ola",
    "rating": 4,
    "text": "Świeci.",
    "language": "pl",
    "written_on": "2026-02-01",
}


class Desk:
    """A retailer's engineer: writes feed files and has them taken."""

    def __init__(self, engine: Engine, clock: FakeClock, folder: Path) -> None:
        self.engine = engine
        self.clock = clock
        self.folder = folder
        self.data = folder / "data"
        self.importing = Importing(engine, clock, SeededIds(3), self.data)
        (folder / "pictures").mkdir()
        (folder / "pictures" / "red.png").write_bytes(PNG)

    def lines(self, name: str, *rows: dict[str, Any] | str) -> Path:
        """Write JSON Lines; a text goes in as it stands."""
        path = self.folder / name
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return path

    def take(self, name: str, *rows: dict[str, Any] | str, again: bool = False) -> Outcome:
        """Write a file and take it."""
        path = self.lines(name, *rows) if rows else self.folder / name
        return self.importing.take(kind_of(path), path, again=again)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables that feeds write."""
        tables = (
            *("product", "variant", "price", "picture", "review", "catalogue_version"),
            *("location", "zone", "bay", "stock", "movement"),
        )
        found = {}
        with reading(self.engine) as db:
            for table in tables:
                rows = db.connection().execute(text(f"SELECT * FROM {table}"))  # noqa: S608
                found[table] = sorted(map(tuple, rows), key=repr)
        return found


def reasons(outcome: Outcome) -> list[tuple[int, str, str]]:
    """Line, column and reason of each problem."""
    return [(one.line, one.column, one.reason) for one in outcome.shown]
