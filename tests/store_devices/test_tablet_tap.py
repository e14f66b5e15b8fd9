"""A wristband held to the tablet: greeted by name, in her language, and gone without a trace."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from gateway.wire.downlink import (
    AckOutcome,
    BeginVisit,
    Clear,
    ClearData,
    Greet,
    GreetData,
    TapAnswered,
    TapData,
    TapOutcome,
)
from gateway.wire.events import DevicePutDown, DeviceTakenUp, PutDownReason, Reader
from store_devices.link import Answer
from store_devices.spool import Limits
from store_devices.tablet import model
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, MUG, Bench
from tests.store_devices.test_tablet_privacy import texts_of

NAME = "Dana-Levi-72"  # so that a search finds no other


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up."""
    made = Bench(tmp_path, clock)
    yield made
    made.switch_off()


def greeting(bench: Bench, visit: str, name: str = NAME, locale: str = "he") -> GreetData:
    """Return what the server says of her, good for a quarter of a minute."""
    until = bench.clock.now() + timedelta(seconds=15)
    data = {"visit": visit, "greeting": name, "locale": locale, "until": until}
    return GreetData.model_validate(data)


def begin(bench: Bench, visit: str = "hers", name: str = NAME, locale: str = "he") -> BeginVisit:
    """Return the command that begins a visit for her."""
    data = greeting(bench, visit, name, locale)
    return BeginVisit(id="c1", time=bench.clock.now(), data=data)


def page(bench: Bench) -> str:
    """Return the kiosk page as it is now."""
    serving = bench.serve()
    with httpx2.Client(base_url=serving.url) as client:
        text = client.get("/").text
    serving.stop()
    return text


def test_she_is_greeted_by_her_name_in_her_language(bench: Bench) -> None:
    """The visit has the server's name and no link to claim; the list is on her phone already."""
    assert bench.commands.command(begin(bench)) == Answer()
    (taken,) = bench.events()
    assert isinstance(taken, DeviceTakenUp)
    assert (taken.data.visit, taken.data.claim_hash, taken.data.locale) == ("hers", None, "he")
    assert bench.line.announced[-1] == "hers"
    drawn = page(bench)
    assert '<html lang="he" dir="rtl">' in drawn
    assert f"שלום \u2068{NAME}\u2069" in drawn
    assert 'id="take"' not in drawn
    bench.agent.code_read(LAMP, Reader.HID)
    assert bench.shown() == {LAMP: 1}
    assert NAME in page(bench), "beside a product too"


@pytest.mark.parametrize(
    ("locale", "name", "said"),
    [
        ("en", NAME, f"Hello \u2068{NAME}\u2069"),
        ("pl", NAME, f"Dzień dobry, \u2068{NAME}\u2069"),
        ("en", "", 'class="hello">Hello<'),
        ("en", "<b>", "Hello \u2068&lt;b&gt;\u2069"),
    ],
)
def test_the_words_of_the_greeting(bench: Bench, locale: str, name: str, said: str) -> None:
    """In every language; without a name if she chose none; a name is text and nothing else."""
    bench.commands.command(begin(bench, name=name, locale=locale))
    assert said in page(bench)


def cleared(bench: Bench) -> None:
    """The server says that she has gone."""
    data = ClearData(visit="hers", reason="left")
    assert bench.commands.command(Clear(id="c9", time=bench.clock.now(), data=data)) == Answer()


def idle(bench: Bench) -> None:
    """Nobody touches it for long enough."""
    bench.clock.advance(91)
    bench.agent.tick()


def dark(bench: Bench) -> None:
    """The power goes for an hour."""
    bench.reboot(away_s=3600)


def on_disk(bench: Bench) -> set[bytes]:
    """Return which of the visit's id and her name stand in the tablet's files."""
    files = b"".join(one.read_bytes() for one in bench.folder.rglob("*") if one.is_file())
    return {one for one in (b"hers", NAME.encode()) if one in files}


ENDS = {
    "cleared": cleared,
    "done": lambda bench: bench.agent.finish(PutDownReason.DONE),
    "idle": idle,
    "dark": dark,
}


@pytest.mark.parametrize("end", list(ENDS))
def test_her_name_goes_with_the_visit(bench: Bench, end: str) -> None:
    """From memory and page, at once; on the disk it never was. The tablet speaks as before."""
    bench.commands.command(begin(bench))
    bench.agent.code_read(MUG, Reader.HID)
    assert NAME in "\n".join(texts_of([bench.agent])), "the search finds what is there"
    assert on_disk(bench) == {b"hers"}
    ENDS[end](bench)
    assert bench.agent.visit_id is None
    assert isinstance(bench.events()[-1], DevicePutDown)
    drawn = page(bench)
    assert NAME not in drawn
    assert '<html lang="en"' in drawn
    assert NAME not in "\n".join(texts_of([bench.agent, bench.drawer, bench.commands]))
    assert on_disk(bench) == {b"hers"}, "what is to be sent names the visit only"


