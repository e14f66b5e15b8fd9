"""The one place where a tablet's parts are joined; nothing is decided here."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from gateway.wire.tracing import make_tracer
from store_devices.certifying import Renewal, own_certificate
from store_devices.enrolling import Enrolled
from store_devices.hardware import Camera, Scanner
from store_devices.identity import address, firmware
from store_devices.keyring import DeviceKeyring
from store_devices.link import UplinkOptions
from store_devices.spool import TELEMETRY_LIMITS, Limits, Spool
from store_devices.tablet.agent import Agent
from store_devices.tablet.availability import Availability
from store_devices.tablet.battery import SystemBattery
from store_devices.tablet.catalogue import Catalogue
from store_devices.tablet.catalogue_sync import CatalogueSync
from store_devices.tablet.commands import Commands
from store_devices.tablet.fetching import Server
from store_devices.tablet.kiosk import Kiosk
from store_devices.tablet.pictures import Pictures
from store_devices.tablet.reading import CameraReading, ScannerReading
from store_devices.tablet.screen import Drawer
from store_devices.tablet.serving import Serving
from store_devices.tablet.settings import TabletSettings
from store_devices.tablet.surroundings import Place
from store_devices.uplink import Uplink

TICK_S: Final = 0.25  # the countdown on the screen changes within that of the second


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is plugged in. The camera is opened, and opened again, by its reader."""

    open_camera: Callable[[], Camera] | None = None
    scanner: Scanner | None = None


class Tablet:
    """A whole tablet. ``url`` is its kiosk page; ``agent`` its mind; ``spool`` what people did.

    A mirror is one with other parts: it overrides what makes them (``make_agent`` and so on).
    """

    kind = "tablet"

    def __init__(
        self,
        settings: TabletSettings,
        identity: Enrolled,
        *,
        hardware: Hardware,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """Open files and the port; nothing runs before :meth:`start`.

        Raises:
            Unavailable: a file cannot be opened.
            OSError: the port is taken.
        """
        folder = settings.device_dir
        folder.mkdir(parents=True, exist_ok=True)
        self._tracer = make_tracer(
            self.kind,
            settings.otel_exporter_otlp_endpoint,
            ratio=settings.trace_ratio,
            instance=identity.device_id,
        )
        self.spool: Final = Spool(
            folder / "spool.db",
            device_id=identity.device_id,
            clock=clock,
            ids=ids,
            limits=Limits(events_max=settings.spool_events_max, bytes_max=settings.spool_bytes_max),
            tracer=self._tracer,
        )
        self.telemetry: Final = Spool(
            folder / "telemetry.db",
            device_id=identity.device_id,
            clock=clock,
            ids=ids,
            limits=TELEMETRY_LIMITS,
        )
        self._catalogue = Catalogue(folder / "catalogue.db")
        self._server = Server(identity.api_url)
        pictures = Pictures(folder / "pictures", self._server)
        self._stock = Availability(self._server, changed=self._ring)
        place = Place(
            location_id=identity.location_id,
            public_url=identity.public_url,
            firmware=firmware(),
            locale=settings.tablet_locale,
            idle_after_s=settings.idle_after_s,
        )
        self._clock, self._ids = clock, ids
        self.agent: Agent = self.make_agent(place)
        self._uplink = Uplink(
            UplinkOptions(
                url=identity.mqtt_url,
                address=address(identity),
                credential=identity.credential,
                firmware=place.firmware,
                version=settings.mqtt_version,
                ca_file=settings.mqtt_ca_file,
                cert_file=own_certificate(folder, settings.mqtt_cert_file),
                key_file=settings.mqtt_key_file,
                resend_after_s=settings.resend_after_s,
            ),
            spool=self.spool,
            telemetry=self.telemetry,
            clock=clock,
            hearer=Commands(self.agent, self.spool, self._stock),
            keyring=DeviceKeyring(folder, identity, ids),
        )
        self._renewal = Renewal(folder, identity, clock)
        self._sync = CatalogueSync(
            server=self._server,
            catalogue=self._catalogue,
            pictures=pictures,
            refresh_s=settings.catalogue_every_s,
            changed=self.agent.catalogue_changed,
        )
        self._serving = Serving(self.make_kiosk(place, pictures, settings), settings.kiosk_port)
        self.url: Final = self._serving.url
        self._readings: list[CameraReading | ScannerReading] = []
        if hardware.open_camera is not None:
            self._readings.append(self.make_reading(hardware.open_camera))
        if hardware.scanner is not None:
            self._readings.append(ScannerReading(hardware.scanner, self.agent))
        self._health_every_s = settings.health_every_s
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)

    def make_agent(self, place: Place) -> Agent:
        """Return its mind."""
        return Agent(
            place,
            spool=self.spool,
            telemetry=self.telemetry,
            catalogue=self._catalogue,
            stock=self._stock,
            clock=self._clock,
            ids=self._ids,
            battery=SystemBattery(),
        )

    def make_kiosk(self, place: Place, pictures: Pictures, settings: TabletSettings) -> Kiosk:
        """Return its page."""
        drawer = Drawer(
            place,
            self._catalogue,
            self._stock,
            currency=settings.tablet_currency,
            zone=settings.tablet_time_zone,
        )
        return Kiosk(self.agent, drawer, pictures, framed_by=settings.kiosk_framed_by)

    def make_reading(self, open_camera: Callable[[], Camera]) -> CameraReading:
        """Return what reads its camera."""
        return CameraReading(open_camera, self.agent)

    def start(self) -> None:
        """Run."""
        self.agent.attach(self._uplink)
        self._serving.start()
        self._stock.start()
        self._uplink.start()
        self._sync.start()
        self._renewal.start()
        self._ticker.start()
        for reading in self._readings:
            reading.start()

    def stop(self) -> None:
        """End in order; the visit stays in the spool, as at a reboot."""
        self._stopping.set()
        for reading in self._readings:
            reading.stop()
        self._ticker.join()
        self._serving.stop()
        self._sync.stop()
        self._renewal.stop()
        self._uplink.stop()
        self._stock.stop()
        self._server.close()
        self._catalogue.close()
        self.spool.close()
        self.telemetry.close()
        if self._tracer is not None:
            self._tracer.close()

    @property
    def has_catalogue(self) -> bool:
        """Whether goods and shops are on it, so that it can show them."""
        return self._catalogue.edition is not None and bool(self._catalogue.locations())

    def _ring(self) -> None:
        self.agent.ring()

    def _tick(self) -> None:
        next_health_s = self._clock.monotonic()
        while not self._stopping.wait(TICK_S):
            self.agent.tick()
            if self._clock.monotonic() >= next_health_s:
                next_health_s += self._health_every_s
                self.agent.report_health()
