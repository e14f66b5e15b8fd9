"""A device that speaks for a place where it is not enrolled."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from gateway.findings.service import Found
from gateway.findings.tables import FindingKind
from gateway.registry.model import DeviceRecord
from gateway.wire.topics import DeviceAddress


class Heard(Protocol):
    """A message whose topic was read; ``address`` is None when that is nobody's."""

    @property
    def device_id(self) -> str:
        """The device that its topic names."""
        ...

    @property
    def address(self) -> DeviceAddress | None:
        """Where it was said."""
        ...


def elsewhere(refused: Iterable[Heard], devices: Mapping[str, DeviceRecord]) -> list[Found]:
    """Return which of these came from an enrolled device under a place that is not its own.

    Moved to another shop it is enrolled there anew: its partition and its topics are others.
    """
    return [
        Found(
            one.device_id,
            FindingKind.ELSEWHERE,
            f"it speaks for {one.address.location_id}, enrolled at"
            f" {devices[one.device_id].address.location_id}",
        )
        for one in refused
        if one.address is not None
        and one.device_id in devices
        and devices[one.device_id].address != one.address
    ]


def strays(tried: Mapping[str, str]) -> list[Found]:
    """Return findings of devices that the embedded broker kept from a topic, by device."""
    return [
        Found(device_id, FindingKind.ELSEWHERE, f"it tried to speak on {topic}")
        for device_id, topic in tried.items()
    ]
