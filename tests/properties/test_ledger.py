"""The sum of the ledger is what is on hand, whatever happened, on both databases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cart.db import reading, unit_of_work
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import SeededIds
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.service import Importing
from inventory_api.stock import queries, recount, service
from inventory_api.stock.model import Reason
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import OTHER, SHOP, SKUS, fill
from tests.real.ledgers import unlock

PLACES = st.sampled_from([SHOP, OTHER, "moon"])  # the moon is no location: refused
ARTICLES = st.sampled_from([*SKUS[:2], "no-such"])
Step = tuple[str, dict[str, Any]]

moves = st.fixed_dictionaries(
    {
        "location_id": PLACES,
        "sku": ARTICLES,
        "delta": st.integers(-6, 6),  # zero is refused
        "reason": st.sampled_from(Reason),
        "reference": st.sampled_from([None, "r1", "r2"]),  # repeats, also with another delta
    }
)
counts = st.fixed_dictionaries(
    {
        "location_id": PLACES,
        "sku": ARTICLES,
        "on_hand": st.integers(-1, 9),
        "safety_stock": st.none() | st.integers(0, 3),
        "reference": st.sampled_from(["c1", "c2"]),
    }
)
rows = st.fixed_dictionaries(
    {"location_id": PLACES, "sku": ARTICLES, "on_hand": st.integers(-1, 9)}
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("move"), moves),
        st.tuples(st.just("count"), counts),
        st.tuples(st.just("import"), st.fixed_dictionaries({"rows": st.lists(rows, max_size=4)})),
        st.tuples(st.just("time"), st.fixed_dictionaries({"seconds": st.integers(-20, 20)})),
    ),
    min_size=1,
    max_size=25,
)


class World:
    """One database, used again for every example."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.clock = FakeClock()
        self.importing = Importing(engine, self.clock, SeededIds(5), folder, chunk_rows=2)
        self.feed = folder / "counts.jsonl"
        unlock(engine)  # each example begins with an empty one

    def clear(self) -> None:
        """Empty the shelves and the ledger."""
        with unit_of_work(self.engine) as db:
            db.connection().execute(text("DELETE FROM movement"))
            db.connection().execute(text("DELETE FROM stock"))

    def move(self, given: dict[str, Any]) -> None:
        """Move by the service."""
        with unit_of_work(self.engine) as db:
            service.move(db, self.clock, **given)

    def count(self, given: dict[str, Any]) -> None:
        """Count by the service."""
        with unit_of_work(self.engine) as db:
            service.count(db, self.clock, **given)

    def take(self, given: dict[str, Any]) -> None:
        """Count by a feed."""
        self.feed.write_text("".join(json.dumps(row) + "\n" for row in given["rows"]))
        self.importing.take(Kind.COUNTS, self.feed)

    def pass_time(self, given: dict[str, Any]) -> None:
        """Let the clock jump, also backwards."""
        self.clock.jump(given["seconds"])

    def rows(self) -> list[queries.Position]:
        """Every stock row."""
        with reading(self.engine) as db:
            return [row for sku in SKUS for row in queries.of_sku(db, sku)]

    def check(self, before: list[queries.Position]) -> None:
        """The ledger adds up; versions and times only grow."""
        with reading(self.engine) as db:
            assert recount.differences(db, 10) == []
        known = {(row.location_id, row.sku): row for row in before}
        for row in self.rows():
            old = known.get((row.location_id, row.sku))
            assert 0 <= row.available <= row.on_hand
            if old is None:
                continue
            assert (row.version == old.version) == (
                (row.on_hand, row.safety_stock) == (old.on_hand, old.safety_stock)
            )
            assert row.version >= old.version
            assert row.changed_at_us >= old.changed_at_us


def test_the_ledger_is_what_is_on_hand(engine: Engine, tmp_path: Path) -> None:
    """After every step: moves, counts and imports, repeated, refused, with a clock that jumps.

    A refused step leaves everything as it was.
    """
    fill(engine)
    world = World(engine, tmp_path)
    acts: dict[str, Callable[[dict[str, Any]], None]] = {
        "move": world.move,
        "count": world.count,
        "import": world.take,
        "time": world.pass_time,
    }

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(steps)
    def story(happens: list[Step]) -> None:
        world.clear()
        for name, given_ in happens:
            before = world.rows()
            try:
                acts[name](given_)
            except CarryoverError:
                assert world.rows() == before
            world.check(before)

    story()
