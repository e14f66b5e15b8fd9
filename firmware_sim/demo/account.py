"""What happened, counted from the devices' own spools and from what the server has of them.

Owns the comparison and its printing. An event is lost when a spool numbered it,
did not give it up itself, and the server does not have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firmware_sim.timing import percentile


@dataclass(frozen=True, slots=True)
class Numbered:
    """A spool at the end: the last number it gave, and how many it gave up for want of room."""

    device_id: str
    spool: str
    sequence: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Account:
    """The figures of a run."""

    visits: int
    scans: int
    lines: int
    claims: int
    lists_asked: int
    lists_sent: int
    movements: int
    missed: int
    orders_paid: int
    orders_ready: int
    orders_handed_over: int
    payments_refused: int
    differences: int
    dead_letters: int
    numbered: int
    stored: int
    latencies_ms: tuple[float, ...]

    @property
    def lost(self) -> int:
        """Events that the devices made and the server does not have."""
        return max(0, self.numbered - self.stored)

    def table(self) -> str:
        """Return the account as people read it."""
        rows = [
            ("visits", self.visits),
            ("scans", self.scans),
            ("lines on lists", self.lines),
            ("lists taken along by phone", self.claims),
            ("lists asked for by e-mail", self.lists_asked),
            ("lists sent", self.lists_sent),
            ("orders paid on the phone", self.orders_paid),
            ("payments refused by the bank", self.payments_refused),
            ("orders picked and ready", self.orders_ready),
            ("orders handed over", self.orders_handed_over),
            ("differences of money, orders and stock", self.differences),
            ("stock movements at the till", self.movements),
            ("events made by devices", self.numbered),
            ("events stored", self.stored),
            ("events lost", self.lost),
            ("events in dead letters", self.dead_letters),
            ("scan to phone, p50", _ms(percentile(list(self.latencies_ms), 0.50))),
            ("scan to phone, p95", _ms(percentile(list(self.latencies_ms), 0.95))),
            ("scans timed on phones", len(self.latencies_ms)),
        ]
        if self.missed:
            rows.append(("acts that did not come about", self.missed))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {value:>10}" for name, value in rows)


def stored_of(numbered: Sequence[Numbered], streams: Sequence[dict[str, Any]]) -> int:
    """Return how many of these spools' events the server has, none counted beyond its number."""
    known = {(one["device_id"], one["spool"]): one["events"] for one in streams}
    return sum(
        min(known.get((one.device_id, one.spool), 0), one.sequence - one.dropped)
        for one in numbered
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
