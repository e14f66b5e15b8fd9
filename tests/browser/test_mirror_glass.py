"""The mirror's glass in Chromium: the sign while it records, the turn that plays, the wipe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.wire.events import PutDownReason, Reader
from store_devices.link import LinkState
from tests.browser.shopping import serious
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP
from tests.real.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[MirrorBench]:
    """A mirror that nobody has taken up, online."""
    made = MirrorBench(tmp_path, clock)
    made.commands.link(LinkState(online=True, since=clock.now()))
    yield made
    made.switch_off()


@pytest.fixture
def page(bench: MirrorBench, browser: Browser) -> Iterator[Page]:
    """Its screen, upright."""
    serving = bench.serve()
    context = browser.new_context(
        viewport={"width": 1080, "height": 1920}, reduced_motion="reduce", has_touch=True
    )
    made = context.new_page()
    with made.expect_request("**/events"):  # the script runs and listens
        made.goto(serving.url)
    yield made
    context.close()
    serving.stop()


def test_a_turn_on_the_glass(bench: MirrorBench, page: Page) -> None:
    """Touched, recorded under a red frame, played, discarded; then nothing of it is there."""
    bench.look_until(lambda seen: seen.ready)
    bench.camera.come()
    page.locator("#begin").click()
    expect(page.locator("#record")).to_be_enabled()
    bench.mirror.code_read(LAMP, Reader.CAMERA)
    expect(page.locator(f"#brought-{LAMP}")).to_be_visible()
    assert serious(page) == []
    page.locator("#record").click()
    expect(page.get_by_text("Face the glass, arms down")).to_be_visible()
    expect(page.locator(".recording-frame")).to_have_count(0)
    bench.look_until(lambda seen: seen.phase == "recording")
    expect(page.locator(".recording-frame")).to_be_visible()
    expect(page.locator(".rec")).to_have_text("Recording")
    bench.look()
    wait_until(lambda: bool(page.locator("img[data-live]").evaluate("one => one.naturalWidth > 0")))
    bench.look_until(lambda seen: seen.phase == "deciding")
    expect(page.locator(".recording-frame")).to_have_count(0)
    wait_until(lambda: bool(page.locator("video").evaluate("one => one.currentTime > 0")))
    assert serious(page) == []
    page.locator("#discard").click()
    expect(page.locator("video")).to_have_count(0)
    bench.mirror.finish(PutDownReason.DONE)
    expect(page.get_by_text("All cleared.")).to_be_visible()
    assert "Arc floor lamp" not in page.content()
