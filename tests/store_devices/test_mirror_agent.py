"""The mirror's agent and studio: what is recorded when, who sees it, and that nothing stays."""

import gc
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cart.kernel.errors import Unavailable
from gateway.wire.downlink import BeginVisit, GreetData, Veil, VeilData
from gateway.wire.events import PutDownData, PutDownReason, Reader
from store_devices.hardware import Camera
from store_devices.light import FileLight
from store_devices.link import Answer
from store_devices.mirror.outbox import AFTER_END_S, OnTheWay, Outbox, Parcel
from store_devices.mirror.sealing import Turn, seal
from store_devices.mirror.uploading import Grant
from store_devices.mirror.watching import MirrorReading
from store_devices.tablet import model
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP, LAMP_TALL, MUG, STRANGE
from tests.real.waiting import wait_until

WEBM, JPEG = b"\x1a\x45\xdf\xa3", b"\xff\xd8\xff"
LARGE_BYTES = 1_000
LET_GO_S = 20.0
REOPEN_S = 0.05


@pytest.fixture
def fresh_memory() -> Iterator[None]:
    """What was there before cannot be hers, and is not searched for pictures."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def bench(
    fresh_memory: None,  # noqa: ARG001 - a fixture takes others by naming them
    tmp_path: Path,
    clock: FakeClock,
) -> Iterator[MirrorBench]:
    """A mirror that nobody has taken up."""
    made = MirrorBench(tmp_path, clock)
    yield made
    made.switch_off()


def pictures_in_memory() -> int:
    """Return how many pieces of memory hold the beginning of a video or a photograph."""
    gc.collect()
    found: set[int] = set()
    for holder in gc.get_objects():
        for one in gc.get_referents(holder):
            large = isinstance(one, bytes | bytearray) and len(one) > LARGE_BYTES
            if large and (bytes(one[:4]) == WEBM or bytes(one[:3]) == JPEG):
                found.add(id(one))
    return len(found)


def no_picture_stays() -> bool:
    """Say whether memory is free of pictures soon: a thread may have one in its hands just now."""
    end = time.monotonic() + LET_GO_S
    while pictures_in_memory():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_tag_is_listed_and_nothing_goes_to_a_cart(bench: MirrorBench) -> None:
    """Held up, read by the camera, it is on the glass; the gateway hears what was brought in."""
    bench.look_until(lambda seen: seen.ready)
    bench.camera.hold_up(LAMP)
    bench.look_until(lambda _: bench.mirror.brought == (LAMP,))
    bench.camera.lower()
    bench.mirror.code_read(MUG, Reader.HID)
    bench.mirror.code_read(LAMP, Reader.HID)
    assert bench.mirror.brought == (LAMP, MUG)
    visit = bench.mirror.snapshot().visit
    assert visit is not None
    assert visit.product == LAMP
    bench.mirror.look_at(LAMP_TALL)  # another size: nothing that she brought in
    assert bench.mirror.brought == (LAMP, MUG)
    bench.mirror.put_back(LAMP)
    assert list(bench.mirror.brought) == [MUG]
    assert bench.types() == ["taken_up", "tried", "tried"]


def test_what_the_catalogue_does_not_know_is_said_and_not_listed(bench: MirrorBench) -> None:
    """A good code of nobody's, and what is none."""
    bench.mirror.code_read(STRANGE, Reader.HID)
    visit = bench.mirror.snapshot().visit
    assert visit is not None
    assert visit.notice == model.Notice(kind="unknown", code=STRANGE.shortest)
    assert bench.mirror.brought == ()


def test_nothing_is_kept_of_a_frame_before_she_starts_it(bench: MirrorBench) -> None:
    """Somebody stands there; no light, no film, no live view; after the start there are."""
    bench.begin()
    for _ in range(12):
        bench.look()
    assert (bench.camera.lit_times, bench.studio.live()) == (0, None)
    assert no_picture_stays()
    bench.mirror.record()
    assert bench.look().phase == "countdown"
    assert bench.studio.live() is not None
    assert not bench.camera.lit
    bench.look_until(lambda seen: seen.phase == "recording")
    assert bench.camera.lit
    bench.camera.leave()  # so that there is nothing to finish
    bench.look_until(lambda seen: seen.phase == "refused")
    assert not bench.camera.lit


@pytest.mark.parametrize("end", ["nothing", "discard"])
def test_a_turn_is_shown_and_wiped_when_she_does_not_keep_it(bench: MirrorBench, end: str) -> None:
    """Discarded, or forty-five seconds on, its video, sheet and every frame are out of memory."""
    bench.begin()
    seen = bench.turn()
    assert (seen.phase, seen.turns) == ("deciding", 1)
    video = bench.studio.picture(seen.turn_id, "video")
    assert video is not None
    assert video[:4] == WEBM
    assert pictures_in_memory() > 0
    del video
    if end == "discard":
        bench.mirror.discard()
    else:
        bench.clock.advance(45)
        bench.mirror.tick()
    assert bench.studio.showing().phase == "idle"
    assert bench.studio.picture(seen.turn_id, "video") is None
    assert no_picture_stays()


