"""A tablet without a tablet: its own code, unchanged, on simulated hardware.

Owns the pieces that stand in for hardware: camera, finger, clock, network. All
of the tablet's behaviour is that of :mod:`store_devices.tablet`.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from cart.kernel.ids import RandomIds
from firmware_sim.camera import FRAMES_PER_S, SceneCamera
from firmware_sim.drift import DriftingClock
from firmware_sim.finger import Finger
from firmware_sim.look import Seen
from firmware_sim.network import HOST, Proxy
from firmware_sim.timing import Moments, TimedIds
from store_devices import identity
from store_devices.enrolling import Enrolled, enrol
from store_devices.spool import Spool
from store_devices.tablet.run import Hardware, Tablet
from store_devices.tablet.settings import TabletSettings
from store_devices.vision.confirmation import AWAY_S

MQTT_PORT: Final = 1883
OFFSET_MAX_S: Final = 90.0  # a tablet that nobody has set for a while
PPM_MAX: Final = 80.0  # a cheap quartz in a warm shop
PRESENT_S: Final = 1.5
SCAN_WAIT_S: Final = 30.0  # a presentation takes two seconds, and longer on a busy machine
LINK_WAIT_S: Final = 10.0
PRESENTATIONS_MAX: Final = 3  # a shopper turns the thing when it does not beep
CATALOGUE_WAIT_S: Final = 30.0
RECOVER_WAIT_S: Final = 60.0  # its uplink tries again every 30 s at the latest
HEALTH_EVERY_S: Final = 20
PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a simulated tablet is placed. ``clock_offset_s`` None draws one from the seed."""

    idle_after_s: int = 90
    frames_per_s: float = FRAMES_PER_S
    clock_offset_s: float | None = None
    locale: str = "en"
    resend_after_s: float = 5.0
    framed_by: str = ""