def test_a_reboot_in_the_middle_goes_on_without_her_name(bench: Bench) -> None:
    """As any visit goes on if it was not for long; her language is kept, a name is not."""
    bench.commands.command(begin(bench))
    bench.reboot(away_s=20)
    assert bench.agent.visit_id == "hers"
    drawn = page(bench)
    assert 'class="hello">שלום<' in drawn
    assert NAME not in drawn


def test_it_begins_once_however_often_it_comes(bench: Bench) -> None:
    """While it goes on it is done; once it is over it is refused, also after a reboot."""
    command = begin(bench)
    assert bench.commands.command(command) == Answer()
    assert bench.commands.command(command) == Answer()
    assert bench.types() == ["taken_up"]
    bench.agent.finish(PutDownReason.DONE)
    refused = Answer(AckOutcome.REFUSED, model.OVER)
    assert bench.commands.command(command) == refused
    bench.reboot(away_s=1)
    assert bench.commands.command(command) == refused
    bench.clock.advance(1)
    assert bench.commands.command(begin(bench, "hers-again")) == Answer()


def test_too_late_nobody_is_greeted(bench: Bench) -> None:
    """It was offline: who stands there now is somebody else, by the server's clock."""
    late, in_time = begin(bench), begin(bench, "next")
    bench.clock.advance(16)
    assert bench.commands.command(late) == Answer(AckOutcome.REFUSED, model.TOO_LATE)
    greet = Greet(id="c2", time=bench.clock.now(), data=in_time.data)
    assert bench.commands.command(greet) == Answer(AckOutcome.REFUSED, model.TOO_LATE)
    assert bench.agent.visit_id is None
    assert bench.events() == []


def test_a_visit_that_goes_on_is_not_disturbed(bench: Bench) -> None:
    """Refused, so that the server lets go of it."""
    bench.agent.code_read(LAMP, Reader.HID)
    before = bench.agent.snapshot().visit
    assert bench.commands.command(begin(bench)) == Answer(AckOutcome.REFUSED, model.ANOTHER)
    assert bench.agent.snapshot().visit == before


def test_a_visit_is_hers_from_here_on(bench: Bench) -> None:
    """Taken up by hand, then tapped: greeted, no link left, idle time anew; her choice stays."""
    bench.agent.code_read(LAMP, Reader.HID)
    bench.agent.open_sheet("take")
    bench.clock.advance(75)
    bench.agent.tick()
    assert bench.agent.snapshot().countdown_s == 15
    bench.agent.say(TapOutcome.AMBIGUOUS)
    data = greeting(bench, bench.agent.visit_id or "")
    greet = Greet(id="c2", time=bench.clock.now(), data=data)
    assert bench.commands.command(greet) == Answer()
    now = bench.agent.snapshot()
    assert now.visit is not None
    assert (now.visit.claimed, now.visit.secret, now.visit.sheet) == (True, None, "")
    assert (now.locale, now.countdown_s, now.tap) == ("he", None, None)
    bench.agent.choose_language("pl")
    bench.commands.command(greet)
    assert bench.agent.snapshot().locale == "pl"
    assert bench.shown() == {LAMP: 1}


def test_a_greeting_for_another_visit_is_refused(bench: Bench) -> None:
    """She is not the one who stands here now."""
    bench.agent.take_up()
    greet = Greet(id="c2", time=bench.clock.now(), data=greeting(bench, "past"))
    assert bench.commands.command(greet) == Answer(AckOutcome.REFUSED, model.OVER)
    assert NAME not in page(bench)


def test_a_full_disk_begins_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """A visit that cannot be kept is refused: the server must not believe in it."""
    bench = Bench(tmp_path, clock, Limits(events_max=0, reserve=1))
    assert bench.commands.command(begin(bench)) == Answer(AckOutcome.REFUSED, model.UNKEPT)
    assert bench.agent.visit_id is None
    bench.switch_off()


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (TapOutcome.BUSY, "Somebody is using this tablet"),
        (TapOutcome.AMBIGUOUS, "Press the button of your band"),
        (TapOutcome.UNKNOWN, "welcome desk"),
    ],
)
@pytest.mark.parametrize("in_use", [False, True])
def test_why_nothing_begins_is_said_for_a_moment(
    bench: Bench, outcome: TapOutcome, said: str, *, in_use: bool
) -> None:
    """On the idle screen and in a visit; it goes away by itself and changes nothing else."""
    if in_use:
        bench.agent.take_up()
    before = bench.agent.snapshot().visit
    data = TapData(outcome=outcome, until=bench.clock.now() + timedelta(seconds=15))
    answered = TapAnswered(id="c3", time=bench.clock.now(), data=data)
    assert bench.commands.command(answered) == Answer()
    assert said in page(bench)
    assert bench.agent.snapshot().visit == before
    bench.clock.advance(8)
    bench.agent.tick()
    assert said not in page(bench)
    bench.clock.advance(8)
    assert bench.commands.command(answered) == Answer(AckOutcome.REFUSED, model.TOO_LATE)
    assert said not in page(bench)
