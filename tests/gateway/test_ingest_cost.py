"""A batch costs as many statements as one of its messages, whatever comes in it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event

from cart.db import reading
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds
from gateway.dead_letters import service as dead_letters
from gateway.mqtt import Incoming
from tests.fakes.shop import ARTICLES, UNKNOWN, Tablet, enrolled, ingest, stock_catalogue

CLOCK, IDS = SystemClock(), RandomIds()
FEW, MANY = 10, 200
DEVICES = 5
# A line of libpq's trace: time, F for what we say, length, kind of message.
SAID: Final = re.compile(r"\tF\t\d+\t(Query|Execute)\b")
Make = Callable[[Tablet, int], Incoming]


def scan(tablet: Tablet, number: int) -> Incoming:
    """Return a scan of one of three articles, in one of two visits."""
    return tablet.message(tablet.scanned(f"v{number % 2}", ARTICLES[number % 3][0]))


def removal(tablet: Tablet, number: int) -> Incoming:
    """Return a line taken off."""
    event = {"visit": f"v{number % 2}", "gtin": ARTICLES[number % 3][0]}
    return tablet.message(tablet.event("line.removed", event))


def unknown(tablet: Tablet, number: int) -> Incoming:
    """Return a scan of what is in no catalogue: a dead letter, each of its own."""
    return tablet.message(tablet.scanned(f"v{number % 2}", UNKNOWN))


def garbage(tablet: Tablet, number: int) -> Incoming:
    """Return what is no event; the same bytes come twice."""
    return tablet.message(b"{%d" % (number // 2))


@contextmanager
def executed(engine: Engine, trace: Path) -> Iterator[list[str]]:
    """Note each statement that is executed within; of PostgreSQL, what goes over the wire.

    Most statements of a batch go past SQLAlchemy there, so its events would not see them.
    """
    asked: list[str] = []
    if engine.dialect.name == "sqlite":

        def note(*said: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
            asked.append(said[2])

        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)
        return
    with trace.open("w+", encoding="utf-8") as written:

        def follow(connection: Any, *_: Any) -> None:  # noqa: ANN401 - psycopg's
            connection.pgconn.trace(written.fileno())

        def leave(connection: Any, *_: Any) -> None:  # noqa: ANN401
            connection.pgconn.untrace()

        event.listen(engine, "checkout", follow)
        event.listen(engine, "checkin", leave)
        yield asked
        event.remove(engine, "checkout", follow)
        event.remove(engine, "checkin", leave)
        asked += SAID.findall(trace.read_text(encoding="utf-8", errors="replace"))


@pytest.fixture
def tablets(engine: Engine) -> list[Tablet]:
    """Tablets of a shop with three articles, whose visits have begun."""
    stock_catalogue(engine)
    made = [Tablet(enrolled(engine, CLOCK, IDS), CLOCK) for _ in range(DEVICES)]
    first = [scan(one, number) for one in made for number in range(6)]
    ingest(engine, CLOCK, IDS, *first)
    return made


@pytest.mark.parametrize("make", [scan, removal, unknown, garbage])
def test_two_hundred_events_take_as_many_statements_as_ten(
    engine: Engine, tablets: Sequence[Tablet], make: Make, tmp_path: Path
) -> None:
    """Of five devices, both times: scans, removals, and what becomes dead letters."""
    numbers = count()

    def statements(events: int) -> int:
        messages = [make(tablets[number % DEVICES], next(numbers)) for number in range(events)]
        with executed(engine, tmp_path / "trace") as asked:
            ingest(engine, CLOCK, IDS, *messages)
        return len(asked)

    statements(FEW)  # whatever is asked once for all is asked
    few = statements(FEW)
    assert few > 3
    assert statements(MANY) == few


def test_dead_letters_of_a_batch_are_counted_each(engine: Engine, tablets: list[Tablet]) -> None:
    """The same bytes twice in one batch and again in the next are one letter, come three times."""
    tablet = tablets[0]
    ingest(engine, CLOCK, IDS, *(tablet.message(one) for one in (b"{1", b"{2", b"{1")))
    ingest(engine, CLOCK, IDS, tablet.message(b"{1"))
    with reading(engine) as db:
        found = {row.payload: row.times for row in dead_letters.listed(db, limit=10)}
    assert found == {b"{1": 3, b"{2": 1}
