"""A shop's floor: the areas of each zone, and where each receiver hangs. Metres. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the floor."""

    left: float
    top: float
    right: float
    bottom: float

    def nearest(self, point: Point) -> Point:
        """Return the point of the area that is nearest to this one; itself if it is inside."""
        return (
            min(max(point[0], self.left), self.right),
            min(max(point[1], self.top), self.bottom),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The floor. ``zones``: each one's areas; ``receivers``: where each hangs, seen from above."""

    zones: Mapping[str, Sequence[Area]]
    receivers: Mapping[str, Point]

    def zone_at(self, point: Point) -> str:
        """Return the zone in which a point is, or the one that is nearest."""
        return min(self.zones, key=lambda zone: math.dist(point, self.nearest(zone, point)))

    def nearest(self, zone: str, point: Point) -> Point:
        """Return the point of a zone that is nearest to this one."""
        return min(
            (area.nearest(point) for area in self.zones[zone]),
            key=lambda near: math.dist(point, near),
        )
