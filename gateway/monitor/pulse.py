"""A gateway's pulse: every few seconds one row of what it did, for the operator's charts.

In the database, so that whoever shows it need not know where the gateways run. While
the database is away nothing is lost but the shape: the next row has all of it.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, delete, select

from cart.db import unit_of_work
from cart.kernel.clock import Clock, to_us
from gateway.monitor.tables import GatewayPulseRow
from gateway.monitor.tally import Source, Tally
from gateway.wire.topics import Channel

logger = logging.getLogger(__name__)
BEAT_S: Final = 5.0  # a chart of a quarter of an hour has 180 points: one for each pixel or two
KEPT: Final = timedelta(hours=3)
TIDY_EVERY: Final = 60  # beats: what is too old goes every five minutes
STOP_WAIT_S: Final = 5.0
ROWS_MAX: Final = 20_000  # three hours of nine gateways


class Pulse:
    """One thread that writes the rows."""

    def __init__(
        self, engine: Engine, clock: Clock, *, name: str, tally: Tally, source: Source
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._name = name
        self._tally = tally
        self._source = source
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join(STOP_WAIT_S)

    def _run(self) -> None:
        beats, since_s = 0, self._clock.monotonic()
        while not self._stopping.wait(BEAT_S):
            now_s = self._clock.monotonic()
            try:
                self.beat(now_s - since_s, tidy=beats % TIDY_EVERY == 0)
            except SQLAlchemyError as error:
                logger.info("a pulse waits for the database: %s", error)
            else:
                beats, since_s = beats + 1, now_s

    def beat(self, span_s: float, *, tidy: bool) -> None:
        """Write one row; what was counted is counted off only when it is committed."""
        done = self._tally.window()
        now = self._clock.now()
        held, held_max = self._source.held, self._source.held_max
        row = GatewayPulseRow(
            gateway=self._name,
            at_us=to_us(now),
            span_ms=round(span_s * 1000),
            taken=done.taken,
            stored=done.stored,
            duplicate=done.duplicate,
            dead=done.dead,
            batches=done.batches,
            commit_us_sum=round(done.seconds * 1e6),
            commit_us_max=round(done.seconds_max * 1e6),
            held=held[Channel.EVENTS],
            held_max=held_max[Channel.EVENTS],
            telemetry_held=held[Channel.TELEMETRY],
            telemetry_held_max=held_max[Channel.TELEMETRY],
            connected=self._source.connected,
        )
        with unit_of_work(self._engine) as db:
            db.add(row)
            if tidy:
                db.exec(
                    delete(GatewayPulseRow).where(col(GatewayPulseRow.at_us) < to_us(now - KEPT))
                )
        self._tally.count_off(done)


@dataclass(frozen=True, slots=True)
class Beat:
    """All gateways together in one span of time; ``at_us`` is its end. Rates are per second."""

    at_us: int
    stored_per_s: float
    dead: int
    commit_ms: float
    commit_ms_max: float
    held: int
    telemetry_held: int = 0


def pulses(db: Session, since_us: int) -> Sequence[GatewayPulseRow]:
    """Return the rows since then, oldest first."""
    return db.exec(
        select(GatewayPulseRow)
        .where(col(GatewayPulseRow.at_us) > since_us)
        .order_by(col(GatewayPulseRow.at_us))
        .limit(ROWS_MAX)
    ).all()


def together(rows: Sequence[GatewayPulseRow], *, step_us: int) -> dict[int, Beat]:
    """Return the sum of all gateways by span of ``step_us``: spans without a row are absent."""
    spans: dict[int, list[GatewayPulseRow]] = {}
    for row in rows:
        spans.setdefault(row.at_us // step_us, []).append(row)
    return {number: _sum(number * step_us, found) for number, found in spans.items()}


def _sum(at_us: int, rows: Sequence[GatewayPulseRow]) -> Beat:
    # Two beats of one gateway in a span are one after the other: rates are of their whole time.
    per_gateway: dict[str, list[GatewayPulseRow]] = {}
    for row in rows:
        per_gateway.setdefault(row.gateway, []).append(row)
    batches = sum(row.batches for row in rows)
    return Beat(
        at_us=at_us,
        stored_per_s=sum(
            sum(row.stored for row in own) * 1000 / max(1, sum(row.span_ms for row in own))
            for own in per_gateway.values()
        ),
        dead=sum(row.dead for row in rows),
        commit_ms=sum(row.commit_us_sum for row in rows) / 1000 / batches if batches else 0.0,
        commit_ms_max=max(row.commit_us_max for row in rows) / 1000,
        held=sum(own[-1].held for own in per_gateway.values()),
        telemetry_held=sum(own[-1].telemetry_held for own in per_gateway.values()),
    )
