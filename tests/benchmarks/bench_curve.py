"""What one event costs, as a shop grows: devices, carts that there are, variants.

Batches of scans are decoded, stored and committed in this process, as the gateway's
ingest thread does it; broker and network are in bench_ingest. The databases are filled
by SQL between the measures. Prints JSON lines: {"name", "value", "unit"}, and draws
``docs/pictures/cost-of-an-event.svg``.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pygal
from pygal.style import Style
from sqlalchemy import Engine

from cart.db import make_engine, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from cart.process import collect_seldom
from gateway.ingest.batch import Domain, process
from gateway.ingest.read import read
from gateway.mqtt import Incoming
from inventory_api.catalogue.queries import sellables
from tests.benchmarks.filling import add_carts, add_variants, gtin_of, settle
from tests.fakes.shop import Tablet, enrolled, stock_catalogue
from tests.real.postgres import running_postgres

BATCH = 200  # events in one commit: what gathers at some thousands a second
ROUNDS = 7
DEVICES = (1, 10, 100, 1_000)
CARTS = (1_000, 100_000, 1_000_000)
VARIANTS = (1_000, 100_000, 1_000_000)
SPEAKING = 100  # devices, while carts or variants grow
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "cost-of-an-event.svg"
CLOCK, IDS = SystemClock(), RandomIds()

Sizes = Sequence[int]
Curve = dict[int, float]
"""Microseconds an event, by size."""


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def tablets(engine: Engine, count: int) -> list[Tablet]:
    """Enrol devices; each has a visit of its own when it first scans."""
    return [Tablet(enrolled(engine, CLOCK, IDS), CLOCK, IDS.new("spool")) for _ in range(count)]


def scans(speakers: Sequence[Tablet], variants: int) -> Iterator[list[Incoming]]:
    """Yield batches: the devices in turn, each scanning things from all over the catalogue."""
    number = 0
    while True:
        batch = []
        for _ in range(BATCH):
            tablet = speakers[number % len(speakers)]
            visit = f"v{number // (len(speakers) * 40)}"
            # A stride that is prime to the sizes walks through all of the catalogue.
            code = gtin_of((number * 7_919 + 1) % variants)
            batch.append(tablet.message(tablet.scanned(visit, Gtin.parse(code))))
            number += 1
        yield batch


def cost_us(engine: Engine, speakers: Sequence[Tablet], variants: int) -> float:
    """Return the microseconds from bytes to commit, of one event of a batch."""
    domain = Domain(CLOCK, IDS, sellables)
    spent = []
    for number, batch in zip(range(ROUNDS + 2), scans(speakers, variants), strict=False):
        begun = time.perf_counter()
        items = [read(message) for message in batch]
        with unit_of_work(engine) as db:
            outcome = process(db, domain, items)
        took = time.perf_counter() - begun
        if outcome.fresh != BATCH or outcome.dead:
            sys.exit(f"{outcome.fresh} of {BATCH} stored, {outcome.dead} dead")
        if number >= 2:  # visits begin and caches fill in the first two
            spent.append(took / BATCH * 1e6)
    return statistics.median(spent)


def measure(name: str, engine: Engine, carts: Sizes, variants: Sizes) -> dict[str, Curve]:
    """Return the three curves of one database; it grows from one measure to the next."""
    stock_catalogue(engine)
    add_variants(engine, 0, variants[0])
    add_carts(engine, 0, carts[0])
    found: dict[str, Curve] = {"devices": {}, "carts": {}, "variants": {}}
    for count in DEVICES:
        found["devices"][count] = cost_us(engine, tablets(engine, count), variants[0])
    speakers = tablets(engine, SPEAKING)
    for before, count in zip((carts[0], *carts), carts, strict=False):
        add_carts(engine, before, count)
        found["carts"][count] = cost_us(engine, speakers, variants[0])
    for before, count in zip((variants[0], *variants), variants, strict=False):
        add_variants(engine, before, count)
        settle(engine)
        found["variants"][count] = cost_us(engine, speakers, count)
    for what, curve in found.items():
        for count, cost in curve.items():
            say(f"curve.{name}.{what}.{count}", cost, "us/event")
        costs = [*curve.values()]
        say(f"curve.{name}.{what}.last_to_first", costs[-1] / costs[0], "ratio")
    return found


def draw(curves: dict[str, dict[str, Curve]], to: Path) -> None:
    """Draw all of it: sizes along, microseconds up."""
    style = Style(
        background="white", plot_background="white", colors=("#0b6e4f", "#c2410c"),
        font_family="sans-serif", label_font_size=13, major_label_font_size=13,
        legend_font_size=14, title_font_size=18,
    )  # fmt: skip
    chart = pygal.Line(
        style=style, width=900, height=420, range=(0, None), js=(), show_x_guides=False,
        title="Cost of one event, decode to commit, in batches of 200",
        y_title="microseconds", legend_at_bottom=True, dots_size=4,
    )  # fmt: skip
    first = next(iter(curves.values()))
    chart.x_labels = [
        label
        for what, curve in first.items()
        for label in (*(f"{count:,} {what}" for count in curve), "")
    ][:-1]
    chart.x_label_rotation = 30
    for name, found in curves.items():
        points = [
            point for curve in found.values() for point in (*map(round, curve.values()), None)
        ]
        chart.add(name, points[:-1])
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(chart.render(is_unicode=False))


def main() -> None:
    """Measure on both databases and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--small", action="store_true", help="a hundredth of carts and variants")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args()
    scale = 100 if chosen.small else 1
    carts = [max(count // scale, 10) for count in CARTS]
    variants = [max(count // scale, 10) for count in VARIANTS]
    collect_seldom()
    curves = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carryover-curve-")))
        urls = {"SQLite": f"sqlite:///{folder}/curve.db"}
        server = stack.enter_context(running_postgres())
        server.make_template(lambda _url: None)
        urls["PostgreSQL"] = stack.enter_context(server.database())
        for name, url in urls.items():
            if chosen.only in {None, name}:
                engine = make_engine(url)
                upgrade(engine)
                curves[name] = measure(name, engine, carts, variants)
                engine.dispose()
    if chosen.only is None:
        draw(curves, chosen.picture)


if __name__ == "__main__":
    main()
