"""A process with many devices in it: real spools on disk, real uplinks, nobody's hands.

``python -m tests.chaos.devices FOLDER``: ``FOLDER/host.json`` says which devices these
are. Each says its script from where its spool left off, so that killing the process at
any moment and starting it again goes on with the same sentence. What it said is noted
in the spool with the event, in one transaction: that is what the run is judged by.
"""

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cart.kernel.clock import SystemClock, to_us
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from gateway.wire.downlink import Command, StockNotice
from gateway.wire.events import DeviceEvent
from gateway.wire.topics import DeviceAddress, parse
from store_devices.link import Answer, LinkState, UplinkOptions
from store_devices.sayings import Saying
from store_devices.spool import Spool
from store_devices.uplink import Uplink
from tests.chaos.goods import goods
from tests.chaos.plan import Plan, Scale, plan_of, script

SAID: Final = "said:"
RESEND_AFTER_S: Final = 1.0
BACK_OFF_MIN_S: Final = 0.1
BREATH_S: Final = 0.002
GATE: Final = "gate"
"""The file beside the hosts' folders that says how far the stream may go, in events of all."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event as its device made it."""

    sequence: int
    event_id: str
    at_us: int


def note(event: DeviceEvent) -> Mapping[str, str | None]:
    """Return what is kept of an event after the receipt: enough to look for it afterwards."""
    return {f"{SAID}{event.sequence}": f"{event.id} {to_us(event.time)}"}


def spool_path(folder: Path, device_id: str) -> Path:
    """Return where a device keeps its events."""
    return folder / f"{device_id}.db"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a spool says of itself to somebody who opens the file."""

    spool: str
    sequence: int
    waiting: int


def look(path: Path) -> Kept:
    """Read how far a device is, out of its file, whether its process lives or not."""
    if not path.exists():
        return Kept("", 0, 0)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        try:
            state = dict(
                db.execute("SELECT key, value FROM state WHERE key IN ('spool', 'sequence')")
            )
            (waiting,) = db.execute("SELECT count(*) FROM event").fetchone()
        except sqlite3.OperationalError:  # it is being made just now
            return Kept("", 0, 0)
    return Kept(state.get("spool", ""), int(state.get("sequence", 0)), int(waiting))


def all_said(path: Path) -> list[Said]:
    """Return everything that a device ever said, by its own notes."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        rows = db.execute("SELECT key, value FROM state WHERE key LIKE ?", (f"{SAID}%",))
        found = [(int(key.removeprefix(SAID)), *value.split(" ")) for key, value in rows]
    return sorted(
        (Said(sequence, event_id, int(at_us)) for sequence, event_id, at_us in found),
        key=lambda one: one.sequence,
    )


class _Ears:
    """A device without a screen: it does what it is told, which is nothing to see."""

    def command(self, command: Command) -> Answer:  # noqa: ARG002 - the protocol's
        return Answer()

    def stock(self, notice: StockNotice) -> None:
        """Take no note."""

    def link(self, state: LinkState) -> None:
        """Take no note."""


class _Device:
    def __init__(
        self,
        folder: Path,
        address: DeviceAddress,
        facts: Mapping[str, Any],
        script: list[Saying],
    ) -> None:
        clock = SystemClock()
        path = spool_path(folder, address.device_id)
        self._spool = Spool(path, device_id=address.device_id, clock=clock, ids=RandomIds())
        self._uplink = Uplink(
            UplinkOptions(
                url=f"mqtt://{facts['mqtt_host']}:{facts['mqtt_port']}",
                address=address,
                credential=str(facts["credential"]),
                firmware="chaos",
                resend_after_s=RESEND_AFTER_S,
                back_off_min_s=BACK_OFF_MIN_S,
            ),
            spool=self._spool,
            clock=clock,
            hearer=_Ears(),
        )
        self._number = int(facts["number"])
        self._script = script

    def start(self) -> None:
        self._uplink.start()

    @property
    def is_done(self) -> bool:
        """Whether all of its script is in the spool."""
        return self._spool.sequence >= len(self._script)

    def say_next(self, plan: Plan, events: int) -> bool:
        """Say the next thing, unless it is ahead of where all are when they said ``events``.

        What the spool refuses is said again later, as by somebody whose scan was refused.
        """
        sequence = self._spool.sequence
        if sequence >= plan.allowed(self._number, events):
            return False
        try:
            self._spool.add(self._script[sequence], note)
        except Unavailable:
            return False
        self._uplink.wake()
        return True


def app() -> None:
    """Run until killed."""
    folder = Path(sys.argv[1])
    told = json.loads((folder / "host.json").read_text())
    plan = plan_of(told["seed"], Scale(**told["scale"]))
    wares = goods()
    devices: list[_Device] = []
    for facts in told["devices"]:
        address, _ = parse(str(facts["events_topic"]))
        said = script(plan, int(facts["number"]), wares)
        devices.append(_Device(folder, address, facts, said))
    for device in devices:
        device.start()
    pace_s = len(devices) * plan.scale.hosts / plan.scale.rate  # for a round of all of them
    gate = folder.parent / GATE
    while not all(device.is_done for device in devices):
        began_s = time.monotonic()
        events = int(gate.read_text() or 0)
        for device in devices:
            device.say_next(plan, events)
        time.sleep(max(BREATH_S, began_s + pace_s - time.monotonic()))
    threading.Event().wait()  # what is not stored yet is sent again meanwhile


if __name__ == "__main__":
    app()