@pytest.mark.parametrize("end", ["done", "idle", "cleared"])
def test_the_end_of_a_visit_wipes_while_it_records(bench: MirrorBench, end: str) -> None:
    """Whoever ends it: light off, film gone, and what comes from the camera is let go."""
    bench.begin()
    visit_id = bench.mirror.visit_id
    assert visit_id is not None
    bench.mirror.record()
    bench.look_until(lambda seen: seen.phase == "recording")
    for _ in range(6):
        bench.look()
    assert pictures_in_memory() > 0
    if end == "done":
        bench.mirror.finish(PutDownReason.DONE)
    elif end == "idle":
        bench.clock.advance(90)
        bench.mirror.tick()
    else:
        assert bench.mirror.clear(visit_id)
    assert bench.mirror.visit_id is None
    assert (bench.camera.lit, bench.studio.showing().phase) == (False, "idle")
    assert no_picture_stays()
    bench.look()
    assert no_picture_stays()
    assert bench.types() == ["taken_up", "put_down"]


def test_hidden_while_it_records_it_stops(bench: MirrorBench) -> None:
    """Her band is hardly heard any more: whoever is filmed now may be somebody else."""
    bench.begin()
    visit = bench.mirror.visit_id
    assert visit is not None
    bench.mirror.record()
    bench.look_until(lambda seen: seen.phase == "recording")
    bench.look()
    now = bench.clock.now()
    veil = VeilData(visit=visit, drawn=True, until=now + timedelta(seconds=20))
    bench.commands.command(Veil(id="c1", time=now, data=veil))
    assert (bench.camera.lit, bench.studio.showing().phase) == (False, "idle")
    assert no_picture_stays()
    bench.clock.advance(4)  # too late to be sure that it is she who touches it
    bench.mirror.record()
    assert bench.studio.showing().phase == "idle"


def test_two_turns_stand_side_by_side_and_go_with_the_visit(bench: MirrorBench) -> None:
    """The first is kept, the second waits: both from eight sides, then turning; the end wipes."""
    bench.begin()
    first = bench.turn()
    assert bench.studio.keep(first.turn_id)
    second = bench.turn()
    assert second.turns == 2
    bench.mirror.show("beside")
    wait_until(lambda: bench.studio.showing().joined, 30)
    assert bench.studio.showing().side == 0
    assert halves_apart(bench, 0, 0) < 8  # she turned alike twice: from each side she looks alike
    bench.mirror.step(4)
    assert (bench.studio.showing().side, bench.studio.showing().joined) == (4, True)
    assert halves_apart(bench, 4, 4) < 8
    assert halves_apart(bench, 0, 2) > 8  # but not from another
    assert bench.studio.picture("beside", "8") is None
    assert bench.studio.picture("beside", "video") is None
    bench.mirror.step(None)
    wait_until(lambda: bench.studio.showing().joined, 30)
    joined = bench.studio.picture("beside", "video")
    assert joined is not None
    assert joined[:4] == WEBM
    del joined
    bench.mirror.discard()
    assert [bench.studio.picture("beside", part) for part in ("video", "0", "4")] == [None] * 3
    assert bench.studio.picture(second.turn_id, "video") is None
    assert bench.studio.picture(first.turn_id, "video") is not None
    bench.mirror.finish(PutDownReason.DONE)
    assert no_picture_stays()


