"""A band that is hardly heard: nothing of her is shown until it is heard, or she touches."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from firmware_sim.look import seen
from gateway.wire.downlink import AckOutcome, Veil, VeilData
from gateway.wire.events import DevicePutDown, PutDownReason, Reader
from store_devices.link import Answer
from store_devices.tablet import model
from store_devices.tablet.kiosk import TOUCHES
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, MUG, Bench
from tests.store_devices.test_tablet_tap import NAME, begin, page

TEXT_OF_LAMP = "Arc floor lamp"


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet at which she was greeted, with a lamp on her list."""
    made = Bench(tmp_path, clock)
    made.commands.command(begin(made, locale="en"))
    made.agent.code_read(LAMP, Reader.HID)
    yield made
    made.switch_off()


def veil(bench: Bench, *, drawn: bool = True, visit: str = "hers") -> Veil:
    """Return the command of this moment."""
    now = bench.clock.now()
    data = VeilData(visit=visit, drawn=drawn, until=now + timedelta(seconds=10))
    return Veil(id=f"v{now.timestamp()}", time=now, data=data)


def draw(bench: Bench, *, drawn: bool = True) -> Veil:
    """Let the gateway say it, a moment after what it said before."""
    bench.clock.advance(0.25)
    said = veil(bench, drawn=drawn)
    assert bench.commands.command(said) == Answer()
    return said


def shows_her(bench: Bench) -> bool:
    """Whether anything of her is on the page; all of it or none."""
    drawn = page(bench)
    traces = {one in drawn for one in (NAME, TEXT_OF_LAMP, LAMP)}
    assert len(traces) == 1
    assert seen(drawn).phase == ("visit" if True in traces else "veiled")
    return True in traces


def test_nothing_of_her_is_on_a_veiled_screen(bench: Bench) -> None:
    """Neither her name nor a line, nor in a message that was open; heard again it is all back."""
    assert shows_her(bench)
    bench.agent.open_sheet("mail")
    draw(bench)
    assert not shows_her(bench)
    assert "Still here?" in page(bench)
    draw(bench, drawn=False)
    assert shows_her(bench)
    assert bench.shown() == {LAMP: 1}


@pytest.mark.parametrize(("locale", "said"), [("he", "עוד כאן?"), ("pl", "Nadal tu jesteś?")])
def test_it_asks_in_her_language(bench: Bench, locale: model.Locale, said: str) -> None:
    """It is she who may stand there."""
    bench.agent.choose_language(locale)
    draw(bench)
    assert said in page(bench)


def test_a_touch_at_once_lifts_it(bench: Bench) -> None:
    """She stands there; the radio was wrong. The visit goes on as it was."""
    draw(bench)
    bench.clock.advance(2.5)
    TOUCHES["here"](bench.agent, {})
    assert shows_her(bench)
    assert bench.agent.visit_id == "hers"


def test_a_touch_seconds_later_is_somebody_elses(bench: Bench) -> None:
    """Her list is not shown for it: her visit is over here, and the tablet is free."""
    draw(bench)
    bench.clock.advance(3.5)
    TOUCHES["here"](bench.agent, {})
    drawn = page(bench)
    assert seen(drawn).phase == "idle"
    assert NAME not in drawn
    end = bench.events()[-1]
    assert isinstance(end, DevicePutDown)
    assert (end.data.visit, end.data.reason) == ("hers", PutDownReason.DONE)


def test_a_scan_seconds_later_is_somebody_elses_too(bench: Bench) -> None:
    """What the next person scans is on a list of their own."""
    draw(bench)
    bench.clock.advance(3.5)
    bench.agent.code_read(MUG, Reader.HID)
    assert bench.agent.visit_id != "hers"
    assert bench.shown() == {MUG: 1}
    assert NAME not in page(bench)


def test_a_scan_at_once_is_hers(bench: Bench) -> None:
    """It lifts the veil as a touch does."""
    draw(bench)
    bench.agent.code_read(MUG, Reader.HID)
    assert shows_her(bench)
    assert bench.shown() == {LAMP: 1, MUG: 1}


def test_the_last_word_counts_however_they_come(bench: Bench) -> None:
    """One that comes again, or after a later one, changes nothing; one too late draws no veil."""
    first = draw(bench)
    draw(bench, drawn=False)
    bench.commands.command(first)
    assert shows_her(bench)
    late = veil(bench)
    bench.clock.advance(11)
    bench.commands.command(late)
    assert shows_her(bench)


def test_a_touch_is_not_undone_by_what_comes_again(bench: Bench) -> None:
    """Sent once more because the answer was lost: the same word, not a new one."""
    said = draw(bench)
    bench.agent.touch()
    bench.commands.command(said)
    assert shows_her(bench)


def test_held_here_again_she_is_greeted_again(bench: Bench) -> None:
    """However long the veil was there."""
    draw(bench)
    bench.clock.advance(30)
    assert bench.commands.command(begin(bench, locale="en")).outcome == AckOutcome.DONE
    bench.clock.advance(0.25)
    draw(bench, drawn=False)
    assert shows_her(bench)


def test_a_reboot_shows_nothing_of_her(bench: Bench) -> None:
    """The veil is on the disk as the visit is."""
    draw(bench)
    bench.reboot(away_s=1)
    assert not shows_her(bench)


def test_another_visit_is_not_hidden(bench: Bench) -> None:
    """She has gone, and somebody else stands there."""
    bench.agent.finish(PutDownReason.DONE)
    bench.agent.code_read(MUG, Reader.HID)
    bench.commands.command(veil(bench))
    assert seen(page(bench)).phase == "visit"
