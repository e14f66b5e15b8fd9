"""What segments cost with many people: one new event, and the counting of a new rule.

PostgreSQL with a million profiles, three interactions each, every third a customer, every fifth
with a consent and with something in her cart; twenty segments, of all kinds of conditions. One
event: kept on the timeline before the clock starts; timed is the round that reads it, weighs
its person against all twenty segments and commits. Counting: each of the twenty rules, as new.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_segments.py [--profiles 1000000] [--events 300]
"""

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from sqlalchemy import Engine, text  # noqa: E402

from cart.db import make_engine, unit_of_work  # noqa: E402
from cart.db.migrate import upgrade  # noqa: E402
from cart.journeys.segments import filling, keeping, queries, service  # noqa: E402
from cart.journeys.segments.queries import Needs  # noqa: E402
from cart.journeys.segments.rule import read  # noqa: E402
from cart.journeys.segments.weighing import weigh_each  # noqa: E402
from cart.kernel.clock import to_us  # noqa: E402
from cart.kernel.ids import SeededIds  # noqa: E402
from cart.profile.timeline import service as timeline  # noqa: E402
from cart.profile.timeline.model import Channel, Interaction, Kind  # noqa: E402
from inventory_api.catalogue.tables import LocationRow  # noqa: E402
from inventory_api.kinds import Kinds  # noqa: E402
from tests.benchmarks.filling import add_variants, gtin_of, settle  # noqa: E402
from tests.fakes.clock import FakeClock  # noqa: E402
from tests.real.postgres import CONFIGURATION, running_postgres  # noqa: E402

ARTICLES: Final = 2_000
CATEGORIES: Final = 40
TOUCHES: Final = 3
LOCATIONS: Final = 10
MEMORY: Final = "shared_buffers = '512MB'\n"  # the tests' 32 MB hold a shop, not a million people
CATALOGUE: Final = Kinds()
# Each is one statement; what it needs is bound by name.
FILLING: Final = (
    """UPDATE product SET category = 'c' || (CAST(substr(id, 2) AS integer) % :categories), brand =
       'b' || (CAST(substr(id, 2) AS integer) % 7)""",
    """INSERT INTO stock (location_id, sku, on_hand, reserved, allocated, safety_stock, version,
       changed_at_us) SELECT 'l' || n % :locations, v.sku, 3, 0, 0, 0, 1, 1 FROM variant AS v,
       generate_series(0, 2) AS n""",
    """INSERT INTO customer (id, created_at) SELECT 'k' || n, :now FROM generate_series(0, :people
       - 1, 3) AS n""",
    """INSERT INTO cart (id, version, latest_at_us, currency, created_at) SELECT 'k' || n, 1, 1,
       'EUR', :now FROM generate_series(0, :people - 1) AS n""",
    """INSERT INTO shopper_session (id, cart_id, locale, created_at, customer_id) SELECT 'k' || n,
       'k' || n, CASE n % 3 WHEN 0 THEN 'en' WHEN 1 THEN 'he' ELSE 'pl' END, :now, CASE WHEN n % 3
       = 0 THEN 'k' || n END FROM generate_series(0, :people - 1) AS n""",
    """INSERT INTO cart_line (cart_id, gtin, sku, quantity, added_at_us, last_at_us,
       last_operation_id, currency) SELECT 'k' || n, v.gtin, v.sku, 1, 1, 1, 'x', 'EUR' FROM
       generate_series(0, :people - 1, 5) AS n JOIN variant AS v ON v.sku = 'S' || n % :articles""",
    """INSERT INTO consent_subject (id, customer_id, session_id, began_at) SELECT 'k' || n, CASE
       WHEN n % 3 = 0 THEN 'k' || n END, CASE WHEN n % 3 <> 0 THEN 'k' || n END, :now FROM
       generate_series(0, :people - 1, 5) AS n""",
    """INSERT INTO consent_wording (hash, purpose, version, locale, text) VALUES ('w',
       'ad_audiences', 1, 'en', 'May we?')""",
    """INSERT INTO consent (subject_id, purpose, number, granted, source, wording_hash,
       location_id, decided_at) SELECT 'k' || n, 'ad_audiences', 1, n % 2 = 0, 'page', 'w', '',
       :now FROM generate_series(0, :people - 1, 5) AS n""",
    """INSERT INTO interaction (id, position, session_id, kind, channel, at_us, kept_at_us, gtin,
       sku, quantity, amount_minor, currency, location_id, device_id, ref) SELECT 'i' || n, n + 1,
       'k' || n % :people, CASE n % 11 WHEN 0 THEN 'ordered' WHEN 1 THEN 'tried' ELSE 'scanned'
       END, 'tablet', :now_us - CAST(random() * random() * :year_us AS bigint), :now_us, v.gtin,
       v.sku, 1, CASE WHEN n % 11 = 0 THEN 1999 ELSE 0 END, 'EUR', 'l' || n % :locations, '', ''
       FROM generate_series(0, :touches - 1) AS n JOIN variant AS v ON v.sku = 'S' ||
       (n % 1999 * 7919) % :articles""",
    """INSERT INTO timeline_mark (name, position, read_until_us) VALUES ('timeline', :touches, 0),
       ('segments', :touches, :now_us), ('segment-changes', 0, 0)""",
)


