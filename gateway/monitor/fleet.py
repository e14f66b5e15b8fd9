"""What the database says of the devices, in figures: how many are how, and what they still hold."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, func, select

from cart.kernel.clock import Clock, from_us
from gateway.dead_letters import service as dead_letters
from gateway.findings.service import open_by_kind
from gateway.ingest.queries import waiting_for_missing
from gateway.ingest.tables import SequenceGapRow
from gateway.leases.model import CHORES
from gateway.leases.queries import look
from gateway.monitor import bands
from gateway.monitor.exposition import Figure, Values
from gateway.registry.model import ListedDevice
from gateway.registry.queries import listed
from gateway.twin.tables import TwinRow

STATUSES: Final = ("online", "offline", "never", "revoked")
# A tablet says how it is every minute; twice that, and it is only slow.
SEEN: Final = (
    ("2m", timedelta(minutes=2)),
    ("15m", timedelta(minutes=15)),
    ("1h", timedelta(hours=1)),
    ("1d", timedelta(days=1)),
)


def status_of(device: ListedDevice) -> str:
    """Return ``online``, ``offline``, ``never`` (heard of) or ``revoked``."""
    if device.revoked_at is not None:
        return "revoked"
    if device.last_seen_at is None:
        return "never"
    return "online" if device.online else "offline"


def by_status(db: Session) -> Values:
    """Return the number of devices in each state."""
    counts = Counter(map(status_of, listed(db)))
    return {(one,): counts[one] for one in STATUSES}


def by_last_seen(clock: Clock) -> Callable[[Session], Values]:
    """Return a reader of how many devices were last seen how long ago; none counts twice."""

    def read(db: Session) -> Values:
        now, counts = clock.now(), Counter[str]()
        for device in listed(db):
            if device.revoked_at is None and device.last_seen_at is not None:
                age = now - device.last_seen_at
                counts[next((name for name, most in SEEN if age <= most), "older")] += 1
        return {(name,): counts[name] for name in (*(name for name, _ in SEEN), "older")}

    return read


def spooled(db: Session) -> Values:
    """Return how many events the devices say they hold: in all, and the one that holds most."""
    held = [
        int(reported.get("spool_events", 0)) for reported in db.exec(select(TwinRow.reported)).all()
    ]
    return {("all",): sum(held), ("most",): max(held, default=0)}


def dropped(db: Session) -> Values:
    """Return how many events full spools had to give up, as the devices say."""
    rows = db.exec(select(TwinRow.reported)).all()
    return {(): sum(int(reported.get("spool_dropped", 0)) for reported in rows)}


def gaps(db: Session) -> Values:
    """Return how many sequence gaps are known."""
    return {(): db.exec(select(func.count()).select_from(SequenceGapRow)).one()}


def holes(db: Session) -> Values:
    """Return how many spools wait for numbers that were lost on the way."""
    return {(): waiting_for_missing(db)}


def waiting_letters(db: Session) -> Values:
    """Return how many dead letters wait for somebody."""
    return {(): dead_letters.counted(db)}


def odd(db: Session) -> Values:
    """Return of how many devices a finding is open, by kind."""
    return {(kind,): count for kind, count in open_by_kind(db).items()}


def newest_health(db: Session) -> Values:
    """Return when a device last said how it is, in seconds since 1970; 0 if none ever did."""
    at_us = db.exec(select(func.max(col(TwinRow.reported_at_us)))).one()
    return {(): from_us(at_us).timestamp() if at_us else 0.0}


def partitions(db: Session) -> Values:
    """Return how many partitions each of several gateways holds; ``nobody`` has those left."""
    seen = look(db)
    names = [seen.name_of(one.holder) for one in seen.leases if one.name != CHORES]
    counts = Counter(name or "nobody" for name in names)
    return {("nobody",): 0, **{(name,): count for name, count in counts.items()}} if names else {}


def figures(clock: Clock) -> tuple[Figure, ...]:
    """Return the gauges of the fleet."""
    return (
        Figure("carryover_devices", "Devices by state.", ("status",), by_status),
        Figure(
            "carryover_devices_seen", "Devices by when they were last seen, the nearest span.",
            ("within",), by_last_seen(clock),
        ),
        Figure("carryover_spool_events", "Events that devices still hold.", ("of",), spooled),
        Figure("carryover_spool_dropped", "Events that full spools gave up.", (), dropped),
        Figure("carryover_sequence_gaps", "Gaps in what devices numbered.", (), gaps),
        Figure("carryover_spools_missing", "Spools that wait for lost numbers.", (), holes),
        Figure("carryover_device_findings", "Devices with a finding.", ("kind",), odd),
        Figure("carryover_dead_letters_waiting", "Dead letters not done.", (), waiting_letters),
        Figure(
            "carryover_health_reported_timestamp_seconds", "When a device last said how it is.",
            (), newest_health,
        ),
        *bands.FIGURES,
        Figure("carryover_partitions", "Partitions by their gateway.", ("gateway",), partitions),
    )  # fmt: skip
