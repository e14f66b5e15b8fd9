"""RFID tags: what an EPC says, and what was brought into a room, measured on simulated rounds."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.epc import gtin_of
from cart.kernel.errors import InvalidInput
from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.tags import HIDDEN_ROUNDS_MAX, SimulatedTagReader, epc_of
from gateway.wire.codec import decode_event
from gateway.wire.events import HealthData, PutDownReason, Reader, TriedData
from store_devices.tags.brought_in import GONE_ROUNDS, ROUNDS, SETTLED_ROUNDS, BroughtIn, Moved
from store_devices.tags.watching import SILENT_AFTER_S, Hearing, TagWatching, opener
from tests.fakes.clock import FakeClock
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP as ARC
from tests.fakes.tablet_bench import MUG as GREEN_MUG
from tests.fakes.tablet_bench import STRANGE
from tests.real.waiting import wait_until

GTINS = (
    st.text("0123456789", min_size=13, max_size=13)
    .filter(lambda payload: bool(payload.strip("0")))
    .map(lambda payload: Gtin(payload + str(check_digit(payload))))
)
# Bits and digits of the company prefix, by partition, as in the standard's table 14-2.
COMPANIES = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))
LAMP, MUG, NEXT_DOOR = Gtin("4006381333931"), Gtin("96385074"), Gtin("036000291452")


def test_the_standards_own_example() -> None:
    """GS1 EPC Tag Data Standard: urn:epc:id:sgtin:0614141.812345.6789."""
    assert gtin_of(bytes.fromhex("3074257BF7194E4000001A85")) == "80614141123458"


@given(GTINS, st.integers(0, 6), st.integers(0, 2**38 - 1))
def test_whatever_the_company_is_called(gtin: Gtin, partition: int, serial: int) -> None:
    """Each length of a company prefix leads back to the number that it is part of."""
    bits, digits = COMPANIES[partition]
    item = gtin[0] + gtin[1 + digits : 13]
    coded = 0x30 << 6 | 1 << 3 | partition
    coded = (coded << bits | int(gtin[1 : 1 + digits])) << (44 - bits) | int(item)
    assert gtin_of((coded << 38 | serial).to_bytes(12)) == gtin
    if partition == 5:
        assert epc_of(gtin, serial) == (coded << 38 | serial).to_bytes(12)


@given(st.binary(max_size=30))
def test_any_other_tag_says_nothing_or_a_whole_number(epc: bytes) -> None:
    """Bytes of another maker's form, cut off, or beyond the digits: None, never an error."""
    found = gtin_of(epc)
    assert found is None or Gtin(found) == found


def rails(seed: int) -> tuple[SimulatedTagReader, BroughtIn, set[Gtin]]:
    """Return a room that has been empty for a minute, forty tags hanging outside of it."""
    reader, room = SimulatedTagReader(seed, hides=0.02), BroughtIn()
    codes = [Gtin(f"{number:07}" + str(check_digit(f"{number:07}"))) for number in range(1, 41)]
    reader.outside = {epc_of(gtin, seed) for gtin in codes}
    for _ in range(SETTLED_ROUNDS + ROUNDS):
        room.empty(reader.read() or ())
    return reader, room, set(codes)


def heard(room: BroughtIn, reader: SimulatedTagReader, rounds: int) -> list[Moved]:
    """Let rounds of a visit pass; return those that told something."""
    told = (room.round(reader.read() or ()) for _ in range(rounds))
    return [moved for moved in told if moved != Moved()]


def test_what_is_brought_in_is_told_once_and_nothing_else_is() -> None:
    """Over thirty visits of a minute: rails outside, the room next door, tags behind a body."""
    late = wrong = lost = 0
    for seed in range(30):
        reader, room, outside = rails(seed)
        for gtin, serial in ((LAMP, 1), (LAMP, 2), (MUG, 1)):
            reader.bring_in(gtin, serial)
        reader.outside |= {epc_of(NEXT_DOOR, serial) for serial in range(3)}  # came after her
        moved = heard(room, reader, 2 * ROUNDS)
        arrived = [gtin for one in moved for gtin in one.arrived]
        late += len({LAMP, MUG} - set(arrived))
        moved += heard(room, reader, 240 - 2 * ROUNDS)
        arrived = [gtin for one in moved for gtin in one.arrived]
        assert len(arrived) == len(set(arrived))  # two lamps are one code, told once
        assert {LAMP, MUG} <= set(arrived)
        wrong += len(set(arrived) & (outside | {NEXT_DOOR}))
        lost += sum(len(one.left) for one in moved)
    assert (wrong, lost) == (0, 0)
    assert late <= 6  # of 60 within ten seconds: a body may stand before them


def test_what_is_carried_out_goes_and_comes_again() -> None:
    """After ten seconds of silence; of two of an article the last one counts."""
    reader, room, _ = rails(1)
    reader.bring_in(LAMP, 1)
    reader.bring_in(LAMP, 2)
    assert heard(room, reader, 2 * ROUNDS) == [Moved(arrived=(LAMP,))]
    reader.carry_out(LAMP, 1)
    assert heard(room, reader, 2 * GONE_ROUNDS) == []
    reader.carry_out(LAMP, 2)
    assert heard(room, reader, GONE_ROUNDS - HIDDEN_ROUNDS_MAX - 1) == []
    assert heard(room, reader, ROUNDS) == [Moved(left=(LAMP,))]
    reader.bring_in(LAMP, 2)
    assert heard(room, reader, 2 * ROUNDS) == [Moved(arrived=(LAMP,))]