class SimTablet:
    """One enrolled tablet; ``start`` it, ``stop`` it, start it again as after a reboot."""

    def __init__(
        self,
        folder: Path,
        enrolled: Enrolled,
        *,
        seed: str,
        conditions: Conditions | None = None,
        moments: Moments | None = None,
    ) -> None:
        self.folder = folder
        self.device_id: Final = enrolled.device_id
        self.location_id: Final = enrolled.location_id
        self.moments = moments or Moments()
        self._conditions = conditions or Conditions()
        self._rng = Random(f"{seed} {enrolled.device_id}")  # noqa: S311 - repeatable on purpose
        self.broker_line = Proxy(_ends(enrolled.mqtt_url, MQTT_PORT))
        self.http_line = Proxy(_ends(enrolled.api_url, 80))
        self.broker_line.start()
        self.http_line.start()
        # It connects through the network that drops; links in its QR code go the straight way.
        self._enrolled = enrolled.model_copy(
            update={
                "mqtt_url": f"mqtt://{HOST}:{self.broker_line.port}",
                "api_url": f"http://{HOST}:{self.http_line.port}",
            }
        )
        offset_s = self._conditions.clock_offset_s
        if offset_s is None:
            offset_s = self._rng.uniform(-OFFSET_MAX_S, OFFSET_MAX_S)
        self.clock = DriftingClock(offset_s, self._rng.uniform(-PPM_MAX, PPM_MAX))
        self._running: Tablet | None = None
        self.camera: SceneCamera | None = None
        self.finger: Finger | None = None
        self._port = 0

    @classmethod
    def enrol(
        cls,
        folder: Path,
        api_url: str,
        token: str,
        *,
        seed: str = "7",
        conditions: Conditions | None = None,
        moments: Moments | None = None,
    ) -> "SimTablet":
        """Trade the one-time token as a real tablet does, and keep the identity in ``folder``."""
        enrolled = enrol(api_url, token, "simulated")
        identity.keep(folder, enrolled)
        return cls(folder, enrolled, seed=seed, conditions=conditions, moments=moments)

    @property
    def url(self) -> str:
        """The kiosk page."""
        return self._on.url

    @property
    def _on(self) -> Tablet:
        if self._running is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self._running

    @property
    def screen(self) -> Finger:
        """The touch screen."""
        if self.finger is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self.finger

    def start(self) -> None:
        """Switch it on."""
        camera = SceneCamera(self._rng, frames_per_s=self._conditions.frames_per_s)
        settings = TabletSettings.model_validate(
            {
                "device_dir": self.folder,
                "kiosk_port": self._port,
                "tablet_locale": self._conditions.locale,
                "idle_after_s": self._conditions.idle_after_s,
                "health_every_s": HEALTH_EVERY_S,
                "catalogue_every_s": 60,
                "resend_after_s": self._conditions.resend_after_s,
                "kiosk_framed_by": self._conditions.framed_by,
            }
        )
        self._running = Tablet(
            settings,
            self._enrolled,
            hardware=Hardware(open_camera=lambda: camera),
            clock=self.clock,
            ids=TimedIds(RandomIds(), self.moments),
        )
        self._running.start()
        self._port = urlsplit(self._running.url).port or 0  # the same after a reboot
        self.camera, self.finger = camera, Finger(self._running.url)

    def stop(self) -> None:
        """Switch it off; what was not sent stays in its spool."""
        if self.finger is not None:
            self.finger.close()
        if self._running is not None:
            self._running.stop()
        self._running = self.camera = self.finger = None

    def close(self) -> None:
        """Switch it off and take its network away."""
        self.stop()
        self.broker_line.stop()
        self.http_line.stop()

    # -- what a person does with it

    def scan(self, gtin: str) -> Seen:
        """Hold a barcode before the camera until it is on the list once more; return the screen.

        Raises:
            Unavailable: it was not read, even when held up again.
        """
        wanted = str(Gtin.parse(gtin))
        before = self.screen.look().lines.get(wanted, 0)
        for _ in range(PRESENTATIONS_MAX):
            read = self._held_up(wanted, before)
            if read is not None:
                return read
        msg = f"{self.device_id} did not read {gtin}; it says: {self.screen.look().text[:500]}"
        raise Unavailable(msg)

    def _held_up(self, gtin: str, before: int) -> Seen | None:
        """Hold it up once; None if it was taken down, and away for long enough, unread.

        Only then may it be held up again: what is read late would be there twice.
        """
        over = self.present(gtin)
        deadline = time.monotonic() + SCAN_WAIT_S
        away_until: float | None = None
        while True:
            away = away_until is not None and time.monotonic() > away_until
            now = self.screen.look()
            if now.lines.get(gtin, 0) > before:
                self._lower()
                return now
            if away:
                return None
            if over.is_set() and away_until is None:
                away_until = time.monotonic() + AWAY_S
            if time.monotonic() > deadline:
                msg = f"{self.device_id}'s camera did not come to look in {SCAN_WAIT_S:.0f} s"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)

    def _lower(self) -> None:
        if self.camera is not None:
            self.camera.take_away()

    def present(self, gtin: str, seconds: float = PRESENT_S) -> threading.Event:
        """Hold a barcode before the camera; the event is set when it is taken away."""
        if self.camera is None:
            msg = f"{self.device_id} is switched off"
            raise Unavailable(msg)
        return self.camera.present(Gtin.parse(gtin), seconds)

    def link(self, wait_s: float = LINK_WAIT_S) -> str:
        """Return the claim link, read from the QR code on the screen as soon as it is there.

        Raises:
            Unavailable: there is none: nobody holds the tablet, or a phone has the list already.
        """
        now = self.screen.wait_for(lambda seen: seen.claimed or seen.has_code, wait_s)
        link = now.link()
        if link is None:
            msg = f"{self.device_id} shows no claim link: a phone has the list"
            raise Unavailable(msg)
        return link

    # -- when somebody walked away from it

    @property
    def left_behind(self) -> bool:
        """Whether it lies about in the middle of a visit, or switched off."""
        return self._running is None or self.screen.look().phase == "visit"

    def recover(self, wait_s: float = RECOVER_WAIT_S) -> None:
        """Make it as the next person finds it: on, put down, nothing held up, a good network.

        Raises:
            Unavailable: it did not come to it.
        """
        if self._running is None:
            self.start()
        if self.camera is not None:
            self.camera.take_all_away()
        self.put_down()
        broken = [line for line in (self.broker_line, self.http_line) if line.state != "open"]
        for line in broken:
            line.restore()
        if broken:
            self.wait_ready(wait_s)

    def put_down(self) -> None:
        """Tap "Done", and see the screen cleared."""
        self.screen.touch("done")
        self.screen.wait_for(lambda seen: seen.phase == "idle")

    # -- what a test or a demo asks of it

    @property
    def online(self) -> bool:
        """Whether its uplink reaches the broker."""
        return self._on.agent.snapshot().link.online

    @property
    def has_catalogue(self) -> bool:
        """Whether it can show goods: the catalogue and the shops are on it."""
        return self._on.has_catalogue

    def wait_ready(self, wait_s: float = CATALOGUE_WAIT_S) -> None:
        """Return when it is online and can show goods.

        Raises:
            Unavailable: it did not come to it.
        """
        deadline = time.monotonic() + wait_s
        while not (self.online and self.has_catalogue):
            if time.monotonic() > deadline:
                msg = (
                    f"{self.device_id} is not ready after {wait_s:.0f} s:"
                    f" online {self.online}, catalogue {self.has_catalogue}"
                )
                raise Unavailable(msg)
            time.sleep(PAUSE_S)

    @property
    def spool(self) -> Spool:
        """Its spool: what was numbered and what waits."""
        return self._on.spool


def _ends(url: str, port: int) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or HOST, parts.port or port
