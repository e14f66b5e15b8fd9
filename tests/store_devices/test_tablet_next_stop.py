"""The next stop of a plan on the tablet: one line, in her language, gone with her, on no disk."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from gateway.wire.downlink import Clear, ClearData, NextStop, ShowStop, StopData
from gateway.wire.events import PutDownReason
from store_devices.link import Answer
from store_devices.tablet import model
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, Bench
from tests.store_devices.test_tablet_tap import begin

SECRET_ZONE = "Corner-of-Dana-72"  # so that a search finds no other
THERE = NextStop(
    kind="goods", zone=SECRET_ZONE, zone_i18n={"pl": "Lampy", "he": "מנורות"}, bay="3", gtin=LAMP
)


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that she has taken up with her band."""
    made = Bench(tmp_path, clock)
    yield made
    made.switch_off()


def go(bench: Bench, stop: NextStop | None, visit: str = "hers") -> Answer:
    """Say where she goes next."""
    data = StopData(visit=visit, stop=stop)
    return bench.commands.command(ShowStop(id="c5", time=bench.clock.now(), data=data))


def page(bench: Bench) -> str:
    """Return the kiosk page as it is now."""
    serving = bench.serve()
    with httpx2.Client(base_url=serving.url) as client:
        text = client.get("/").text
    serving.stop()
    return text


def said(bench: Bench) -> str:
    """Return the line without the marks that keep names in order, "" if there is none."""
    _, _, rest = page(bench).partition('next-stop">')
    line = rest.partition("</svg>")[2].partition("</p>")[0]
    return line.translate({0x2068: None, 0x2069: None})


@pytest.mark.parametrize(
    ("locale", "stop", "line"),
    [
        ("en", THERE, f"Next: {SECRET_ZONE}, bay 3 - Arc floor lamp"),
        ("pl", THERE, "Następnie: Lampy, regał 3 - Lampa podłogowa łukowa"),
        ("he", THERE, "התחנה הבאה: מנורות, מדף 3 - מנורת עמידה קשתית"),
        ("en", NextStop(kind="ask", name="Mug"), "Next: ask a colleague - Mug"),
        (
            "en",
            NextStop(
                kind="fitting_room", zone="Rooms", at=datetime(2026, 3, 2, 11, 15, tzinfo=UTC)
            ),
            "Next: Rooms - your fitting room at 11:15\u202fAM",
        ),
    ],
)
def test_it_is_one_line_in_her_language(
    bench: Bench, locale: str, stop: NextStop, line: str
) -> None:
    """Zone, bay and article as the tablet's own catalogue calls it; a later one replaces it."""
    bench.commands.command(begin(bench, locale=locale))
    assert said(bench) == ""
    assert go(bench, THERE) == Answer()
    assert go(bench, stop) == Answer()
    assert said(bench) == line
    assert go(bench, None) == Answer()
    assert said(bench) == ""


def test_another_persons_plan_is_not_shown(bench: Bench) -> None:
    """Of a visit that is over here: answered so, and nothing is seen."""
    bench.commands.command(begin(bench))
    assert go(bench, THERE, "somebody-elses") == Answer(detail=model.OVER)
    assert SECRET_ZONE not in page(bench)


def test_it_goes_with_her_and_is_on_no_disk(bench: Bench) -> None:
    """Nothing in the files while it is shown, nor after a reboot, which does not know it."""

    def on_disk() -> bool:
        files = b"".join(one.read_bytes() for one in bench.folder.rglob("*") if one.is_file())
        assert b"hers" in files
        return SECRET_ZONE.encode() in files

    bench.commands.command(begin(bench, locale="en"))
    go(bench, THERE)
    assert not on_disk()
    assert SECRET_ZONE in page(bench)
    bench.reboot(away_s=1)
    assert bench.agent.visit_id == "hers"
    assert SECRET_ZONE not in page(bench)
    go(bench, THERE)
    data = ClearData(visit="hers", reason="left")
    bench.commands.command(Clear(id="c9", time=bench.clock.now(), data=data))
    assert SECRET_ZONE not in page(bench)
    bench.commands.command(begin(bench, "next"))
    bench.agent.finish(PutDownReason.DONE)
    assert SECRET_ZONE not in page(bench)