def test_what_came_with_her_before_she_touched_the_glass_is_hers() -> None:
    """Hung up half a minute before; but what has hung there for a minute is not."""
    room, hers, shops = BroughtIn(), epc_of(LAMP, 1), epc_of(MUG, 9)
    for _ in range(SETTLED_ROUNDS):
        room.empty([shops])
    for _ in range(SETTLED_ROUNDS // 2):
        room.empty([shops, hers])
    assert room.round([shops, hers]) == Moved(arrived=(LAMP,))


def test_the_next_person_brings_in_her_own() -> None:
    """What the last one left behind is not hers, unless it was taken away and comes again."""
    room, lamp, left = BroughtIn(), epc_of(LAMP, 1), epc_of(MUG, 9)
    room.empty([])
    told = [room.round([lamp, left]) for _ in range(ROUNDS)]
    assert [one for one in told if one != Moved()] == [Moved(arrived=(MUG, LAMP))]
    room.empty([left])  # one visit after the other, at once
    told = [room.round([left]) for _ in range(ROUNDS)]
    assert set(told) == {Moved()}
    for _ in range(GONE_ROUNDS + 2 * ROUNDS):
        room.empty([])
    told = [room.round([left]) for _ in range(ROUNDS)]
    assert [one for one in told if one != Moved()] == [Moved(arrived=(MUG,))]


def test_a_reader_lists_what_is_carried_in(tmp_path: Path, clock: FakeClock) -> None:
    """By itself, and off again; a tag of nobody's is not listed; staff hear how it came."""
    bench = MirrorBench(tmp_path, clock)
    reader, hearing = SimulatedTagReader(3), Hearing(bench.mirror)
    rounds = partial(listen, reader, hearing)
    reader.bring_in(STRANGE)
    rounds(SETTLED_ROUNDS)
    bench.mirror.take_up()
    reader.bring_in(ARC)
    reader.bring_in(GREEN_MUG)
    rounds(2 * ROUNDS)
    assert set(bench.mirror.brought) == {ARC, GREEN_MUG}
    visit = bench.mirror.snapshot().visit
    assert visit is not None
    assert visit.product in bench.mirror.brought
    assert {one.data.reader for one in bench.events() if isinstance(one.data, TriedData)} == {
        Reader.RFID
    }
    bench.mirror.put_back(ARC)  # she took it off the list: it does not come back by itself
    reader.carry_out(GREEN_MUG)
    rounds(2 * GONE_ROUNDS)
    assert bench.mirror.brought == ()
    bench.mirror.tags_moved("another", (ARC,), ())
    assert bench.mirror.brought == ()
    bench.mirror.finish(PutDownReason.DONE)
    rounds(1)
    bench.mirror.take_up()
    rounds(2 * ROUNDS)
    assert bench.mirror.brought == ()
    bench.switch_off()


def listen(reader: SimulatedTagReader, hearing: Hearing, rounds: int) -> None:
    """Let rounds pass."""
    for _ in range(rounds):
        hearing.round(set(reader.read() or ()))


def test_a_reader_that_is_silent_or_gone_is_said(tmp_path: Path, clock: FakeClock) -> None:
    """In the health; a code that is shown is listed all the same; it is opened again."""
    bench = MirrorBench(tmp_path, clock)
    reader = SimulatedTagReader(3, wait=lambda _: time.sleep(0.001))
    reader.bring_in(STRANGE)
    watching = TagWatching(reader.plugged_in, bench.mirror, clock, reopen_s=0.01)
    bench.mirror.watch_tags(watching.how_it_does)
    said = watching.how_it_does
    assert said() == "gone"
    watching.start()
    wait_until(lambda: said() == "reading", 10)
    reader.inside.clear()
    wait_until(lambda: said_later(said, clock) == "silent", 10)
    reader.works = False
    wait_until(lambda: said() == "gone", 10)
    bench.mirror.report_health()
    assert told_of(bench) == "gone"
    bench.mirror.code_read(ARC, Reader.CAMERA)
    assert bench.mirror.brought == (ARC,)
    reader.works = True  # it was plugged in again
    wait_until(lambda: said() == "reading", 10)
    watching.stop()
    bench.switch_off()


def said_later(said: Callable[[], str], clock: FakeClock) -> str:
    """Let ten minutes pass; return what is said of the reader."""
    clock.advance(SILENT_AFTER_S)
    return said()


def told_of(bench: MirrorBench) -> str | None:
    """Return what the health said last of the reader."""
    event = decode_event(bench.telemetry.pending()[-1].payload)
    assert isinstance(event.data, HealthData)
    return event.data.tags


def test_a_reader_is_named_by_who_wrote_it() -> None:
    """A module and a function of the shop's own; what is not there is said at once."""
    assert opener("firmware_sim.tags:opened")().read() == []
    with pytest.raises(InvalidInput):
        opener("firmware_sim.tags:no_such")
    with pytest.raises(InvalidInput):
        opener("no_such_package:opened")


def test_a_reader_that_is_closed_ends() -> None:
    """No round comes after it."""
    reader = SimulatedTagReader(1)
    reader.close()
    reader.close()
    assert reader.read() is None
