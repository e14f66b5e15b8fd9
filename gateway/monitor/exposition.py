"""A process's metrics in the form that Prometheus reads, and gauges that are read when asked.

Owns a registry of its own: two gateways in one process never share figures.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from cart.db import reading
from cart.kernel.clock import Clock
from gateway.monitor.health import Health
from gateway.monitor.listener import Answer

# Prometheus asks every 15 s as a rule; two that ask cost the database no more than one.
READ_EVERY_S: Final = 10.0
Values = Mapping[Sequence[str], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One family of gauges that ``read`` finds in the database, by the values of its labels."""

    name: str
    says: str
    labels: tuple[str, ...]
    read: Callable[[Session], Values]


class DatabaseFigures(Collector):
    """Gauges of what the database holds; nothing is said while it does not answer."""

    def __init__(self, engine: Engine, clock: Clock, figures: Sequence[Figure]) -> None:
        self._engine = engine
        self._clock = clock
        self._figures = figures
        self._lock = threading.Lock()
        self._read_at_s = float("-inf")
        self._found: list[tuple[Figure, Values]] = []

    def describe(self) -> Iterable[Metric]:
        """Name the gauges without a look at the database."""
        return [_gauge(one, {}) for one in self._figures]

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, read anew if the last look is a while ago."""
        with self._lock:
            if self._clock.monotonic() - self._read_at_s >= READ_EVERY_S:
                self._found = self._read()
                self._read_at_s = self._clock.monotonic()
            found = self._found
        yield from (_gauge(figure, values) for figure, values in found)

    def _read(self) -> list[tuple[Figure, Values]]:
        try:
            with reading(self._engine) as db:
                return [(one, one.read(db)) for one in self._figures]
        except SQLAlchemyError:
            return []  # `carryover_ready` says so


def _gauge(figure: Figure, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(figure.name, figure.says, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


class Readiness(Collector):
    """``carryover_ready`` by part: what ``/health/ready`` says, for a chart and an alert."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def describe(self) -> Iterable[Metric]:
        """Name the gauge without asking."""
        return [self._family()]

    def collect(self) -> Iterator[Metric]:
        """Ask every part."""
        verdict = self._health.look()
        family = self._family()
        for part in verdict.parts:
            family.add_metric((part,), float(verdict.well(part)))
        yield family

    def _family(self) -> GaugeMetricFamily:
        says = "1 while this part is well, as /health/ready has it."
        return GaugeMetricFamily("carryover_ready", says, labels=("part",))


def fresh_registry() -> CollectorRegistry:
    """Return a registry that knows this process's memory, CPU time and open files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def metrics_page(registry: CollectorRegistry) -> Callable[[], Answer]:
    """Return the page ``/metrics``."""
    return lambda: Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry))
