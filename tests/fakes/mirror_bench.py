"""A mirror on the bench: its real agent, studio and page, and a stage before it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random

import httpx2

from firmware_sim.mirror.optics import Lens
from firmware_sim.mirror.scripts import Scene
from firmware_sim.mirror.stage import Drawn, StageCamera, drawn
from gateway.wire.events import Reader
from store_devices.mirror.agent import MirrorAgent
from store_devices.mirror.glass import GlassDrawer
from store_devices.mirror.keeping import Keeping
from store_devices.mirror.kiosk import kiosk
from store_devices.mirror.outbox import Outbox
from store_devices.mirror.seen import Showing
from store_devices.mirror.studio import Studio
from store_devices.spool import Limits
from store_devices.tablet.serving import Serving
from store_devices.tablet.surroundings import Place
from store_devices.vision.confirmation import Confirmation
from store_devices.vision.reading import LiveReader
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import Bench

LENS = Lens(width_px=270, height_px=480)
FRAMES_PER_S = 6.0
LOOKS_MAX = 200  # frames until something must have come about


@lru_cache(maxsize=2)
def film(scene: Scene) -> Drawn:
    """Return a scene's frames, drawn once in a test run."""
    return drawn(LENS, scene, frames_per_s=FRAMES_PER_S)


class MirrorBench(Bench):
    """Everything of a mirror but its threads: ``look`` lets a frame's time pass."""

    mirror: MirrorAgent

    def __init__(
        self,
        folder: Path,
        clock: FakeClock,
        *,
        scene: Scene = "steady",
        http: httpx2.Client | None = None,
        hands: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.hands = hands
        self.http = http or httpx2.Client(base_url="http://127.0.0.1:9")  # nobody is there
        self.camera = StageCamera(
            film(scene),
            frames_per_s=FRAMES_PER_S,
            monotonic=clock.monotonic,
            wait=clock.advance,
        )
        super().__init__(folder, clock, limits)

    def make_agent(self, place: Place) -> MirrorAgent:
        """Return the mirror's mind, and what it uses."""
        random = Random(5).randbytes
        self.studio = Studio(
            light=self.camera,
            ids=self.ids,
            monotonic=self.clock.monotonic,
            calibration=LENS.calibration,
            hands=self.hands,
        )
        self.outbox = Outbox(self.http, random, self.clock)
        self.keeping = Keeping(self.studio, self.outbox, self.http, random)
        self.reader, self.confirmation = LiveReader(), Confirmation()
        self.mirror = MirrorAgent(
            place,
            studio=self.studio,
            keeping=self.keeping,
            outbox=self.outbox,
            spool=self.spool,
            telemetry=self.telemetry,
            catalogue=self.catalogue,
            stock=self.stock,
            clock=self.clock,
            ids=self.ids,
        )
        return self.mirror

    def look(self) -> Showing:
        """Let the camera's next frame be looked at, as the mirror's thread does."""
        frame = self.camera.read()
        assert frame is not None
        if self.studio.take(frame, visited=self.mirror.visit_id is not None):
            for code in self.confirmation.observe(self.reader.read(frame.pixels), frame.at_s):
                self.mirror.code_read(code.gtin or code.text, Reader.CAMERA)
        self.mirror.tick()
        return self.studio.showing()

    def look_until(self, holds: Callable[[Showing], bool]) -> Showing:
        """Look on until ``holds``."""
        for _ in range(LOOKS_MAX):
            if holds(seen := self.look()):
                return seen
        msg = f"it did not come to it: {self.studio.showing()}"
        raise AssertionError(msg)

    def begin(self) -> None:
        """Learn the room; then somebody comes and touches the glass."""
        self.look_until(lambda seen: seen.ready)
        self.camera.come()
        self.mirror.take_up()

    def turn(self) -> Showing:
        """Record a turn; return what the glass shows of it when it was judged."""
        self.mirror.record()
        return self.look_until(lambda seen: seen.phase in ("deciding", "refused"))

    def serve(self) -> Serving:
        """Return its page on a free port, started."""
        drawer = GlassDrawer(
            self.mirror, catalogue=self.catalogue, stock=self.stock, currency="EUR", zone=""
        )
        serving = Serving(kiosk(self.mirror, drawer, self.pictures), 0)
        serving.start()
        return serving
