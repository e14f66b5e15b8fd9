"""A shared device cannot leak: after any end, nothing of the last person can be found.

The search is a machine's: every object that the tablet holds, the page, the
stream, and every byte of its files.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.wire.downlink import Clear, ClearData
from gateway.wire.events import PutDownReason, Reader
from tests.fakes.clock import FakeClock
from tests.fakes.tablet_bench import LAMP, MUG, STRANGE, Bench

EMAIL = "dana.levi@example.com"
DEPTH_MAX = 12


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    """A tablet that nobody has taken up."""
    made = Bench(tmp_path, clock)
    yield made
    made.switch_off()


def a_whole_visit(bench: Bench) -> list[str]:
    """Do everything that a person can do; return what must never be found again."""
    agent = bench.agent
    agent.code_read(LAMP, Reader.CAMERA)
    agent.code_read(STRANGE, Reader.HID)
    agent.code_read(MUG, Reader.HID)
    agent.more(MUG)
    agent.choose_language("he")
    agent.open_sheet("mail")
    agent.request_list(EMAIL)
    agent.open_sheet("take")
    visit = agent.snapshot().visit
    assert visit is not None
    assert visit.secret is not None
    return [visit.id, visit.secret, EMAIL, EMAIL.partition("@")[0], STRANGE, STRANGE.shortest]


def texts_of(root: object) -> Iterator[str]:
    """Yield every text that can be reached from ``root`` through objects of ours."""
    seen: set[int] = set()
    level = [root]
    for _ in range(DEPTH_MAX):
        below: list[object] = []
        for thing in level:
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            if isinstance(thing, str):
                yield thing
            elif isinstance(thing, bytes):
                yield thing.decode(errors="replace")
            elif isinstance(thing, dict):
                below += [*thing.keys(), *thing.values()]
            elif isinstance(thing, (list, tuple, set, frozenset)):
                below += thing
            elif type(thing).__module__.startswith(("store_devices", "gateway", "cart")):
                below += list(getattr(thing, "__dict__", {}).values())
                slots = getattr(type(thing), "__slots__", ())
                below += [getattr(thing, name, None) for name in slots]
        level = below


def idle(bench: Bench) -> None:
    """Nobody touches it for long enough."""
    bench.clock.advance(91)
    bench.agent.tick()


def cleared(bench: Bench) -> None:
    """The server asks for it."""
    data = ClearData(visit=bench.agent.visit_id or "", reason="operator")
    bench.commands.command(Clear(id="c1", time=bench.clock.now(), data=data))


def dark(bench: Bench) -> None:
    """The power goes for an hour."""
    bench.reboot(away_s=3600)


ENDS: dict[str, Callable[[Bench], None]] = {
    "done": lambda bench: bench.agent.finish(PutDownReason.DONE),
    "put down": lambda bench: bench.agent.finish(PutDownReason.PUT_DOWN),
    "idle": idle,
    "cleared": cleared,
    "dark": dark,
}


@pytest.mark.parametrize("end", list(ENDS))
def test_nothing_is_left_in_memory_or_on_the_page(bench: Bench, end: str) -> None:
    """Objects, page, fragment and stream hold neither list nor secret nor address."""
    traces = a_whole_visit(bench)
    found_before = "\n".join(texts_of([bench.agent, bench.drawer, bench.commands]))
    assert traces[0] in found_before, "the search finds what is there"
    ENDS[end](bench)
    serving = bench.serve()
    with httpx2.Client(base_url=serving.url) as client:
        seen = [client.get("/").text, client.get("/screen").text]
        with client.stream("GET", "/events") as stream:
            seen.append(next(stream.iter_lines()))
    serving.stop()
    held = texts_of([bench.agent, bench.drawer, bench.commands, bench.stock, bench.line.watched])
    everything = "\n".join([*seen, *held])
    assert [trace for trace in traces if trace in everything] == []
    assert LAMP not in "\n".join(seen)
    assert "€" not in "\n".join(seen)
    assert '<html lang="en"' in seen[0]


@pytest.mark.parametrize("end", list(ENDS))
def test_the_files_hold_only_what_is_still_to_be_sent(bench: Bench, end: str) -> None:
    """Before the receipt the events are there, and no secret; after it, not one byte of them."""
    traces = a_whole_visit(bench)
    visit, secret = traces[:2]
    ENDS[end](bench)
    assert bench.spool.recall("visit") is None
    assert any(visit.encode() in kept.payload for kept in bench.spool.pending())
    assert not any(secret.encode() in kept.payload for kept in bench.spool.pending())
    bench.spool.receipt(bench.spool.id, bench.spool.sequence)
    bytes_left = b"".join(path.read_bytes() for path in bench.folder.rglob("*") if path.is_file())
    assert [trace for trace in traces if trace.encode() in bytes_left] == []


def test_the_next_person_begins_with_nothing(bench: Bench) -> None:
    """Another visit, another secret, an empty list, no undo, the tablet's own language."""
    traces = a_whole_visit(bench)
    bench.agent.finish(PutDownReason.DONE)
    bench.agent.take_up()
    visit = bench.agent.snapshot().visit
    assert visit is not None
    assert visit.id not in traces
    assert visit.secret not in traces
    assert (visit.base, visit.ops, visit.steps, visit.notice, visit.locale) == (
        (),
        (),
        (),
        None,
        "en",
    )
    bench.agent.undo()
    assert bench.shown() == {}
