"""The one place where a mirror's parts are joined; nothing is decided here."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from store_devices.enrolling import Enrolled
from store_devices.hardware import Camera, Light, TagReader
from store_devices.light import NoLight
from store_devices.mirror import calibrate
from store_devices.mirror.agent import MirrorAgent
from store_devices.mirror.glass import GlassDrawer
from store_devices.mirror.keeping import Keeping
from store_devices.mirror.kiosk import kiosk
from store_devices.mirror.outbox import Outbox
from store_devices.mirror.settings import MirrorSettings
from store_devices.mirror.studio import Studio
from store_devices.mirror.uploading import client
from store_devices.mirror.watching import MirrorReading
from store_devices.tablet.kiosk import Kiosk
from store_devices.tablet.pictures import Pictures
from store_devices.tablet.reading import CameraReading
from store_devices.tablet.run import Hardware, Tablet
from store_devices.tablet.settings import TabletSettings
from store_devices.tablet.surroundings import Place
from store_devices.tags.watching import TagWatching


@dataclass(frozen=True, slots=True)
class MirrorHardware(Hardware):
    """What is plugged in. ``monotonic`` is the clock that the camera's frames are timed by.

    ``camera_name``: of which camera a calibration has to be; empty: of any.
    """

    light: Light | None = None
    open_tags: Callable[[], TagReader] | None = None
    monotonic: Callable[[], float] = time.monotonic
    camera_name: str = ""


class Mirror(Tablet):
    """A whole mirror."""

    kind = "mirror"

    def __init__(
        self,
        settings: MirrorSettings,
        identity: Enrolled,
        *,
        hardware: MirrorHardware,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """Open files and the port; nothing runs before :meth:`start`.

        Raises:
            Unavailable: a file cannot be opened.
            InvalidPayload: the calibration is none, or another camera's.
            OSError: the port is taken.
        """
        self._turned = settings.mirror_turned
        self.studio = Studio(
            light=hardware.light or NoLight(),
            ids=ids,
            monotonic=hardware.monotonic,
            calibration=None
            if settings.mirror_calibration is None
            else calibrate.load(settings.mirror_calibration, hardware.camera_name),
            hands=settings.mirror_hands,
        )
        self._http = client(identity.api_url, identity.device_id, identity.credential)
        self.outbox = Outbox(self._http, secrets.token_bytes, clock)
        self._keeping = Keeping(self.studio, self.outbox, self._http, secrets.token_bytes)
        super().__init__(settings, identity, hardware=hardware, clock=clock, ids=ids)
        self._tags: TagWatching | None = None
        if hardware.open_tags is not None:
            self._tags = TagWatching(hardware.open_tags, self._mind, clock)
            self._mind.watch_tags(self._tags.how_it_does)

    def make_agent(self, place: Place) -> MirrorAgent:
        """Return its mind."""
        self._mind = MirrorAgent(
            place,
            studio=self.studio,
            keeping=self._keeping,
            outbox=self.outbox,
            spool=self.spool,
            telemetry=self.telemetry,
            catalogue=self._catalogue,
            stock=self._stock,
            clock=self._clock,
            ids=self._ids,
        )
        return self._mind

    def make_kiosk(self, place: Place, pictures: Pictures, settings: TabletSettings) -> Kiosk:  # noqa: ARG002 - the agent has it
        """Return its page."""
        drawer = GlassDrawer(
            self._mind,
            catalogue=self._catalogue,
            stock=self._stock,
            currency=settings.tablet_currency,
            zone=settings.tablet_time_zone,
        )
        return kiosk(self._mind, drawer, pictures, framed_by=settings.kiosk_framed_by)

    def make_reading(self, open_camera: Callable[[], Camera]) -> CameraReading:
        """Return what reads its camera."""
        return MirrorReading(open_camera, self._mind, self.studio, self._turned)

    def start(self) -> None:
        """Run."""
        self.outbox.start()
        super().start()
        if self._tags is not None:
            self._tags.start()

    def stop(self) -> None:
        """End in order; pictures are wiped, what was not uploaded is lost."""
        self._keeping.give_up()
        if self._tags is not None:
            self._tags.stop()
        super().stop()
        self.studio.wipe()
        self.outbox.stop()
        self._http.close()
