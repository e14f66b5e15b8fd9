"""Collects the timeline from facts that stand in the database anyway.

Asks each source from where it had come to, and some time before that: what was committed late
is found too. The ids of interactions follow from those of the facts, so twice is once; any
number of processes may collect, and one that is killed has lost nothing. Reads without locking
anything; writes only what is new, in short units of work.
"""

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.journeys.collecting.model import At, Source, Told
from cart.kernel.clock import Clock, to_us
from cart.profile.timeline import queries, service

logger = logging.getLogger(__name__)
FACTS_AT_ONCE_MAX: Final = 500  # the timeline's lock is held for as long as they take: milliseconds
# Of one source in one round: a shop that has sold for years is told within minutes of rounds, and
# no source waits for another's past.
PAGES_MAX: Final = 40
MICROSECOND: Final = 1_000_000


def mark_of(source: Source) -> str:
    """Return the name under which it is noted how far a source was read."""
    return f"from:{source.name}"


def collect(engine: Engine, clock: Clock, sources: Sequence[Source]) -> int:
    """Keep what these sources have to tell since the last time; return how many were new."""
    return sum(_collect(engine, clock, one) for one in sources)


def _collect(engine: Engine, clock: Clock, source: Source) -> int:
    overlap_us = int(source.overlap.total_seconds() * MICROSECOND)
    with reading(engine) as db:
        until_us = queries.mark(db, mark_of(source)).read_until_us
    after, fresh = At(max(0, until_us - overlap_us)), 0
    for _ in range(PAGES_MAX):
        with reading(engine) as db:
            told = source.read(db, after, FACTS_AT_ONCE_MAX)
            known = queries.known(db, {one.id for one in told.interactions})
        new = [one for one in told.interactions if one.id not in known]
        moved_us = _seen_until_us(clock, told)
        if new or moved_us > until_us:
            with unit_of_work(engine) as db:
                fresh += service.keep(db, clock, new)
                service.moved(db, mark_of(source), read_until_us=moved_us)
        if not told.more or told.last is None:
            break
        after = told.last
    return fresh


def _seen_until_us(clock: Clock, told: Told) -> int:
    """Return up to when a source was read. Never ahead of now, whatever a clock said elsewhere."""
    return min(told.last.written_us, to_us(clock.now())) if told.last is not None else 0