def rules() -> list[str]:
    """Return twenty rules, the first of them that of the marketer's example."""
    example = (
        '{"if":"all","rules":[{"if":"did","kind":"scanned","of":{"category":"c1"},"times":2,'
        '"days":14},{"if":"not_bought","of":{"category":"c1"},"days":90},'
        '{"if":"consented","to":"ad_audiences"},{"if":"in_stock","of":{"category":"c1"},'
        '"days":14,"near":{"km":30}}]}'
    )
    return [
        example,
        *(
            f'{{"if":"all","rules":[{{"if":"did","kind":"scanned","of":{{"category":"c{one}"}},'
            f'"days":30}},{{"if":"not_bought","of":{{"brand":"b{one % 7}"}},"days":90}}]}}'
            for one in range(8)
        ),
        *(
            f'{{"if":"all","rules":[{{"if":"in_cart","of":{{"category":"c{one}"}}}},'
            '{"if":"speaks","locales":["he","pl"]}]}'
            for one in range(4)
        ),
        '{"if":"all","rules":[{"if":"seen","days":30},{"if":"known"}]}',
        '{"if":"not","rule":{"if":"seen","days":60}}',
        '{"if":"spent","at_least_minor":3000,"currency":"EUR","days":365}',
        '{"if":"bought","of":{"brand":"b2"},"pieces":1,"days":180}',
        '{"if":"all","rules":[{"if":"consented","to":"ad_audiences"},{"if":"known"}]}',
        '{"if":"last_at","at":["l1","l2"]}',
        '{"if":"in_stock","of":{"brand":"b3"},"days":30,"at":["l0"]}',
    ]


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def _people(engine: Engine, clock: FakeClock, number: int) -> None:
    with unit_of_work(engine) as db:
        for one in range(LOCATIONS):
            gln = f"95060001343{one:02d}"
            where = LocationRow(
                id=f"l{one}",
                gln=gln,
                name="L",
                country="NL",
                timezone="Europe/Amsterdam",
                latitude=52 + one / 5,
                longitude=5.0,
            )
            db.add(where)
    add_variants(engine, 0, ARTICLES)
    now_us = to_us(clock.now())
    bound = {
        "categories": CATEGORIES, "locations": LOCATIONS, "people": number, "now": clock.now(),
        "articles": ARTICLES, "touches": number * TOUCHES, "now_us": now_us,
        "year_us": 365 * 24 * 3_600 * 1_000_000,
    }  # fmt: skip
    for statement in FILLING:
        with unit_of_work(engine) as db:
            named = {name: value for name, value in bound.items() if f":{name}" in statement}
            db.connection().execute(text(statement), named)
    settle(engine)


def _counted(engine: Engine, clock: FakeClock, number: int) -> None:
    spent, sizes = [], []
    for rule in rules():
        began = time.perf_counter()
        with unit_of_work(engine) as db:
            sizes.append(filling.count(db, clock, CATALOGUE, read(rule)))
        spent.append(time.perf_counter() - began)
    if not any(sizes) or max(sizes) > number:
        msg = f"these rules find nobody: {sizes}"
        raise AssertionError(msg)
    report(
        f"counting a new rule among {number:,} people, median of 20", statistics.median(spent), "s"
    )
    report(f"counting a new rule among {number:,} people, slowest of 20", max(spent), "s")


