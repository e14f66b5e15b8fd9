"""One gateway's place among the others: it beats, watches, takes its share and gives back.

One thread. Never waits for a batch or for the network of the broker: its beat would stop.
"""

import logging
import threading
from typing import Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.kernel.clock import Clock
from gateway.leases import service
from gateway.leases.model import CHORES, Step, step
from gateway.leases.queries import Seen
from gateway.leases.watch import BEAT_S, LEASE_S, Watch

logger = logging.getLogger(__name__)
# Pause between two looks while something is on its way to us: a partition that another one has
# given back stands still until we see it.
HURRY_S: Final = 0.1
STOP_WAIT_S: Final = 5.0


class Holding(Protocol):
    """Whoever does the work of a partition while we hold it."""

    def open(self, name: str) -> None:
        """Begin: we hold it."""
        ...

    def close(self, name: str) -> None:
        """End, and take nothing more of it; what was taken stays unacknowledged."""
        ...


class Membership:
    """A member ``me``, called ``name`` by people."""

    def __init__(
        self, engine: Engine, clock: Clock, *, me: str, name: str, holding: Holding
    ) -> None:
        self._engine = engine
        self._clock = clock
        self.me = me
        self.name = name
        self._holding = holding
        self._watch = Watch()
        self._joined = False
        self._held: frozenset[str] = frozenset()
        self._fresh_s = float("-inf")
        self._rested = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)

    def start(self) -> None:
        """Join, and begin to take our share."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, give everything back and leave; the others need not wait."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)
        held, self._fresh_s = self._held, float("-inf")
        for name in held:
            self._drop(name)
        try:
            for name in held:
                service.release(self._engine, name, me=self.me)
            service.leave(self._engine, me=self.me)
        except SQLAlchemyError as error:
            logger.warning("the others take over in %.0f s: %s", LEASE_S, error)

    @property
    def held(self) -> frozenset[str]:
        """What we hold, as of the last look."""
        return self._held

    @property
    def fresh(self) -> bool:
        """Whether our last beat is so young that nobody can have taken us for dead.

        Counted from before it was sent, by the clock that stands still as little as the
        watchers'. Who woke from a long sleep is not fresh.
        """
        return self._clock.monotonic() - self._fresh_s < LEASE_S

    @property
    def has_chores(self) -> bool:
        """Whether the work that one does for all is ours."""
        return CHORES in self._held and self.fresh

    def wait_rested(self, timeout_s: float) -> bool:
        """Wait until nothing is on its way to us or from us; say whether it came in time."""
        return self._rested.wait(timeout_s)

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopping.wait(wait_s):
            wait_s = BEAT_S
            try:
                if not self.turn():
                    wait_s = HURRY_S
            except SQLAlchemyError as error:
                logger.warning("leases wait for the database: %s", error)
            except Exception:  # without this thread nothing would be held or given back
                logger.exception("keeping leases")

    def turn(self) -> bool:
        """Beat, look, and go a step towards our share; say whether nothing is left to do."""
        asked_s = self._clock.monotonic()
        if not self._joined or not service.beat(self._engine, me=self.me):
            service.join(self._engine, self._clock, me=self.me, name=self.name)
            self._joined = True
        seen = service.seen(self._engine)
        beats = {one.id: one.beat for one in seen.members}
        living = self._watch.look(asked_s, self._clock.monotonic(), beats) | {self.me}
        # What an answer was lost of, the rows still say: they are the truth.
        rows = {one.name for one in seen.leases if one.holder == self.me}
        for lost in self._held - rows:
            logger.warning("%s was taken by another gateway", lost)
            self._drop(lost)
        # Not before what was lost is closed: a link may connect again only while we are fresh.
        self._fresh_s = asked_s
        for found in rows - self._held:
            self._begin(found)
        ours = step(self.me, living, seen.leases)
        self._do(ours)
        self._bury(seen, living)
        rested = not ours.release and self._has_share(ours)
        if rested:
            self._rested.set()
        else:
            self._rested.clear()
        return rested

    def _do(self, ours: Step) -> None:
        for lease in ours.release:
            self._drop(lease.name)
            service.release(self._engine, lease.name, me=self.me)
        for lease in ours.take:
            if service.take(self._engine, lease, me=self.me):
                self._begin(lease.name)

    def _has_share(self, ours: Step) -> bool:
        return all(one.name in self._held for one in ours.take)

    def _bury(self, seen: Seen, living: set[str]) -> None:
        for one in seen.members:
            if one.id not in living:
                service.forget(self._engine, member=one.id, beat=one.beat)

    def _begin(self, name: str) -> None:
        self._held |= {name}
        if name != CHORES:
            self._holding.open(name)

    def _drop(self, name: str) -> None:
        self._held -= {name}
        if name != CHORES:
            self._holding.close(name)
