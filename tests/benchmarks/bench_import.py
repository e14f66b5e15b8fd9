"""How long 100,000 variants with prices take, into SQLite and into PostgreSQL.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``. While
the catalogue is imported, another writer moves a piece of stock every so often,
and the longest it had to wait is a figure, too.

    python tests/benchmarks/bench_import.py [--variants 100000]
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from cart.db import make_engine, unit_of_work  # noqa: E402
from cart.db.migrate import upgrade  # noqa: E402
from cart.kernel.clock import SystemClock  # noqa: E402
from cart.kernel.gtin import check_digit  # noqa: E402
from cart.kernel.ids import RandomIds  # noqa: E402
from inventory_api.feeds.kinds import Kind  # noqa: E402
from inventory_api.feeds.service import Importing  # noqa: E402
from inventory_api.stock import service  # noqa: E402
from inventory_api.stock.model import Reason  # noqa: E402
from tests.real.postgres import running_postgres  # noqa: E402

LOCATION = "harbour-street"
VARIANTS_PER_PRODUCT = 5
RIVAL_PAUSE_S = 0.05
COLOURS = (("oak", "#b58a55"), ("walnut", "#5b3d2a"), ("black", "#111111"))
# A server as it is installed: a commit waits for the disk.
DURABLE = "max_connections = 40\nshared_buffers = '128MB'\n"


def gtin(number: int) -> str:
    """Return a GTIN-13 that is nobody's."""
    payload = f"290{number:09d}"
    return payload + str(check_digit(payload))


def write_feeds(folder: Path, variants: int) -> None:
    """Write a location, a catalogue, and a count of every variant."""
    location = {
        "location_id": LOCATION,
        "gln": "5900000000008",
        "name": "Harbour Street",
        "country": "IE",
        "timezone": "Europe/Dublin",
    }
    (folder / "locations.jsonl").write_text(json.dumps(location) + "\n")
    with (
        (folder / "catalogue.jsonl").open("w", encoding="utf-8") as catalogue,
        (folder / "counts.jsonl").open("w") as counts,
    ):
        for number in range(variants):
            row = _variant(number)
            catalogue.write(json.dumps(row, ensure_ascii=False) + "\n")
            count = {"location_id": LOCATION, "sku": row["sku"], "on_hand": number % 30}
            counts.write(json.dumps(count) + "\n")


def _variant(number: int) -> dict[str, object]:
    product = number // VARIANTS_PER_PRODUCT
    colour, colour_hex = COLOURS[number % len(COLOURS)]
    return {
        "sku": f"SKU-{number:07d}",
        "gtin": gtin(number),
        "product_id": f"p{product:06d}",
        "product_name": f"Side table {product}",
        "product_name_i18n": {"he": f"שולחן צד {product}", "pl": f"Stolik {product}"},
        "description": "A small table of solid wood that stands beside anything. " * 3,
        "description_i18n": {"pl": "Mały stolik z litego drewna. " * 3},
        "category": "Tables",
        "brand": "Harbour & Mill",
        "colour": colour,
        "colour_i18n": {"pl": colour},
        "colour_hex": colour_hex,
        "size": ("S", "M", "L", "XL", "XXL")[number % VARIANTS_PER_PRODUCT],
        "dimensions": {"width_mm": 400, "height_mm": 500, "depth_mm": 400, "weight_g": 6000},
        "material": "Oak",
        "prices": {"EUR": 18900 + number % 100, "PLN": 79900, "ILS": 74900},
        "pictures": [],
        "active": True,
    }


@contextmanager
def rival(engine: Engine, sku: str) -> Iterator[list[float]]:
    """Yield the waits, in seconds, of somebody who moves one piece now and then meanwhile."""
    waits: list[float] = []
    done = threading.Event()

    def work() -> None:
        while not done.wait(RIVAL_PAUSE_S):
            start = time.monotonic()
            with unit_of_work(engine) as db:
                service.move(
                    db,
                    SystemClock(),
                    location_id=LOCATION,
                    sku=sku,
                    delta=1,
                    reason=Reason.RECEIVED,
                )
            waits.append(time.monotonic() - start)

    thread = threading.Thread(target=work)
    thread.start()
    yield waits
    done.set()
    thread.join()


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 2), "unit": unit}) + "\n")
    sys.stdout.flush()


def measure(url: str, database: str, folder: Path, data: Path) -> None:
    """Import everything into one database, then the catalogue again."""
    engine = make_engine(url)
    upgrade(engine)
    importing = Importing(engine, SystemClock(), RandomIds(), data)
    importing.take(Kind.LOCATIONS, folder / "locations.jsonl")
    first = importing.take(Kind.CATALOGUE, folder / "catalogue.jsonl")
    if first.taken != first.rows:
        message = f"{first.refused} rows were refused"
        raise SystemExit(message)
    say(f"import_catalogue_{database}", first.seconds, "s")
    say(f"import_catalogue_{database}_rate", first.rows / first.seconds, "variants/s")
    counts = importing.take(Kind.COUNTS, folder / "counts.jsonl")
    say(f"import_counts_{database}", counts.seconds, "s")
    again = importing.take(Kind.CATALOGUE, folder / "catalogue.jsonl")
    if again.changed:
        message = f"the same file changed {again.changed} rows"
        raise SystemExit(message)
    say(f"import_catalogue_again_{database}", again.seconds, "s")
    changed = folder / "changed" / "catalogue.jsonl"
    with rival(engine, "SKU-0000000") as waits:
        everything = importing.take(Kind.CATALOGUE, changed)
    say(f"import_catalogue_changed_{database}", everything.seconds, "s")
    say(f"import_longest_wait_of_another_writer_{database}", max(waits) * 1000, "ms")
    engine.dispose()


def main() -> None:
    """Write the feeds, then measure one database after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=100_000)
    variants = parser.parse_args().variants
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_feeds(folder, variants)
        (folder / "changed").mkdir()
        text = (folder / "catalogue.jsonl").read_text(encoding="utf-8")
        (folder / "changed" / "catalogue.jsonl").write_text(
            text.replace('"PLN": 79900', '"PLN": 69900'), encoding="utf-8"
        )
        measure(f"sqlite:///{folder}/bench.db", "sqlite", folder, folder)
        with running_postgres(DURABLE) as server, server.database("template0") as url:
            measure(url, "postgresql", folder, folder)


if __name__ == "__main__":
    main()