def _filled(engine: Engine, clock: FakeClock, ids: SeededIds, number: int) -> None:
    spent = []
    for place, rule in enumerate(rules()):
        with unit_of_work(engine) as db:
            made = service.make(db, clock, ids, name=f"s{place}", rule=read(rule), by="staff")
            service.begin(db, made.id)
        began = time.perf_counter()
        with unit_of_work(engine) as db:
            filling.fill(db, clock, CATALOGUE, made.id)
        spent.append(time.perf_counter() - began)
    report(f"filling a segment of {number:,} people, slowest of 20", max(spent), "s")
    settle(engine)


def _event(home: str, number: int, clock: FakeClock, rng: random.Random) -> Interaction:
    gtin = gtin_of(rng.randrange(ARTICLES))
    return Interaction(
        f"new:{number}", home, Kind.SCANNED, Channel.TABLET, clock.now(), gtin=gtin, quantity=1,
        location_id="l1",
    )  # fmt: skip


def _followed(engine: Engine, clock: FakeClock, number: int, events: int) -> None:
    rng = random.Random(5)
    spent, ours, weighed, changes = [], [], [], 0
    for one in range(events):
        clock.advance(1)
        home = f"k{rng.randrange(number)}"
        with unit_of_work(engine) as db:
            timeline.keep(db, clock, [_event(home, one, clock, rng)])
        began, busy = time.perf_counter(), time.process_time()
        with unit_of_work(engine) as db:
            moved = keeping.follow(db, clock, CATALOGUE)
        spent.append(1_000 * (time.perf_counter() - began))
        ours.append(1_000 * (time.process_time() - busy))
        changes += moved.entered + moved.left
        with unit_of_work(engine) as db:
            segments = queries.active(db)
            now_us = to_us(clock.now())
            needs = Needs.of([segment.rule for segment in segments])
            found = queries.find(db, CATALOGUE, [home], needs, now_us)
        began = time.perf_counter()
        weigh_each(
            [one.rule for one in segments], found.people[home], found.places, now_us, briefly=True
        )
        weighed.append(1_000 * (time.perf_counter() - began))
    if not changes:
        msg = "no event moved anybody"
        raise AssertionError(msg)
    ordered = sorted(spent)
    name = f"one event, 20 segments, {number:,} people"
    report(f"{name}: from the timeline to the commit, p50", statistics.median(spent), "ms")
    report(f"{name}: from the timeline to the commit, p95", ordered[int(0.95 * events)], "ms")
    report(f"{name}: of our own processor, p50", statistics.median(ours), "ms")
    report(f"{name}: weighing alone, p50", statistics.median(weighed), "ms")


def _together(engine: Engine, clock: FakeClock, number: int) -> None:
    rng = random.Random(6)
    batch = keeping.FOLLOWED_MAX
    with unit_of_work(engine) as db:
        some = [_event(f"k{rng.randrange(number)}", 10**6 + n, clock, rng) for n in range(batch)]
        timeline.keep(db, clock, some)
    began = time.perf_counter()
    with unit_of_work(engine) as db:
        keeping.follow(db, clock, CATALOGUE)
    each = 1_000 * (time.perf_counter() - began) / batch
    report(f"one of {batch} events together, 20 segments, {number:,} people", each, "ms")


def main() -> None:
    """Fill a database, then measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=300)
    asked = parser.parse_args()
    clock, ids = FakeClock(), SeededIds(5)
    with running_postgres(CONFIGURATION + MEMORY) as server, server.database("template0") as url:
        engine = make_engine(url)
        upgrade(engine)
        began = time.perf_counter()
        _people(engine, clock, asked.profiles)
        sys.stderr.write(f"filled in {time.perf_counter() - began:.0f} s\n")
        _counted(engine, clock, asked.profiles)
        _filled(engine, clock, ids, asked.profiles)
        _followed(engine, clock, asked.profiles, asked.events)
        _together(engine, clock, asked.profiles)
        engine.dispose()


if __name__ == "__main__":
    main()
