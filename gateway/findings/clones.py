"""One credential, two devices: two processes that take the place at the broker from each other.

A process names itself in its status (``boot``, random at each start). Whoever starts anew has
a new name, so a name that comes back after another was heard is a second process that lives.
Firmware that gives no such name is told apart by its spool: a file that was put back from a
copy brings an old one back once, two devices do so again and again.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cart.kernel.errors import CarryoverError
from gateway.findings.service import Found
from gateway.findings.tables import FindingKind
from gateway.wire.codec import decode
from gateway.wire.downlink import Status

DEVICES_MAX: Final = 20_000  # remembered, those heard last; twice a chain
NAMES_MAX: Final = 4  # of each: two that take turns, and what they were before a restart
SPOOL_RETURNS_MIN: Final = 2
# A device whose folder was put back from a copy gives old numbers again until its first receipt
# tells it so: within a second, unless the gateway is behind.
COPY_NOTICED_S: Final = 60.0


@dataclass(slots=True)
class _Heard:
    """Names with the time of their newest status, by the device's clock; the present one last."""

    names: deque[tuple[str, datetime]] = field(default_factory=lambda: deque(maxlen=NAMES_MAX))
    returns: int = 0


class Clones:
    """Remembers in memory: after a start of the gateway the next turn is needed to see it again.

    Used by the ingest thread alone.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._devices: OrderedDict[str, _Heard] = OrderedDict()
        self._starts: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def hear(self, statuses: Iterable[tuple[str, bytes]]) -> None:
        """Note starts of devices' processes, before their events are looked at."""
        for device_id, payload in statuses:
            self._starting(device_id, payload)

    def _starting(self, device_id: str, payload: bytes) -> None:
        try:
            status = decode(Status, payload)
        except CarryoverError:
            return  # whoever stores it says so
        name = status.boot or status.spool
        if not status.online or name is None:
            return
        if self._starts.get(device_id, ("", 0.0))[0] != name:
            self._starts[device_id] = (name, self._monotonic())
            self._starts.move_to_end(device_id)
            if len(self._starts) > DEVICES_MAX:
                self._starts.popitem(last=False)

    def lately_started(self, device_id: str) -> bool:
        """Say whether the device may not know yet that its spool is a copy."""
        start = self._starts.get(device_id)
        return start is not None and self._monotonic() - start[1] < COPY_NOTICED_S

    def look(self, statuses: Iterable[tuple[str, Status]]) -> list[Found]:
        """Take in statuses by device, in their order; return whose place is taken in turns."""
        return [
            found
            for device_id, status in statuses
            if (found := self._look(device_id, status)) is not None
        ]

    def _look(self, device_id: str, status: Status) -> Found | None:
        name = status.boot or status.spool
        if not status.online or name is None or status.at is None:
            return None
        heard = self._devices.setdefault(device_id, _Heard())
        self._devices.move_to_end(device_id)
        if len(self._devices) > DEVICES_MAX:
            self._devices.popitem(last=False)
        known = dict(heard.names)
        if name in known and status.at <= known[name]:
            return None  # the same status once more: a broker may bring it twice, and late
        present = heard.names[-1][0] if heard.names else name
        if name in known:
            heard.names.remove((name, known[name]))
        heard.names.append((name, status.at))
        if name == present or name not in known:
            return None
        heard.returns += 1
        if status.boot is None and heard.returns < SPOOL_RETURNS_MIN:
            return None
        return Found(device_id, FindingKind.CLONED, f"{name} and {present} take turns")
