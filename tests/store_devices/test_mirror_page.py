"""The mirror's page over HTTP, and a mirror that is killed while it records."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cart.kernel.i18n import LOCALES
from firmware_sim.finger import Finger
from gateway.wire.downlink import Veil, VeilData
from gateway.wire.events import PutDownReason, Reader
from store_devices.link import LinkState
from store_devices.mirror.model import MirrorState
from store_devices.tablet.words import words
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP, LAMP_TALL

GONE = 410
STARTS_S = 60.0  # it imports and draws its film, on a busy machine
REASONS = {
    "not_turned": "I did not see a whole turn. Go round once, until you face the glass again.",
    "left": "You were out of sight for a moment. Stay on one spot while you turn.",
    "two_people": "There were two of you. Ask the other one to step aside for eight seconds.",
    "nobody": "I could not see you. Take a step back, so that I see you from head to toe.",
    "too_dark": "It is too dark in here for me. Please ask us for more light.",
    "camera_stopped": "My camera or its light is not well just now. Please try again, or ask us.",
}


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror that nobody has taken up."""
    made = MirrorBench(tmp_path, clock)
    yield made
    made.switch_off()


@pytest.fixture
def page(bench: MirrorBench) -> Iterator[httpx2.Client]:
    """What its screen asks."""
    serving = bench.serve()
    origin = serving.url.rstrip("/")
    with httpx2.Client(base_url=serving.url, headers={"Origin": origin}) as client:
        yield client
    serving.stop()


def test_a_garment_is_shown_with_its_sizes_and_stock(
    bench: MirrorBench, page: httpx2.Client
) -> None:
    """Picture, name, colours, sizes, what is here; but nothing that would fill a cart."""
    bench.server.available = {("SKU-58387", "harbour-street"): 0}
    bench.stock.start()
    bench.commands.link(LinkState(online=True, since=bench.clock.now()))
    assert page.post("/do/scan", data={"code": LAMP}).status_code == 204
    finger = Finger(str(page.base_url))
    seen = finger.wait_for(lambda seen: "None here" in seen.text and "3 here" in seen.text)
    finger.close()
    bench.stock.stop()
    assert f'id="size-{LAMP_TALL}"' in seen.html
    assert f"/pictures/{LAMP}.png" in seen.html
    assert page.post("/do/more", data={"gtin": LAMP}).status_code == 404
    assert page.post("/do/mail", data={"email": "a@b.example"}).status_code == 404
    assert bench.types() == ["taken_up", "tried"]


def test_pictures_of_a_turn_answer_nobody_else(bench: MirrorBench, page: httpx2.Client) -> None:
    """Served to whoever is here, not while hidden, not after: 410, and never from a cache."""
    bench.begin()
    seen = bench.turn()
    parts = [f"/turns/{seen.turn_id}/{part}" for part in ("video", "sheet")]
    answers = [page.get(path) for path in parts]
    assert [one.status_code for one in answers] == [200, 200]
    assert [one.headers["cache-control"] for one in answers] == ["no-store"] * 2
    assert page.get(f"/turns/{seen.turn_id}/other").status_code == GONE
    visit = bench.mirror.visit_id
    assert visit is not None
    now = bench.clock.now()
    data = VeilData(visit=visit, drawn=True, until=now.replace(hour=23))
    bench.commands.command(Veil(id="c1", time=now, data=data))
    assert [page.get(path).status_code for path in parts] == [GONE, GONE]
    assert seen.turn_id not in page.get("/").text
    bench.clock.advance(1)
    bench.mirror.touch()  # at once: it is she
    assert [page.get(path).status_code for path in parts] == [200, 200]
    bench.mirror.finish(PutDownReason.DONE)
    assert [page.get(path).status_code for path in [*parts, "/live"]] == [GONE] * 3


def test_every_reason_has_kind_words_in_every_language(
    bench: MirrorBench, page: httpx2.Client
) -> None:
    """Not the name of the rule: what to do next, and a way to do it."""
    bench.mirror.code_read(LAMP, Reader.HID)
    for locale in LOCALES:
        bench.mirror.choose_language(locale)
        for reason, text in REASONS.items():
            state = MirrorState("refused", bench.clock.monotonic(), reason)  # type: ignore[arg-type]  # each of them
            bench.studio._state = state  # noqa: SLF001 - no film for each of six in each of three languages
            html = page.get("/screen").text
            said = words(locale, "UTC").gettext(text)
            assert said in html
            assert 'id="again"' in html
            assert locale == "en" or said != text


def files(*folders: Path) -> list[Path]:
    """Return every file in which a picture or a video begins."""
    begins = (b"\xff\xd8\xff", b"\x1a\x45\xdf\xa3")
    found = [one for folder in folders for one in folder.rglob("*") if one.is_file()]
    return [one for one in found if any(begin in one.read_bytes() for begin in begins)]


def test_killed_while_it_records_it_leaves_no_file(tmp_path: Path) -> None:
    """SIGKILL in the middle: no byte of a picture on the disk, none after it runs again."""
    device, temporary = tmp_path / "device", tmp_path / "tmp"
    temporary.mkdir()
    for again in (False, True):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store_devices.mirror_process", str(device)],
            env={**os.environ, "TMPDIR": str(temporary), "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        finger = Finger(process.stdout.readline().strip())
        if again:
            seen = finger.look()
            assert "/turns/" not in seen.html
            assert "Recording" not in seen.text.split()
        else:
            finger.touch("begin")
            finger.wait_for(lambda seen: 'id="record"' in seen.html and "disabled" not in seen.html)
            finger.touch("record")
            finger.wait_for(lambda seen: "recording-frame" in seen.html, STARTS_S)
        process.kill()
        process.wait()
        process.stdout.close()
        finger.close()
        assert files(device, temporary) == []
        assert list(temporary.iterdir()) == []