def halves_apart(bench: MirrorBench, left: int, right: int) -> float:
    """Return by how many levels the earlier turn from one side is off the later from another."""
    halves = []
    for side, half in ((left, slice(0, 400)), (right, slice(400, 800))):
        still = bench.studio.picture("beside", str(side))
        assert still is not None
        pixels = cv2.imdecode(np.frombuffer(still, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        assert pixels is not None
        halves.append(pixels[:, half].astype(int))
    return float(np.abs(halves[0] - halves[1]).mean())


def test_her_back_is_shown_late_and_forgotten(bench: MirrorBench) -> None:
    """First nothing, after five seconds a picture; closed, there is none in memory."""
    bench.begin()
    bench.mirror.show("back")
    bench.look()
    assert bench.studio.live() is None
    bench.look_until(lambda _: bench.studio.live() is not None)
    assert bench.camera.lit_times == 0
    bench.mirror.show("")
    assert no_picture_stays()


def test_a_camera_that_stops_while_it_records_is_told(bench: MirrorBench) -> None:
    """Two seconds without a frame: refused, light off, nothing left."""
    bench.begin()
    bench.mirror.record()
    bench.look_until(lambda seen: seen.phase == "recording")
    bench.clock.advance(2.5)
    bench.mirror.tick()
    seen = bench.studio.showing()
    assert (seen.phase, seen.reason) == ("refused", "camera_stopped")
    assert not bench.camera.lit
    assert no_picture_stays()


def test_a_camera_that_is_unplugged_is_looked_for_and_goes_on(bench: MirrorBench) -> None:
    """Pulled out while it records: refused, dark, nothing held; put in again it records again."""

    def recording() -> bool:
        return bench.studio.showing().phase == "recording"

    def opened() -> Camera:
        tried.append(True)
        return bench.camera.opened()

    tried: list[bool] = []
    reading = MirrorReading(opened, bench.mirror, bench.studio, "0", reopen_s=REOPEN_S)
    reading.start()
    wait_until(lambda: bench.studio.showing().ready, LET_GO_S)
    bench.camera.come()
    bench.mirror.take_up()
    bench.mirror.record()
    wait_until(recording, LET_GO_S)
    bench.camera.unplug()
    wait_until(lambda: not recording(), LET_GO_S)
    seen = bench.studio.showing()
    assert (seen.phase, seen.reason) == ("refused", "camera_stopped")
    assert not bench.camera.lit
    assert bench.studio.live() is None
    assert no_picture_stays()
    wait_until(lambda: len(tried) > 2, LET_GO_S)  # it is looked for, and not there
    bench.camera.plug_in()
    bench.mirror.record()
    wait_until(recording, LET_GO_S)
    assert bench.camera.lit
    bench.mirror.discard()
    reading.stop()
    assert not bench.camera.lit


def test_without_its_light_nothing_is_recorded(tmp_path: Path, bench: MirrorBench) -> None:
    """A lamp that does not obey: the turn is refused before its first frame."""
    bench.camera.light_works = False
    bench.begin()
    bench.mirror.record()
    seen = bench.look_until(lambda seen: seen.phase != "countdown")
    assert (seen.phase, seen.reason) == ("refused", "camera_stopped")
    with pytest.raises(Unavailable):
        FileLight(tmp_path / "no" / "lamp").switch(on=True)


def test_a_light_is_a_file(tmp_path: Path) -> None:
    """As the kernel's LEDs are."""
    light = FileLight(tmp_path / "brightness")
    light.switch(on=True)
    assert (tmp_path / "brightness").read_text() == "1"
    light.switch(on=False)
    assert (tmp_path / "brightness").read_text() == "0"


@pytest.mark.usefixtures("fresh_memory")
def test_a_half_turn_is_refused_by_its_name(tmp_path: Path, clock: FakeClock) -> None:
    """And nothing of it is left; she may try again at once."""
    bench = MirrorBench(tmp_path, clock, scene="half")
    bench.begin()
    seen = bench.turn()
    assert (seen.phase, seen.reason, seen.turns) == ("refused", "not_turned", 0)
    assert no_picture_stays()
    bench.mirror.record()
    assert bench.studio.showing().phase == "countdown"
    bench.switch_off()


def test_a_band_begins_a_visit_as_on_a_tablet(bench: MirrorBench) -> None:
    """By the server's command; while somebody else is here it is refused; it can be cleared."""
    now = bench.clock.now()
    data = GreetData(visit="hers", greeting="Dana", locale="pl", until=now + timedelta(seconds=20))
    command = BeginVisit(id="c1", time=now, data=data)
    assert bench.commands.command(command) == Answer()
    snapshot = bench.mirror.snapshot()
    assert (bench.mirror.visit_id, snapshot.locale) == ("hers", "pl")
    assert bench.mirror.clear("another") is False
    assert bench.mirror.clear("hers")
    assert [type(one.data) for one in bench.events()][-1] is PutDownData


def test_what_is_on_its_way_is_dropped_half_a_minute_after_she_left(clock: FakeClock) -> None:
    """The server cannot be reached; while she is here it is tried on, and then no more."""
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    sealed = seal(
        Turn(b"video", "video/webm", b"sheet"),
        look_id="look-1",
        public_key=urlsafe_b64encode(public).decode().rstrip("="),
        randomness=bytes,
    )
    grant = Grant(look_id="look-1", grant="g", public_key="", uploads="/uploads")
    with httpx2.Client(base_url="http://127.0.0.1:9") as http:
        outbox = Outbox(http, bytes, clock)
        outbox.start()
        outbox.add(Parcel("v1", grant, sealed))
        clock.advance(AFTER_END_S)
        assert outbox.on_the_way() == OnTheWay(waiting=1)
        outbox.end("v1")
        assert outbox.on_the_way() == OnTheWay(waiting=1)
        clock.advance(AFTER_END_S)
        wait_until(lambda: outbox.on_the_way() == OnTheWay(), 10)
        outbox.stop()
