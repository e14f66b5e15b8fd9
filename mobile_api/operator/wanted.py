"""Which devices an operator wants to see: a state, a location, words; as the page's address has it.

The same text is the key of the page's live stream, so that both show the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from gateway.monitor.fleet import status_of
from gateway.registry.model import ListedDevice

WORDS_LENGTH_MAX: Final = 64  # as long as an id or a name
KEY_LENGTH_MAX: Final = 1_000  # those words and a location, every character written as %D7%90
PATH: Final = "/operator/devices"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty: whatever. ``q``: part of a name or of an id, in any case."""

    status: str = ""
    location: str = ""
    q: str = ""

    @classmethod
    def of(cls, key: str) -> "Wanted":
        """Return what a key says; what it says besides is passed over."""
        said: Mapping[str, str] = dict(parse_qsl(key))
        return cls(said.get("status", ""), said.get("location", ""), said.get("q", "").strip())

    @property
    def key(self) -> str:
        """The query of the page's address, empty for all devices."""
        all_of_it = {"status": self.status, "location": self.location, "q": self.q}
        return urlencode({name: value for name, value in all_of_it.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether it was asked for some by place or words."""
        return bool(self.location or self.q)

    def href(self, status: str) -> str:
        """Return the address of the same devices in another state."""
        key = replace(self, status=status).key
        return f"{PATH}?{key}" if key else PATH

    def named(self, device: ListedDevice) -> bool:
        """Say whether a device has the words in its name or id."""
        words = self.q.casefold()
        return words in device.name.casefold() or words in device.id.casefold()

    def in_state(self, device: ListedDevice) -> bool:
        """Say whether a device is in the state."""
        return self.status in {"", status_of(device)}
