"""What the following of bands has done, in the form that Prometheus reads. Nobody by name."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_PREFIX: Final = "carryover_gateway_"
SIGHTINGS: Final = f"{_PREFIX}sightings"
MESSAGES: Final = f"{_PREFIX}sightings_messages_lost"
KNOWN: Final = f"{_PREFIX}bands_known"


class Counts(Protocol):
    """What is counted; see :class:`gateway.presence.service.Figures`."""

    sightings: int
    resolved: int
    dropped: int
    refused: int


class Following(Protocol):
    """Whoever follows bands."""

    @property
    def figures(self) -> Counts:
        """What was done since the start."""
        ...

    @property
    def known(self) -> int:
        """How many bands' frames can be told apart from strangers'."""
        ...

    @property
    def forged(self) -> int:
        """Frames with an identifier of ours and a state that is not."""
        ...


class BandFigures(Collector):
    """The figures at the moment when somebody asks."""

    def __init__(self, following: Following) -> None:
        self._following = following

    def describe(self) -> Iterable[Metric]:
        """Name them without asking for them."""
        return [*_families()]

    def collect(self) -> Iterator[Metric]:
        """Ask."""
        counts, forged = self._following.figures, self._following.forged
        sightings, messages, known = _families()
        sightings.add_metric(["ours"], counts.resolved)
        sightings.add_metric(["forged"], forged)
        sightings.add_metric(["strangers"], max(counts.sightings - counts.resolved - forged, 0))
        messages.add_metric(["dropped"], counts.dropped)
        messages.add_metric(["refused"], counts.refused)
        known.add_metric([], self._following.known)
        yield from (sightings, messages, known)


def _families() -> tuple[CounterMetricFamily, CounterMetricFamily, GaugeMetricFamily]:
    return (
        CounterMetricFamily(SIGHTINGS, "Sightings of bands, by whose they were.", labels=["of"]),
        CounterMetricFamily(MESSAGES, "Messages of sightings not looked at.", labels=["why"]),
        GaugeMetricFamily(KNOWN, "Bands that somebody wears."),
    )
