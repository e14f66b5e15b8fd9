"""The device's spool: durable, bounded, in order, and it never gives up a scan."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cart.kernel.clock import to_us
from cart.kernel.errors import SpoolFull, Unavailable
from cart.kernel.gtin import Gtin
from cart.kernel.ids import SeededIds
from gateway.wire.codec import decode_event
from gateway.wire.downlink import Receipt
from gateway.wire.events import HealthData, ListData, ScannedData
from store_devices.delivery import Delivery
from store_devices.spool import (
    TELEMETRY_BYTES_MAX,
    TELEMETRY_EVENTS_MAX,
    TELEMETRY_LIMITS,
    Limits,
    Spool,
)
from tests.fakes.clock import FakeClock

SCAN = ScannedData(visit="v1", gtin=Gtin("4006381333931"))
HEALTH = HealthData(firmware="1.0")


def opened(path: Path, clock: FakeClock | None = None, limits: Limits | None = None) -> Spool:
    """Open the same file, as at every start."""
    return Spool(
        path / "spool.db",
        device_id="tablet-1",
        clock=clock or FakeClock(),
        ids=SeededIds(3),
        limits=limits,
    )


def sequences(spool: Spool) -> list[int]:
    """Return what is kept, by number."""
    return [kept.sequence for kept in spool.pending(limit=1_000)]


def test_an_event_is_ready_to_send_as_the_contract_says(tmp_path: Path) -> None:
    """What is pending decodes to the event that was added."""
    spool = opened(tmp_path)
    event = spool.add(SCAN)
    (kept,) = spool.pending()
    assert decode_event(kept.payload) == event
    assert (event.sequence, event.previous, event.spool) == (1, 0, spool.id)
    assert event.source == "/devices/tablet-1"


def test_previous_is_the_kept_event_before_at_the_time_of_sending(tmp_path: Path) -> None:
    """After a receipt the first that remains says previous 0, the others name their neighbour."""
    spool = opened(tmp_path)
    for _ in range(4):
        spool.add(SCAN)
    spool.receipt(spool.id, 2)
    previous = [json.loads(kept.payload)["previous"] for kept in spool.pending()]
    assert previous == [0, 3]
    assert [json.loads(k.payload)["previous"] for k in spool.pending(after=3)] == [3]


def test_a_receipt_for_numbers_it_never_gave_begins_a_new_spool(tmp_path: Path) -> None:
    """The file was put back from a copy: nothing is forgotten, all is due again, at once.

    The events keep their ids, times and order; a later receipt of the spool before is none.
    """
    clock = FakeClock()
    spool = opened(tmp_path, clock)
    kept = [spool.add(SCAN) for _ in range(4)]
    spool.receipt(spool.id, 1)
    delivery, old = Delivery(spool, clock), spool.id
    for one in delivery.due():
        delivery.sent(one)
    assert delivery.due() == []
    assert delivery.receipt(Receipt(spool=old, stored_through=9, at=clock.now())) == 0
    again = [decode_event(one.payload) for one in delivery.due()]
    assert [(one.spool, one.sequence, one.previous) for one in again] == [
        (spool.id, 1, 0),
        (spool.id, 2, 1),
        (spool.id, 3, 2),
    ]
    assert spool.id != old
    assert [(one.id, one.time, one.data) for one in again] == [
        (one.id, one.time, one.data) for one in kept[1:]
    ]
    assert delivery.receipt(Receipt(spool=old, stored_through=9, at=clock.now())) == 0
    spool.close()
    spool = opened(tmp_path, clock)  # it is on the disk
    assert (spool.add(SCAN).sequence, sequences(spool)) == (4, [1, 2, 3, 4])
    assert spool.receipt(spool.id, 4) == 4


def test_a_copy_that_worked_on_before_it_came_back_forgets_nothing(tmp_path: Path) -> None:
    """Its numbers have passed the server's mark: what was never sent is not what was stored."""
    clock = FakeClock()
    spool = opened(tmp_path, clock)
    for _ in range(3):
        spool.add(SCAN)
    delivery, old = Delivery(spool, clock, window_max=2), spool.id
    for _ in range(7):  # away from the server, which has five from the file before
        spool.add(SCAN)
    for one in delivery.due():
        delivery.sent(one)
    assert delivery.receipt(Receipt(spool=old, stored_through=5, at=clock.now())) == 0
    assert (spool.id != old, sequences(spool)) == (True, [*range(1, 11)])


def test_a_receipt_for_another_spool_changes_nothing(tmp_path: Path) -> None:
    """Receipts of a file that was lost cannot empty the present one."""
    spool = opened(tmp_path)
    spool.add(SCAN)
    assert spool.receipt("spool_of-another-life", 99) == 0
    assert sequences(spool) == [1]


def test_a_reboot_keeps_events_numbers_state_and_name(tmp_path: Path) -> None:
    """Nothing that was on the disk is lost, and numbers go on."""
    first = opened(tmp_path)
    first.add(SCAN, remember=lambda event: {"visit": f"of {event.sequence}"})
    first.add(SCAN)
    first.receipt(first.id, 2)
    first.close()
    again = opened(tmp_path)
    assert again.id == first.id
    assert again.recall("visit") == "of 1"
    assert again.add(SCAN).sequence == 3


