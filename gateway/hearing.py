"""The links by which the devices of one partition, or of all, are heard: one for each lane.

Two sessions at the broker, because its queue is first in, first out, and acknowledgements
have to be in order on a connection: telemetry on the scans' session would hold them up there.
A third link hears sightings of bands, at QoS 0 and without a session: what comes while we are
away is not wanted, and a shop without receivers is none the worse where it does not stand.
"""

import time
from collections.abc import Iterable
from typing import Final

from gateway.mqtt import Incoming, MqttLink


class Hearing:
    """The links, connected and ended together."""

    def __init__(
        self, events: MqttLink, telemetry: MqttLink, sightings: MqttLink | None = None
    ) -> None:
        self.events: Final = events
        self.telemetry: Final = telemetry
        self.sightings: Final = sightings
        self._links = (events, telemetry)
        self._all = (*self._links, sightings) if sightings else self._links

    def start(self) -> None:
        """Begin to connect; returns at once."""
        for link in self._all:
            link.start()

    def forsake(self) -> None:
        """Take in and acknowledge nothing any more, from this moment on."""
        for link in self._all:
            link.forsake()

    def stop(self) -> None:
        """Disconnect; waits for the network threads."""
        self.forsake()
        for link in self._all:
            link.stop()

    @property
    def online(self) -> bool:
        """Whether the broker has confirmed the subscriptions of events and telemetry."""
        return all(link.online for link in self._links)

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until :attr:`online`; say whether it came in time."""
        until_s = time.monotonic() + timeout_s
        return all(link.wait_online(max(0.0, until_s - time.monotonic())) for link in self._links)

    @property
    def connections(self) -> int:
        """Connections since the start."""
        return sum(link.connections for link in self._links)

    @property
    def acked(self) -> int:
        """Messages that the broker need not send again."""
        return sum(link.acked for link in self._links)

    @property
    def first_generation(self) -> int:
        """What comes on these links comes on this connection of the process or a later one."""
        return min(link.first_generation for link in self._links)

    @property
    def generations(self) -> tuple[int, ...]:
        """The present connections."""
        return tuple(link.generation for link in self._links)

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge those that came on a present connection; return how many."""
        some = list(messages)
        return sum(link.ack(some) for link in self._links)
