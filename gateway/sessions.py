"""How this process hears devices: alone, all of them, or beside others, its share.

Owns what the rest of the gateway needs to know of it, and the plain case.
"""

from collections.abc import Iterable
from typing import Protocol

from gateway.hearing import Hearing
from gateway.ingest.fence import Fence, Unfenced
from gateway.mqtt import Incoming, MqttLink


class Sessions(Protocol):
    """The gateway's connections to what devices say."""

    @property
    def voice(self) -> MqttLink:
        """The link that devices are told by; it needs no session."""
        ...

    @property
    def fence(self) -> Fence:
        """What says in a transaction which messages are ours to do."""
        ...

    @property
    def has_chores(self) -> bool:
        """Whether the work that one process does for all is ours."""
        ...

    @property
    def online(self) -> bool:
        """Whether the broker sends all that we are to hear."""
        ...

    @property
    def connections(self) -> int:
        """Connections since the start."""
        ...

    @property
    def acked(self) -> int:
        """Messages that the broker need not send again."""
        ...

    def start(self) -> None:
        """Begin to connect; returns at once."""
        ...

    def stop(self) -> None:
        """Disconnect from everything, and let others have it."""
        ...

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until :attr:`online`; say whether it came in time."""
        ...

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge those that came on a present connection; return how many."""
        ...

    def holds(self, partition: str) -> bool:
        """Say whether the devices of this partition are ours to tell what others changed."""
        ...

    def trouble(self) -> str:
        """Return why nothing, or not everything, comes in; empty when all does."""
        ...


class SoleSession:
    """One session for each lane, for the devices of all partitions."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self.voice = hearing.events
        self.fence: Fence = Unfenced()
        self.has_chores = True

    @property
    def online(self) -> bool:
        """Whether the broker has confirmed all our subscriptions."""
        return self._hearing.online

    @property
    def connections(self) -> int:
        """Connections since the start."""
        return self._hearing.connections

    @property
    def acked(self) -> int:
        """Messages that the broker need not send again."""
        return self._hearing.acked

    def start(self) -> None:
        """Begin to connect."""
        self._hearing.start()

    def stop(self) -> None:
        """Disconnect."""
        self._hearing.stop()

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until :attr:`online`."""
        return self._hearing.wait_online(timeout_s)

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge those that came on the present connection."""
        return self._hearing.ack(messages)

    def holds(self, partition: str) -> bool:  # noqa: ARG002 - the protocol's
        """Say yes: there is nobody else."""
        return True

    def trouble(self) -> str:
        """Return why nothing, or no telemetry, comes in."""
        if not self._hearing.events.online:
            why = self._hearing.events.trouble
            return why or "not connected: nothing that devices say comes in"
        return "" if self.online else "no telemetry comes in; what people do does"
