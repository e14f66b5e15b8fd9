"""What the tablet says of itself."""

from gateway.wire.downlink import DesiredData
from gateway.wire.events import HealthData
from store_devices.spool import Spool
from store_devices.tablet.battery import Battery
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.model import Locale
from store_devices.tablet.surroundings import Place


def health_of(
    place: Place,
    *,
    locale: Locale,
    desired: DesiredData | None,
    spool: Spool,
    catalogue: Catalogue,
    battery: Battery,
) -> HealthData:
    """Return the health of this moment; becomes the reported half of the twin."""
    edition = catalogue.edition
    percent, charging = battery.read()
    return HealthData(
        firmware=place.firmware,
        battery_percent=percent,
        charging=charging,
        locale=locale,
        desired_version=desired.version if desired else 0,
        spool_events=len(spool),
        spool_dropped=spool.dropped,
        clock_offset_ms=spool.offset_us // 1_000,
        catalogue_as_of=edition.as_of if edition else None,
    )
