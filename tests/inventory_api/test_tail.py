"""Following the changes of stock: none is missed, none comes back older."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing

import pytest
from sqlalchemy import Engine, text

from cart.db import make_engine, reading, unit_of_work
from cart.kernel.clock import SystemClock, to_us
from inventory_api.stock import service, stream
from inventory_api.stock.live import LiveStock
from inventory_api.stock.model import Reason
from inventory_api.stock.queries import StockChange, changed_since
from inventory_api.stock.stream import Wanted, events, start_of
from inventory_api.stock.tail import OVERLAP_US, PAGE_ROWS, Tail
from tests.fakes.clock import FakeClock
from tests.inventory_api.shelf import OTHER, SHOP, SKUS, fill

NOTHING = Wanted()


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """A database with a catalogue and no stock."""
    fill(engine)
    return engine


def receive(engine: Engine, clock: FakeClock | SystemClock, sku: str = SKUS[0]) -> None:
    """Put one more piece on the shelf."""
    with unit_of_work(engine) as db:
        service.move(db, clock, location_id=SHOP, sku=sku, delta=1, reason=Reason.RECEIVED)


def states(changes: list[StockChange]) -> list[tuple[str, int, int]]:
    """SKU, available, version."""
    return [(change.sku, change.available, change.version) for change in changes]


def test_each_change_is_given_out_once(shop: Engine, clock: FakeClock) -> None:
    """The state after the last change, with all that a screen needs to find it."""
    tail = Tail(shop, to_us(clock.now()))
    assert tail.poll() == []
    receive(shop, clock)
    clock.advance(1)
    receive(shop, clock)
    receive(shop, clock, SKUS[1])
    (first, second) = tail.poll()
    assert states([first, second]) == [(SKUS[1], 1, 1), (SKUS[0], 2, 2)]
    assert (second.product_id, second.gtin, second.location_id) == ("lamp", "04006381333931", SHOP)
    assert second.as_of == clock.now()
    assert tail.poll() == []
    clock.advance(120)
    receive(shop, clock)
    assert states(tail.poll()) == [(SKUS[0], 3, 3)]


def test_a_change_that_commits_late_is_not_missed(shop: Engine, clock: FakeClock) -> None:
    """Its time lies before what was seen already; the overlap finds it."""
    tail = Tail(shop, to_us(clock.now()))
    late = FakeClock(clock.now())
    clock.advance(10)
    receive(shop, clock, SKUS[1])
    assert states(tail.poll()) == [(SKUS[1], 1, 1)]
    receive(shop, late, SKUS[0])  # stamped ten seconds ago, committed now
    assert states(tail.poll()) == [(SKUS[0], 1, 1)]
    assert tail.mark_us == to_us(clock.now())
    assert OVERLAP_US > 10_000_000


def test_what_was_seen_is_not_read_again_for_ever(shop: Engine, clock: FakeClock) -> None:
    """After an import nothing may change for hours; the mark goes on all the same."""
    tail = Tail(shop, to_us(clock.now()), clock.monotonic)

    def still_read() -> int:
        with reading(shop) as db:
            return len(changed_since(db, tail.mark_us - OVERLAP_US, PAGE_ROWS, after=("", "")))

    receive(shop, clock)
    assert states(tail.poll()) == [(SKUS[0], 1, 1)]
    clock.advance(5)
    assert tail.poll() == []
    assert still_read() == 1
    clock.advance(20)
    assert tail.poll() == []
    assert still_read() == 0
    late = FakeClock(clock.now())
    clock.advance(8)
    assert tail.poll() == []
    receive(shop, late, SKUS[1])  # stamped eight seconds ago, committed now
    assert states(tail.poll()) == [(SKUS[1], 1, 1)]


def test_a_pause_of_the_database_does_not_carry_the_mark_ahead(
    shop: Engine, clock: FakeClock
) -> None:
    """Nobody could look for a minute: what changed at its end, and what changes next, is seen."""
    tail = Tail(shop, to_us(clock.now()), clock.monotonic)
    assert tail.poll() == []
    clock.advance(60)
    receive(shop, clock)
    assert states(tail.poll()) == [(SKUS[0], 1, 1)]
    assert tail.mark_us == to_us(clock.now())
    clock.advance(1)
    receive(shop, clock, SKUS[1])
    assert states(tail.poll()) == [(SKUS[1], 1, 1)]


@pytest.fixture
def chain(postgresql_url: str) -> Iterator[Engine]:
    """PostgreSQL, where writers do not wait for each other."""
    engine = make_engine(postgresql_url)
    fill(engine)
    yield engine
    engine.dispose()


def test_a_writer_that_holds_its_transaction_open(chain: Engine) -> None:
    """While others commit and are seen, it commits last and is seen, too."""
    tail = Tail(chain, to_us(SystemClock().now()))
    seen: list[tuple[str, int, int]] = []
    with unit_of_work(chain) as db:
        service.move(
            db, SystemClock(), location_id=SHOP, sku=SKUS[0], delta=1, reason=Reason.RECEIVED
        )
        receive(chain, SystemClock(), SKUS[1])
        seen += states(tail.poll())
    seen += states(tail.poll())
    assert seen == [(SKUS[1], 1, 1), (SKUS[0], 1, 1)]


def test_more_changes_at_one_moment_than_a_page_holds(shop: Engine, clock: FakeClock) -> None:
    """Pages turn by time, location and SKU, so rows of one moment do not stop them."""
    count = PAGE_ROWS + 5
    with unit_of_work(shop) as db:
        for number in range(count):
            values = {"sku": f"many-{number:05}", "gtin": f"{number:014}", "us": to_us(clock.now())}
            db.connection().execute(
                text(
                    "INSERT INTO variant (sku, gtin, product_id, colour, colour_i18n, colour_hex,"
                    " size, material, active)"
                    " VALUES (:sku, :gtin, 'lamp', '', '{}', '', '', '', true)"
                ),
                values,
            )
            db.connection().execute(
                text(
                    "INSERT INTO stock (location_id, sku, on_hand, reserved, allocated,"
                    " safety_stock, version, changed_at_us)"
                    " VALUES ('harbour-street', :sku, 0, 0, 0, 0, 1, :us)"
                ),
                values,
            )
    tail = Tail(shop, to_us(clock.now()))
    assert [len(page) for page in tail.pages()] == [PAGE_ROWS, 5]
    assert tail.poll() == []


async def _take(source: AsyncIterator[str], count: int) -> list[dict[str, object]]:
    """Return the data of the next ``count`` events, with their ids."""
    found: list[dict[str, object]] = []
    async with asyncio.timeout(20):
        async for chunk in source:
            for block in chunk.split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.splitlines())
                if "data" in fields:
                    found.append({**json.loads(fields["data"]), "id": fields["id"]})
            if len(found) >= count:
                return found
    return found


def test_the_stream_resumes_where_it_was_lost(shop: Engine, clock: FakeClock) -> None:
    """What changed while nobody listened comes first, then what changes."""

    async def listen() -> None:
        start = start_of(None, clock)
        async with aclosing(events(shop, clock, None, start, NOTHING)) as source:
            receive(shop, clock)
            (first,) = await _take(source, 1)
        assert (first["sku"], first["available"], first["version"]) == (SKUS[0], 1, 1)
        assert first["as_of"] == clock.now().isoformat()
        clock.advance(3600)
        receive(shop, clock, SKUS[1])
        clock.advance(3600)
        again = start_of(str(first["id"]), clock)
        async with aclosing(events(shop, clock, None, again, NOTHING)) as source:
            found = await _take(source, 2)
        assert [one["sku"] for one in found] == [SKUS[0], SKUS[1]]  # at least once

    asyncio.run(listen())


def test_the_stream_tells_what_it_hears_at_once(shop: Engine) -> None:
    """Live, without looking; filtered; each state once; and it ends when the process does."""
    clock = SystemClock()
    live = LiveStock()
    begun = threading.Event()

    class Telling(LiveStock):
        def subscribe(self, deliver: Callable[[StockChange | None], None]) -> Callable[[], None]:
            unsubscribe = live.subscribe(deliver)
            begun.set()
            return unsubscribe

    def change(version: int, location_id: str = SHOP) -> StockChange:
        return StockChange(location_id, SKUS[0], "1", "lamp", 7, version, to_us(clock.now()))

    def tell() -> None:
        begun.wait(10)
        for one in (change(2, OTHER), change(2), change(1), change(2), change(3)):
            live.tell(one)
        live.tell(None)

    async def listen() -> list[dict[str, object]]:
        wanted = Wanted(location_ids=frozenset({SHOP}))
        source = events(shop, clock, Telling(), start_of(None, clock), wanted)
        thread = threading.Thread(target=tell)
        thread.start()
        found = await _take(source, 100)
        thread.join()
        return found

    found = asyncio.run(listen())
    assert [one["version"] for one in found] in ([2, 3], [3])


def test_a_slow_reader_costs_no_memory() -> None:
    """Beyond the limit what waits is dropped, and looked up again."""

    async def fill_up() -> None:
        box = stream._Mailbox()  # noqa: SLF001 - its bound is the point
        for number in range(stream.PENDING_MAX + 1):
            box.put(StockChange(SHOP, f"s{number}", "1", "p", 1, 1, 1))
        assert box.take() == []
        assert box.look

    asyncio.run(fill_up())


@pytest.mark.parametrize("given", [None, "", "nonsense", "٣", "9" * 30])
def test_an_id_that_is_none_of_ours_means_now(clock: FakeClock, given: str | None) -> None:
    """Also one from the future."""
    assert start_of(given, clock) == to_us(clock.now())
