"""The MQTT sessions of each partition, under client ids that all gateways know.

Whoever holds the partition connects under them and finds what was in flight and what
waited, in order. Owns the links; decides nothing about leases.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.hearing import Hearing
from gateway.mqtt import Incoming

NEVER: Final = float("inf")


class MakesLink(Protocol):
    """Whoever knows broker and topics."""

    def __call__(self, partition: str, may_connect: Callable[[], bool]) -> Hearing:
        """Return the links of one partition; ``may_connect`` is asked before every connection."""
        ...


class PartitionSessions:
    """The sessions of the partitions that this process holds.

    ``fresh`` says whether we may still hold what we held: a link that has lost its
    connection stays away without it, since another gateway may have the session.
    """

    def __init__(
        self,
        make: MakesLink,
        *,
        fresh: Callable[[], bool],
        on_open: Callable[[str], None],
    ) -> None:
        self._make = make
        self._fresh = fresh
        self._on_open = on_open
        self._lock = threading.Lock()
        self._links: dict[str, Hearing] = {}
        self._gone_connections = 0
        self._gone_acked = 0
        self._ending: list[threading.Thread] = []

    def open(self, name: str) -> None:
        """Connect under the partition's client id: who has it is disconnected by the broker."""
        link = self._make(name, lambda: self._fresh() and self._links.get(name) is link)
        with self._lock:
            self._links[name] = link
        link.start()
        self._on_open(name)

    def close(self, name: str) -> None:
        """Take nothing more, and disconnect; does not wait for the network.

        What is not acknowledged stays with the broker for the next holder.
        """
        with self._lock:
            link = self._links.pop(name, None)
        if link is None:
            return
        link.forsake()
        self._gone_connections += link.connections
        self._gone_acked += link.acked
        ending = threading.Thread(target=link.stop, name=f"closing {name}", daemon=True)
        ending.start()
        self._ending = [*filter(threading.Thread.is_alive, self._ending), ending]

    def wait_closed(self, timeout_s: float) -> None:
        """Wait until the broker has been told of all that was closed."""
        until_s = time.monotonic() + timeout_s
        for one in self._ending:
            one.join(max(0.0, until_s - time.monotonic()))

    def since(self, name: str) -> float:
        """Return the first generation of a partition's present link; never while there is none."""
        link = self._links.get(name)
        return NEVER if link is None else link.first_generation

    def holds(self, name: str) -> bool:
        """Say whether we work for this partition."""
        return name in self._links

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge each message on the connection that it came on; return how many."""
        by_connection: defaultdict[int, list[Incoming]] = defaultdict(list)
        for one in messages:
            by_connection[one.generation].append(one)
        links = {one: link for link in self._present() for one in link.generations}
        return sum(
            links[generation].ack(some)
            for generation, some in by_connection.items()
            if generation in links
        )

    @property
    def names(self) -> list[str]:
        """The partitions that we work for."""
        return sorted(self._links)

    @property
    def offline(self) -> list[str]:
        """The partitions whose session we do not have at this moment."""
        with self._lock:
            return sorted(name for name, link in self._links.items() if not link.online)

    @property
    def connections(self) -> int:
        """Connections since the start."""
        return self._gone_connections + sum(link.connections for link in self._present())

    @property
    def acked(self) -> int:
        """Messages that the broker need not send again."""
        return self._gone_acked + sum(link.acked for link in self._present())

    def _present(self) -> list[Hearing]:
        with self._lock:
            return list(self._links.values())
