"""A clock that can be set while a server runs by it: libfaketime before the system's own.

Only the time of day is moved, as by somebody who sets it; what measures how long
something takes goes on evenly, as it does on a real machine.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# Where Debian's package `libfaketime` and Fedora's put it.
_PLACES: Final = ("usr/lib/*/faketime/libfaketime.so.1", "usr/lib64/faketime/libfaketime.so.1")


class NoMovableClock(Exception):
    """There is no libfaketime here (`.ci/system_packages` gets it): no server's clock is set."""


class MovableClock:
    """The time of day of every process that is started with :attr:`environment`."""

    def __init__(self, library: Path, folder: Path) -> None:
        """Right at first. ``folder``: one that the server's own user may look into."""
        self._library = library
        self._file = folder / "clock"
        self.move(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to live by it."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_RESET": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }

    def move(self, wrong_s: int) -> None:
        """Set it so many seconds ahead of the right time, behind it if negative."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{wrong_s:+d}\n")
        fresh.chmod(0o644)
        fresh.replace(self._file)  # whoever reads it finds one or the other


@contextmanager
def movable_clock() -> Iterator[MovableClock]:
    """Yield one.

    Raises:
        NoMovableClock: there is no libfaketime.
    """
    found = [path for place in _PLACES for path in Path("/").glob(place)]
    if not found:
        msg = "libfaketime is not installed"
        raise NoMovableClock(msg)
    with tempfile.TemporaryDirectory(prefix="carryover-clock-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as a user of its own
        yield MovableClock(found[0], folder)