def test_time_never_runs_backwards(tmp_path: Path) -> None:
    """A clock set back by an hour, also across a reboot, gives later times still."""
    clock = FakeClock()
    spool = opened(tmp_path, clock)
    first = spool.add(SCAN)
    clock.jump(-3600)
    second = spool.add(SCAN)
    spool.close()
    third = opened(tmp_path, clock).add(SCAN)
    assert second.time == first.time + timedelta(microseconds=1)
    assert third.time == second.time + timedelta(microseconds=1)


def test_times_follow_the_servers_clock_and_what_it_showed(tmp_path: Path) -> None:
    """The learnt offset is added and kept; an observed moment is passed by one microsecond."""
    clock = FakeClock()
    spool = opened(tmp_path, clock)
    spool.learn(7_000_000)
    assert spool.add(SCAN).time == clock.now() + timedelta(seconds=7)
    shown = clock.now() + timedelta(seconds=60)
    spool.observe(shown)
    assert spool.add(SCAN).time == shown + timedelta(microseconds=1)
    spool.close()
    assert opened(tmp_path, clock).offset_us == 7_000_000


def test_a_full_spool_gives_up_the_oldest_health_first(tmp_path: Path) -> None:
    """Scans stay, the oldest health goes and is counted."""
    spool = opened(tmp_path, limits=Limits(events_max=4))
    spool.add(HEALTH)
    spool.add(SCAN)
    spool.add(HEALTH)
    spool.add(SCAN)
    spool.add(SCAN)
    assert sequences(spool) == [2, 3, 4, 5]
    assert spool.dropped == 1


def test_full_of_scans_it_refuses_health_and_then_says_so(tmp_path: Path) -> None:
    """Scans go on into the reserve; at its end the caller is told, and nothing changed."""
    spool = opened(tmp_path, limits=Limits(events_max=3, reserve=2))
    for _ in range(3):
        spool.add(SCAN)
    with pytest.raises(SpoolFull):
        spool.add(HEALTH)
    assert (sequences(spool), spool.dropped) == ([1, 2, 3], 1)
    for _ in range(3):
        spool.add(SCAN)
    with pytest.raises(SpoolFull):
        spool.add(SCAN)
    assert sequences(spool) == [1, 2, 3, 4, 5, 6]
    spool.receipt(spool.id, 6)
    assert spool.add(SCAN).sequence == 7


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    """The size of what is kept counts, not only the number."""
    spool = opened(tmp_path, limits=Limits(bytes_max=700, reserve=1))
    spool.add(HEALTH)
    spool.add(SCAN)
    spool.add(SCAN)
    with pytest.raises(SpoolFull):
        spool.add(SCAN)
    assert sequences(spool) == [2, 3]
    assert spool.size_bytes <= 700


def test_a_full_disk_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    """SQLite's own refusal becomes ours; what was kept is kept, also at the next start."""
    spool = opened(tmp_path, limits=Limits(pages_max=40))
    added = 0
    with pytest.raises(Unavailable, match="full"):  # noqa: PT012 - it must happen on the way
        for _ in range(2_000):
            spool.add(SCAN)
            added += 1
    assert len(spool) == added == len(sequences(spool))
    assert spool.sequence == added
    spool.close()
    again = opened(tmp_path)
    assert sequences(again) == list(range(1, added + 1))
    assert again.add(SCAN).sequence == added + 1


def test_what_a_receipt_covered_is_in_no_file(tmp_path: Path) -> None:
    """An e-mail address is overwritten, not merely unlinked, once it is stored elsewhere."""
    spool = opened(tmp_path)
    spool.add(ListData(visit="v1", email="dana.levi@example.com"))
    assert any(b"dana.levi" in file.read_bytes() for file in tmp_path.glob("spool.db*"))
    spool.receipt(spool.id, 1)
    assert not any(b"dana.levi" in file.read_bytes() for file in tmp_path.glob("spool.db*"))


WRITER = """
import sys
from pathlib import Path
from cart.kernel.clock import SystemClock
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from gateway.wire.events import ScannedData
from store_devices.spool import Spool

spool = Spool(Path(sys.argv[1]), device_id="tablet-1", clock=SystemClock(), ids=RandomIds())
while True:
    event = spool.add(ScannedData(visit="v1", gtin=Gtin("4006381333931")))
    print(event.sequence, event.id, flush=True)
"""


def test_it_survives_being_killed_in_the_middle(tmp_path: Path) -> None:
    """Every event that add() returned is there after SIGKILL, in order, times growing."""
    path = tmp_path / "spool.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        promised = [writer.stdout.readline().split() for _ in range(60)]
        writer.kill()
        promised += [line.split() for line in writer.stdout if line.endswith("\n")]
    spool = opened(tmp_path)
    kept = [decode_event(event.payload) for event in spool.pending(limit=100_000)]
    assert [[str(event.sequence), event.id] for event in kept][: len(promised)] == promised
    assert [event.sequence for event in kept] == list(range(1, len(kept) + 1))
    stamps = [to_us(event.time) for event in kept]
    assert stamps == sorted(set(stamps))
    assert spool.add(SCAN).sequence == len(kept) + 1


def test_telemetry_keeps_the_newest(tmp_path: Path) -> None:
    """Two hours of reports and no more; the oldest go, no report is refused."""
    spool = opened(tmp_path, limits=TELEMETRY_LIMITS)
    for _ in range(TELEMETRY_EVENTS_MAX + 30):
        spool.add(HEALTH)
    assert sequences(spool) == [*range(31, TELEMETRY_EVENTS_MAX + 31)]
    assert (spool.dropped, spool.size_bytes <= TELEMETRY_BYTES_MAX) == (30, True)
