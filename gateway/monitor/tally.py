"""What a gateway has done since it started: fed once per batch, read when Prometheus asks.

The loop hands over what it has anyway; nothing is counted event by event on its way.
"""

import threading
from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.ingest.batch import Outcome
from gateway.ingest.read import Item

# One message at night, a thousand at full load.
MESSAGES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)
# From a commit on a good disk to the wait for a lock.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Source(Protocol):
    """What is read, not counted: the state of the gateway at this moment."""

    @property
    def held(self) -> Mapping[str, int]:
        """Messages taken from the broker and not acknowledged yet, by lane."""
        ...

    @property
    def held_max(self) -> Mapping[str, int]:
        """How many may be held."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker sends what devices say."""
        ...

    @property
    def connections(self) -> int:
        """How often it connected."""
        ...

    @property
    def acknowledged(self) -> int:
        """Messages that the broker need not send again."""
        ...


class State(Collector):
    """The source in the form that Prometheus reads, at the moment when it asks."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Name the figures without asking for them."""
        return [
            *(
                GaugeMetricFamily(_PREFIX + name, says, labels=["lane"])
                for name, says, _ in BY_LANE
            ),
            *(make(_PREFIX + name, says) for make, name, says, _ in FIGURES),
        ]

    def collect(self) -> Iterator[Metric]:
        """Ask the source."""
        for name, says, by_lane in BY_LANE:
            family = GaugeMetricFamily(_PREFIX + name, says, labels=["lane"])
            for lane, count in by_lane(self._source).items():
                family.add_metric([lane], count)
            yield family
        for make, name, says, of in FIGURES:
            yield make(_PREFIX + name, says, value=float(of(self._source)))


_PREFIX: Final = "carryover_gateway_"
BY_LANE: Final[tuple[tuple[str, str, Callable[[Source], Mapping[str, int]]], ...]] = (
    ("queue_messages", "Messages taken and not yet acknowledged.", lambda source: source.held),
    ("queue_limit_messages", "How many may be.", lambda source: source.held_max),
)
Family = type[GaugeMetricFamily] | type[CounterMetricFamily]
FIGURES: Final[tuple[tuple[Family, str, str, Callable[[Source], float]], ...]] = (
    (GaugeMetricFamily, "connected", "1 while the broker sends what devices say.",
     lambda source: source.connected),
    (CounterMetricFamily, "connections", "Connections to the broker since the start.",
     lambda source: source.connections),
    (CounterMetricFamily, "acknowledged", "Messages acknowledged to the broker.",
     lambda source: source.acknowledged),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What was done in a while; ``seconds``: of all batches, from taking them to their commit."""

    taken: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    batches: int = 0
    seconds: float = 0.0
    seconds_max: float = 0.0


class Tally:
    """The counters of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"carryover_gateway_{name}", says, labels, registry=registry)

        self._taken = counter("messages_taken", "Messages from devices, by type.", "kind")
        self._stored = counter("events_stored", "Events stored for the first time.", "kind")
        self._again = counter("events_duplicate", "Events that were stored before.", "kind")
        self._dead = counter("dead_letters", "Messages kept as dead letters.", "reason")
        self._left = counter("messages_left", "Messages beyond a device's limit, left with it.")
        self._notices = counter("notices", "Notices sent to other processes.", "what")
        self._messages = Histogram(
            "carryover_gateway_batch_messages", "Messages in a batch.",
            buckets=MESSAGES, registry=registry,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._done = Done()
        self._seconds = Histogram(
            "carryover_gateway_batch_seconds", "From taking a batch to its commit.",
            buckets=SECONDS, registry=registry,
        )  # fmt: skip

    def committed(self, items: Sequence[Item], outcome: Outcome, seconds: float) -> None:
        """Count a batch of events that is committed; ``seconds`` since it was taken."""
        self._messages.observe(len(items))
        self._seconds.observe(seconds)
        fresh, dead_count = outcome.stored.total(), len(outcome.refused)
        with self._lock:
            done = self._done
            self._done = Done(
                done.taken + len(items),
                done.stored + fresh,
                done.duplicate + max(0, len(items) - fresh - dead_count),
                done.dead + dead_count,
                done.batches + 1,
                done.seconds + seconds,
                max(done.seconds_max, seconds),
            )
        taken = Count(item.kind for item in items)
        dead = Count(item.kind for item in outcome.refused)
        for kind, count in taken.items():
            stored = outcome.stored[kind]
            self._taken.labels(kind).inc(count)
            self._stored.labels(kind).inc(stored)
            self._again.labels(kind).inc(max(0, count - stored - dead[kind]))
        for reason, count in Count(
            item.error.code for item in outcome.refused if item.error
        ).items():
            self._dead.labels(reason).inc(count)
        for what, count in Count(type(notice).__name__ for notice in outcome.notices).items():
            self._notices.labels(what).inc(count)

    def heard(self, items: Sequence[Item]) -> None:
        """Count statuses and acks."""
        for kind, count in Count(item.kind for item in items).items():
            self._taken.labels(kind).inc(count)

    def left(self, count: int) -> None:
        """Count messages that were left with their devices."""
        if count:
            self._left.inc(count)

    def window(self) -> Done:
        """Return what was done since the last :meth:`count_off`."""
        return self._done

    def count_off(self, told: Done) -> None:
        """Take off what was told of; what was done meanwhile stays."""
        with self._lock:
            now = self._done
            self._done = Done(
                now.taken - told.taken,
                now.stored - told.stored,
                now.duplicate - told.duplicate,
                now.dead - told.dead,
                now.batches - told.batches,
                now.seconds - told.seconds,
                0.0 if now.batches == told.batches else now.seconds_max,
            )
