"""The battery's charge, where the machine has one that Linux shows."""

from pathlib import Path
from typing import Final, Protocol

_SYSTEM: Final = Path("/sys/class/power_supply")
_ON_POWER: Final = frozenset({"Charging", "Full", "Not charging"})


class Battery(Protocol):
    """Says how full it is."""

    def read(self) -> tuple[int | None, bool | None]:
        """Return percent and whether it hangs on the charger; None where nobody knows."""
        ...


class NoBattery:
    """A machine on the mains."""

    def read(self) -> tuple[int | None, bool | None]:
        """Return that nobody knows."""
        return None, None


class SystemBattery:
    """The first battery under ``/sys/class/power_supply``."""

    def __init__(self, folder: Path = _SYSTEM) -> None:
        self._folder = folder

    def read(self) -> tuple[int | None, bool | None]:
        """Return percent and whether it hangs on the charger; None where nobody knows."""
        for capacity in sorted(self._folder.glob("*/capacity")):
            try:
                percent = int(capacity.read_text())
                status = (capacity.parent / "status").read_text().strip()
            except (OSError, ValueError):
                continue
            return max(0, min(100, percent)), status in _ON_POWER
        return None, None
