"""Takes a file: reads it row by row, applies it chunk by chunk, and says what came of it.

Each chunk is a unit of work of its own: other writers wait for one chunk at
most, and a file that was cut off is simply taken again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from cart.db import unit_of_work
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import Unavailable
from cart.kernel.ids import Ids
from inventory_api.feeds.applying import Applied, Feed
from inventory_api.feeds.catalogue_feed import CatalogueFeed
from inventory_api.feeds.counts_feed import CountsFeed
from inventory_api.feeds.kinds import Kind
from inventory_api.feeds.locations_feed import LocationsFeed
from inventory_api.feeds.pictures import Pictures
from inventory_api.feeds.reading import Reader, digest
from inventory_api.feeds.report import Outcome, Problem, Report
from inventory_api.feeds.reviews_feed import ReviewsFeed
from inventory_api.feeds.tables import FeedRunRow

# 2,000 variants with prices take a quarter of a second; other writers wait no longer.
CHUNK_ROWS: Final = 2_000
# A chunk that met a lock, a deadlock or a broken connection is worth another try, not for ever.
ATTEMPTS_MAX: Final = 4
ATTEMPT_WAIT_S: Final = 0.5

Chunk = list[tuple[int, Any]]
Progress = Callable[[Outcome, float], None]  # what there is so far, and the share read (0 to 1)


@dataclass(frozen=True, slots=True)
class Importing:
    """What an import needs: the database, a clock, fresh ids, and the data folder."""

    engine: Engine
    clock: Clock
    ids: Ids
    data_dir: Path
    chunk_rows: int = CHUNK_ROWS

    def take(
        self,
        kind: Kind,
        path: Path,
        *,
        again: bool = False,
        progress: Progress = lambda _outcome, _share: None,
    ) -> Outcome:
        """Take one file and return what came of it.

        ``again``: count anew although the same counts file was taken before.

        Raises:
            UnusableFeed: no row can be read from the file; nothing was changed.
            Unavailable: the database does not answer; take the file again later.
        """
        started = self.clock.monotonic()
        outcome = Outcome(path.name, kind.value, self.ids.new("feed"))
        sha256 = digest(path)
        feed = self._feed(kind, path, sha256, outcome.run_id, again=again)
        reader: Reader[Any] = Reader(path, kind, feed.model)
        chunk: Chunk = []
        with Report(outcome, self.data_dir / "reports") as report:
            for line, row in reader.rows():
                if outcome.rows == 0:
                    self._started(outcome, sha256)
                outcome.rows += 1
                problems = row if isinstance(row, list) else feed.judge(line, row)
                if problems:
                    report.add(problems)
                if not any(problem.refused for problem in problems):
                    chunk.append((line, row))
                if len(chunk) == self.chunk_rows:
                    self._settle(feed, chunk, outcome, report)
                    chunk = []
                    progress(outcome, reader.bytes_read / reader.bytes_total)
            self._settle(feed, chunk, outcome, report)
        self._finished(outcome)
        outcome.seconds = self.clock.monotonic() - started
        return outcome

    def _feed(self, kind: Kind, path: Path, sha256: str, run_id: str, *, again: bool) -> Feed[Any]:
        if kind is Kind.LOCATIONS:
            return LocationsFeed(self.clock)
        if kind is Kind.CATALOGUE:
            return CatalogueFeed(self.clock, Pictures(path.parent, self.data_dir / "pictures"))
        if kind is Kind.COUNTS:
            reference = f"{sha256}-{run_id}" if again else sha256
            return CountsFeed(self.clock, reference=reference, run_id=run_id)
        return ReviewsFeed(self.clock)

    def _settle(self, feed: Feed[Any], chunk: Chunk, outcome: Outcome, report: Report) -> None:
        if not chunk:
            return
        applied = self._apply(feed, chunk)
        for problem in applied.problems:
            report.add([problem])
        outcome.changed += applied.changed
        outcome.taken += len(chunk) - len(applied.problems)

    def _apply(self, feed: Feed[Any], chunk: Chunk) -> Applied:
        """Apply a chunk; if the database refuses it, its halves, down to the row at fault."""
        try:
            return self._persist(feed, chunk)
        except DBAPIError as error:
            if len(chunk) == 1:
                reason = f"the database refuses it: {error.orig}"
                return Applied(0, [Problem(chunk[0][0], "", reason)])
        half = len(chunk) // 2
        first, second = self._apply(feed, chunk[:half]), self._apply(feed, chunk[half:])
        return Applied(first.changed + second.changed, first.problems + second.problems)

    def _persist(self, feed: Feed[Any], chunk: Chunk) -> Applied:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                with unit_of_work(self.engine) as db:
                    return feed.apply(db, chunk)
            except OperationalError as error:
                cause = error
                time.sleep(ATTEMPT_WAIT_S * attempt)
        msg = f"the database does not take it: {cause.orig}; take the file again later"
        raise Unavailable(msg) from cause

    def _started(self, outcome: Outcome, sha256: str) -> None:
        with unit_of_work(self.engine) as db:
            db.add(
                FeedRunRow(
                    id=outcome.run_id,
                    kind=outcome.kind,
                    file_name=outcome.file[-200:],
                    sha256=sha256,
                    started_at_us=to_us(self.clock.now()),
                )
            )

    def _finished(self, outcome: Outcome) -> None:
        with unit_of_work(self.engine) as db:
            run = db.get_one(FeedRunRow, outcome.run_id)
            run.finished_at_us = to_us(self.clock.now())
            run.rows_taken = outcome.taken
            run.rows_changed = outcome.changed
            run.rows_refused = outcome.refused
