"""Whatever happens to a spool, scans stay in order and are never lost before their receipt."""

import json
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cart.kernel.errors import SpoolFull
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from gateway.wire.events import HealthData, ScannedData
from store_devices.spool import Limits, Spool
from tests.fakes.clock import FakeClock

LIMITS = Limits(events_max=6, reserve=2)
SCAN = ScannedData(visit="v1", gtin=Gtin("4006381333931"))
HEALTH = HealthData(firmware="1.0")


class SpoolMachine(RuleBasedStateMachine):
    """Adds, receipts, full, reboots and clock jumps against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.ids = SeededIds(1)
        self.spool = self.opened()
        self.scans: list[int] = []  # scans without a receipt
        self.health: set[int] = set()  # health that may still be there
        self.last_time = self.clock.now()
        self.numbers = 0

    def opened(self) -> Spool:
        """Open the file, as at every start."""
        return Spool(
            Path(self.folder.name) / "spool.db",
            device_id="tablet-1",
            clock=self.clock,
            ids=self.ids,
            limits=LIMITS,
        )

    @rule(health=st.booleans())
    def add(self, *, health: bool) -> None:
        """Add one event; a refusal happens only when the stated bound is reached."""
        before = self.kept()
        try:
            event = self.spool.add(HEALTH if health else SCAN)
        except SpoolFull:
            bound = LIMITS.events_max * (1 if health else LIMITS.reserve)
            assert len(self.scans) >= bound
            assert self.kept() == before
            return
        assert event.sequence == self.numbers + 1
        assert event.time > self.last_time or self.numbers == 0
        self.numbers, self.last_time = event.sequence, event.time
        if health:
            self.health.add(event.sequence)
        else:
            self.scans.append(event.sequence)

    @rule(part=st.floats(0, 1))
    def receipt(self, part: float) -> None:
        """The gateway has stored a part of it."""
        through = int(self.numbers * part)
        self.spool.receipt(self.spool.id, through)
        self.scans = [number for number in self.scans if number > through]
        self.health = {number for number in self.health if number > through}

    @rule(through=st.integers(0, 100))
    def foreign_receipt(self, through: int) -> None:
        """A receipt of another spool changes nothing."""
        before = self.kept()
        assert self.spool.receipt("another", through) == 0
        assert self.kept() == before

    @rule(orderly=st.booleans())
    def reboot(self, *, orderly: bool) -> None:
        """Power comes back, with or without a clean end before."""
        name, dropped, old = self.spool.id, self.spool.dropped, self.spool
        if orderly:
            old.close()
        self.spool = self.opened()
        if not orderly:
            old.close()
        assert (self.spool.id, self.spool.dropped) == (name, dropped)

    @rule(seconds=st.integers(-10_000, 10_000))
    def clock_jumps(self, seconds: int) -> None:
        """The machine's clock is set."""
        self.clock.jump(seconds)

    def kept(self) -> list[int]:
        """Return the sequences in the file."""
        return [event.sequence for event in self.spool.pending(limit=1_000)]

    @invariant()
    def nothing_but_health_is_missing(self) -> None:
        """Scans are all there in order; what is there besides is health; the chain is whole."""
        kept = self.kept()
        assert [number for number in kept if number not in self.health] == self.scans
        assert kept == sorted(kept)
        assert len(kept) == len(self.spool) <= LIMITS.events_max * LIMITS.reserve
        previous = [json.loads(e.payload)["previous"] for e in self.spool.pending(limit=1_000)]
        assert previous == ([0, *kept[:-1]] if kept else [])

    def teardown(self) -> None:
        """Leave no file behind."""
        self.spool.close()
        self.folder.cleanup()


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
