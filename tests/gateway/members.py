"""Members that take their turns when a test says so: what tests of leases begin with."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, make_url

from cart.db import make_engine
from gateway.leases import service
from gateway.leases.membership import Membership
from gateway.leases.model import Lease
from gateway.leases.watch import BEAT_S
from tests.fakes.clock import FakeClock

Engines = Callable[[str], Engine]
"""Makes an engine whose connections bear a member's id."""


@contextmanager
def engines_of(url: str) -> Iterator[Engines]:
    """Yield what makes engines on this database, and dispose of them afterwards."""
    made: list[Engine] = []

    def make(me: str) -> Engine:
        named = make_url(url).update_query_dict({"application_name": me})
        made.append(make_engine(named.render_as_string(hide_password=False)))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


class Hands:
    """Notes what is worked for."""

    def __init__(self) -> None:
        self.open_now: set[str] = set()

    def open(self, name: str) -> None:
        """Begin."""
        assert name not in self.open_now
        self.open_now.add(name)

    def close(self, name: str) -> None:
        """End."""
        self.open_now.remove(name)


class Chain:
    """Members that take their turns when the test says so, each with a wall clock of its own."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self.members: dict[str, Membership] = {}
        self.hands: dict[str, Hands] = {}
        self.clocks: dict[str, FakeClock] = {}
        self.asleep: set[str] = set()

    def add(self, me: str, *, wall_s: float = 0.0) -> Membership:
        """Add one whose wall clock is wrong by so much."""
        clock, hands = FakeClock(), Hands()
        clock.jump(wall_s)
        made = Membership(self._engines(me), clock, me=me, name=f"box-{me}", holding=hands)
        self.members[me], self.hands[me], self.clocks[me] = made, hands, clock
        return made

    def pass_time(self, seconds: float) -> None:
        """Let all who are awake take a turn every half second."""
        for _ in range(round(seconds / BEAT_S)):
            for clock in self.clocks.values():
                clock.advance(BEAT_S)
            for me, member in self.members.items():
                if me not in self.asleep:
                    member.turn()

    def shares(self) -> dict[str, int]:
        """Return how many partitions each works for; all of them are worked for by one."""
        working = Counter(name for hands in self.hands.values() for name in hands.open_now)
        assert set(working.values()) <= {1}
        return {me: len(hands.open_now) for me, hands in self.hands.items()}


def leases(engine: Engine) -> dict[str, Lease]:
    """Return all leases by name."""
    return {one.name: one for one in service.seen(engine).leases}
