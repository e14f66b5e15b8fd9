"""A gateway's part of the work, beside others: membership, sessions, fence, catching up.

The one place where they are joined; to the rest of the gateway it is its ``Sessions``.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Engine

from cart.kernel.clock import Clock
from gateway.leases.fence import LeaseFence
from gateway.leases.membership import Membership
from gateway.leases.sessions import MakesLink, PartitionSessions
from gateway.leases.watch import LEASE_S
from gateway.mqtt import Incoming, MqttLink

logger = logging.getLogger(__name__)
LOOK_S: Final = 0.05
STOP_WAIT_S: Final = 5.0


class SharedSessions:
    """Member ``me`` and the sessions of the partitions that it holds.

    ``catch_up`` tells the devices of a partition that we have just got what they may have
    missed: between two holders nobody listened for changes that others made.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        make: MakesLink,
        *,
        me: str,
        name: str,
        voice: MqttLink,
        catch_up: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self.voice = voice
        self._catch_up = catch_up
        self._taken: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._sessions = PartitionSessions(
            make, fresh=lambda: self._membership.fresh, on_open=self._taken.put
        )
        self._membership = Membership(engine, clock, me=me, name=name, holding=self._sessions)
        self.fence = LeaseFence(me, self._sessions.since)
        self._catching_up = threading.Thread(target=self._tell, name="catching up", daemon=True)

    def start(self) -> None:
        """Join the others and take our share; returns at once."""
        self.voice.start()
        self._catching_up.start()
        self._membership.start()

    def stop(self) -> None:
        """Give everything back; whoever takes it need not wait for our lease to end."""
        self._membership.stop()
        self._sessions.wait_closed(STOP_WAIT_S)
        self._taken.put("")
        self._catching_up.join(STOP_WAIT_S)
        self.voice.stop()

    @property
    def has_chores(self) -> bool:
        """Whether the work that one process does for all is ours."""
        return self._membership.has_chores

    @property
    def held(self) -> list[str]:
        """The partitions that we work for."""
        return self._sessions.names

    @property
    def online(self) -> bool:
        """Whether we are a member, and hear all that we hold."""
        return not self.trouble()

    @property
    def connections(self) -> int:
        """Connections since the start, of all sessions."""
        return self._sessions.connections

    @property
    def acked(self) -> int:
        """Messages that the broker need not send again."""
        return self._sessions.acked

    def wait_online(self, timeout_s: float) -> bool:
        """Wait until we have our share, and hear all of it; say whether it came in time."""
        until_s = self._clock.monotonic() + timeout_s
        if not self._membership.wait_rested(timeout_s):
            return False
        while not self.online:
            if self._clock.monotonic() > until_s:
                return False
            time.sleep(LOOK_S)
        return True

    def ack(self, messages: Iterable[Incoming]) -> int:
        """Acknowledge each on the link that it came on."""
        return self._sessions.ack(messages)

    def holds(self, partition: str) -> bool:
        """Say whether its devices are ours to tell what others changed."""
        return self._sessions.holds(partition)

    def trouble(self) -> str:
        """Return why not everything that we are to hear comes in."""
        if not self._membership.fresh:
            return f"the database has taken no beat for {LEASE_S:.0f} s: others may take over"
        if offline := self._sessions.offline:
            return f"not connected for {', '.join(offline)}"
        return "" if self.voice.online else "not connected: devices are told nothing"

    def _tell(self) -> None:
        while partition := self._taken.get():
            try:
                if self.holds(partition):
                    self._catch_up(partition)
            except Exception:  # devices ask again, and hear of the next change
                logger.exception("catching up for %s", partition)
