"""What the tablet says of itself, into a spool of its own: nobody at the tablet waits for it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cart.kernel.errors import CarryoverError
from gateway.wire.downlink import DesiredData
from gateway.wire.events import HealthData
from store_devices.spool import Spool
from store_devices.tablet.battery import Battery
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.model import Locale
from store_devices.tablet.surroundings import Place

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Reads the tablet's parts; ``spool`` is that of what people do, ``telemetry`` is ours.

    ``tags``: how a reader of tags does, None without one.
    """

    place: Place
    spool: Spool
    telemetry: Spool
    catalogue: Catalogue
    battery: Battery
    tags: Callable[[], Literal["reading", "silent", "gone"] | None] = lambda: None

    def report(self, *, locale: Locale, desired: DesiredData | None) -> bool:
        """Keep the health of this moment for the gateway; False when the disk refuses."""
        try:
            self.telemetry.add(self.now(locale=locale, desired=desired))
        except CarryoverError as error:
            _LOG.warning("no health event: %s", error.message)
            return False
        return True

    def now(self, *, locale: Locale, desired: DesiredData | None) -> HealthData:
        """Return the health of this moment; becomes the reported half of the twin."""
        edition = self.catalogue.edition
        percent, charging = self.battery.read()
        return HealthData(
            firmware=self.place.firmware,
            battery_percent=percent,
            charging=charging,
            locale=locale,
            desired_version=desired.version if desired else 0,
            spool_events=len(self.spool),
            spool_dropped=self.spool.dropped,
            clock_offset_ms=self.spool.offset_us // 1_000,
            catalogue_as_of=edition.as_of if edition else None,
            tags=self.tags(),
        )
