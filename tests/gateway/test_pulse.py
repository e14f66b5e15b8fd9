"""A gateway's pulse: each row is what was done since the one before, whatever happens between."""

from collections import Counter

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from gateway.ingest.batch import Outcome
from gateway.ingest.read import Item, read
from gateway.monitor.pulse import KEPT, Pulse, pulses, together
from gateway.monitor.tally import Tally
from gateway.mqtt import Incoming
from tests.fakes.clock import FakeClock

RUBBISH = Incoming("nobody", b"", 1, 1, retain=False, generation=1)


class Gateway:
    """A gateway that holds seven messages."""

    held = {"events": 7, "telemetry": 3}  # noqa: RUF012 - as the protocol has it
    held_max = {"events": 100, "telemetry": 50}  # noqa: RUF012
    connections, acknowledged = 1, 0
    connected = True


def pulse_of(engine: Engine, clock: FakeClock, tally: Tally, name: str = "gateway") -> Pulse:
    """Return the pulse of a gateway."""
    return Pulse(engine, clock, name=name, tally=tally, source=Gateway())


def done(tally: Tally, stored: int, dead: int, seconds: float) -> None:
    """Count a batch with one duplicate in it."""
    items: list[Item] = [read(RUBBISH) for _ in range(stored + dead + 1)]
    tally.committed(items, Outcome(refused=items[:dead], stored=Counter(x=stored)), seconds)


def test_a_row_is_what_was_done_since_the_one_before(engine: Engine, clock: FakeClock) -> None:
    """Counts, mean and slowest commit; two gateways are summed, rates are per second."""
    tally, other = Tally(CollectorRegistry()), Tally(CollectorRegistry())
    pulse, second = pulse_of(engine, clock, tally), pulse_of(engine, clock, other, "second")
    done(tally, 90, 2, 0.01)
    done(tally, 10, 0, 0.03)
    done(other, 50, 0, 0.02)
    pulse.beat(5, tidy=False)
    second.beat(5, tidy=False)
    with reading(engine) as db:
        first, _ = rows = pulses(db, 0)
    assert (first.gateway, first.taken, first.stored, first.dead) == ("gateway", 104, 100, 2)
    assert (first.duplicate, first.batches) == (2, 2)
    assert (first.commit_us_sum, first.commit_us_max, first.held) == (40_000, 30_000, 7)
    (beat,) = together(rows, step_us=10_000_000).values()
    assert (beat.stored_per_s, beat.held, beat.dead) == (30.0, 14, 2)
    assert beat.commit_ms == pytest.approx(20.0)
    assert beat.commit_ms_max == pytest.approx(30.0)

    clock.advance(5)
    pulse.beat(5, tidy=False)
    with reading(engine) as db:
        last = pulses(db, first.at_us)[-1]
    assert (last.taken, last.stored, last.commit_us_max) == (0, 0, 0)


def test_what_could_not_be_written_is_in_the_next_row(engine: Engine, clock: FakeClock) -> None:
    """A database that refuses costs the shape of a chart, not what is counted in it."""
    tally = Tally(CollectorRegistry())
    pulse = pulse_of(engine, clock, tally)
    done(tally, 3, 0, 0.01)
    with unit_of_work(engine) as db:
        db.execute(text("ALTER TABLE gateway_pulse RENAME TO away"))
    with pytest.raises(SQLAlchemyError):
        pulse.beat(5, tidy=False)
    with unit_of_work(engine) as db:
        db.execute(text("ALTER TABLE away RENAME TO gateway_pulse"))
    done(tally, 4, 0, 0.02)
    pulse.beat(10, tidy=False)
    with reading(engine) as db:
        (row,) = pulses(db, 0)
    assert (row.stored, row.span_ms, row.commit_us_max) == (7, 10_000, 20_000)


def test_old_rows_go(engine: Engine, clock: FakeClock) -> None:
    """After three hours nobody charts them."""
    pulse = pulse_of(engine, clock, Tally(CollectorRegistry()))
    pulse.beat(5, tidy=True)
    clock.advance(KEPT.total_seconds() + 1)
    pulse.beat(5, tidy=True)
    with reading(engine) as db:
        assert [row.at_us for row in pulses(db, 0)] == [to_us(clock.now())]
