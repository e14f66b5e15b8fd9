"""A mirror whose shopper has switched the camera off: it records nothing and looks at nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast

import httpx2
import pytest

from gateway.wire.downlink import CameraData, SwitchCamera
from gateway.wire.events import PutDownReason
from store_devices.hardware import Camera
from store_devices.link import Answer
from store_devices.mirror.watching import MirrorReading
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP
from tests.real.waiting import wait_until

UNSEEN_FRAMES: Final = 40  # a tag that is held up is read within ten
SAID: Final = {
    "en": "You switched the mirror&#39;s camera off. You can switch it on on your phone.",
    "he": "המצלמה של המראה כבויה, לפי בחירתך. אפשר להפעיל אותה בטלפון שלך.",
    "pl": "Kamera lustra jest wyłączona, zgodnie z Twoją decyzją."
    " Możesz ją włączyć w Swoim telefonie.",
}


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror with somebody before it, who has touched the glass."""
    made = MirrorBench(tmp_path, clock)
    made.begin()
    yield made
    made.switch_off()


def switch(bench: MirrorBench, *, off: bool, visit: str = "") -> Answer:
    """Let the server say what she has decided."""
    data = CameraData(visit=visit or bench.mirror.visit_id or "", off=off)
    return bench.commands.command(SwitchCamera(id="c1", time=bench.clock.now(), data=data))


STARTS: Final[dict[str, Callable[[MirrorBench], None]]] = {
    "button": lambda bench: bench.mirror.record(),
    "back": lambda bench: bench.mirror.show("back"),
    "hand": lambda bench: bench.mirror.hand_raised("left"),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_nothing_begins(bench: MirrorBench, start: Callable[[MirrorBench], None]) -> None:
    """Neither a turn nor the view of her back, whatever starts it; switched on, it does again."""
    switch(bench, off=True)
    start(bench)
    assert (bench.studio.showing().phase, bench.studio.showing().mode) == ("idle", "")
    assert bench.camera.lit_times == 0
    bench.clock.advance(1)
    switch(bench, off=False)
    start(bench)
    assert (bench.studio.showing().phase, bench.studio.showing().mode) != ("idle", "")


def test_a_withdrawal_breaks_off_what_is_being_recorded(bench: MirrorBench) -> None:
    """At once, with the light; and a turn that waits for her decision is gone with it."""
    turn = bench.turn()
    assert bench.studio.picture(turn.turn_id, "video") is not None
    bench.mirror.discard()
    kept = bench.turn()
    switch(bench, off=True)
    assert bench.studio.picture(kept.turn_id, "video") is None
    bench.clock.advance(1)
    switch(bench, off=False)
    bench.mirror.record()
    bench.look_until(lambda seen: seen.phase == "recording")
    assert bench.camera.lit
    bench.clock.advance(1)
    assert switch(bench, off=True) == Answer()
    assert (bench.camera.lit, bench.studio.showing().phase) == (False, "idle")
    assert bench.mirror.visit_id, "the visit itself goes on"


def test_no_frame_is_looked_at(bench: MirrorBench) -> None:
    """A tag that is held up is not read either, until she switches the camera on again."""
    switch(bench, off=True)
    bench.camera.hold_up(LAMP)
    opened = cast("Callable[[], Camera]", lambda: bench.camera)
    reading = MirrorReading(opened, bench.mirror, bench.studio, "0")
    shown = bench.camera.shown
    reading.start()
    try:
        wait_until(lambda: bench.camera.shown > shown + UNSEEN_FRAMES)
        assert bench.mirror.brought == ()
        switch(bench, off=False)
        wait_until(lambda: bench.mirror.brought == (LAMP,))
    finally:
        reading.stop()


def test_the_next_person_has_decided_nothing(bench: MirrorBench) -> None:
    """It goes with the visit; a word about the one before changes nothing for her."""
    before = bench.mirror.visit_id
    assert before is not None
    switch(bench, off=True)
    bench.mirror.finish(PutDownReason.DONE)
    bench.mirror.take_up()
    assert not bench.mirror.camera_off
    assert switch(bench, off=True, visit=before) != Answer()
    assert not bench.mirror.camera_off


def test_an_older_word_changes_nothing(bench: MirrorBench) -> None:
    """Two gateways tell it, and the one of before comes last."""
    visit = bench.mirror.visit_id or ""
    older = SwitchCamera(id="c0", time=bench.clock.now(), data=CameraData(visit=visit, off=False))
    bench.clock.advance(1)
    switch(bench, off=True)
    bench.commands.command(older)
    assert bench.mirror.camera_off


@pytest.mark.parametrize("locale", SAID)
def test_the_glass_says_so(bench: MirrorBench, locale: str) -> None:
    """In her language, in place of the button."""
    serving = bench.serve()
    origin = serving.url.rstrip("/")
    with httpx2.Client(base_url=serving.url, headers={"Origin": origin}) as page:
        page.post("/do/language", data={"locale": locale})
        assert 'id="record"' in page.get("/").text
        switch(bench, off=True)
        html = page.get("/").text
    serving.stop()
    assert SAID[locale] in html
    assert 'id="record"' not in html
