"""Keeping a turn: said, kept and sent, or none of it; and told to whoever it is of."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from gateway.wire.events import LookData, PutDownReason, Reader, TriedData
from store_devices.mirror.outbox import AFTER_END_S, OnTheWay, Outbox, Parcel
from store_devices.mirror.sealing import SealedTurn
from store_devices.mirror.uploading import Grant
from store_devices.spool import Limits
from tests.fakes.clock import FakeClock
from tests.fakes.look_taker import LookTaker
from tests.fakes.mirror_bench import MirrorBench
from tests.fakes.tablet_bench import LAMP
from tests.real.waiting import wait_until

SOON_S = 20.0
GRANT = Grant(look_id="look-1", grant="g", public_key="", uploads="/uploads")


@pytest.fixture
def taker() -> LookTaker:
    """The shop."""
    return LookTaker()


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock, taker: LookTaker) -> Iterator[MirrorBench]:
    """A mirror whose spool has room for what begins a visit and for one garment, and no more."""
    limits = Limits(events_max=2, reserve=1)
    made = MirrorBench(tmp_path, clock, http=taker.client(), limits=limits)
    made.outbox.start()
    yield made
    made.outbox.stop()
    made.switch_off()


def test_what_cannot_be_said_is_not_kept_and_may_be_tried_again(
    bench: MirrorBench, taker: LookTaker
) -> None:
    """The spool has no room: the turn waits on, the glass says so; then the same grant serves."""
    bench.begin()
    bench.mirror.code_read(LAMP, Reader.HID)
    seen = bench.turn()
    bench.mirror.keep()
    wait_until(lambda: bench.keeping.wish == "refused", SOON_S)
    assert bench.studio.showing().phase == "deciding"
    assert bench.studio.picture(seen.turn_id, "video") is not None
    assert bench.outbox.on_the_way() == OnTheWay()
    assert bench.types() == ["taken_up", "tried"]
    serving = bench.serve()
    page = httpx2.get(f"{serving.url}screen").text
    serving.stop()
    assert "The shop cannot take it just now. Please try again in a moment." in page
    assert 'id="keep"' in page
    assert ">Kept<" not in page

    turn = bench.studio.deciding()
    assert turn is not None
    bench.spool.receipt(bench.spool.id, bench.spool.sequence)  # the line is back: there is room
    bench.mirror.keep()
    wait_until(lambda: bench.outbox.on_the_way() == OnTheWay(done=1), SOON_S)
    assert bench.studio.showing().phase == "kept"
    assert taker.granted == 1
    assert sum(taker.taken_bytes.values()) > 0
    visit = bench.mirror.visit_id or ""
    said = bench.events()[-1].data
    assert isinstance(said, LookData)
    assert (said.visit, said.look, said.gtins) == (visit, "look-1", (LAMP,))

    bench.mirror.finish(PutDownReason.DONE)
    parcel = Parcel(visit, GRANT, SealedTurn(b"key", ()))
    assert not bench.mirror.look_kept(turn, parcel)  # its visit is over
    assert bench.types()[-1] == "put_down"


def test_on_a_full_disk_a_turn_is_not_kept_by_half(
    tmp_path: Path, clock: FakeClock, taker: LookTaker
) -> None:
    """SQLite has no page left for the event: nothing is sent, nothing on the disk; then it is."""
    made = MirrorBench(tmp_path, clock, http=taker.client(), limits=Limits(pages_max=40))
    made.outbox.start()
    made.begin()
    made.turn()
    visit = made.mirror.visit_id or ""
    with pytest.raises(Unavailable, match="full"):  # noqa: PT012 - it must happen on the way
        for _ in range(2_000):
            made.spool.add(TriedData(visit=visit, gtin=Gtin(LAMP)))
    made.mirror.keep()
    wait_until(lambda: made.keeping.wish == "refused", SOON_S)
    assert made.studio.showing().phase == "deciding"
    assert made.outbox.on_the_way() == OnTheWay()
    assert sum(taker.taken_bytes.values()) == 0
    begins = (b"\xff\xd8\xff", b"\x1a\x45\xdf\xa3")  # of a picture, of a video
    written = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert written
    assert not any(begin in whole for whole in written for begin in begins)

    made.spool.receipt(made.spool.id, made.spool.sequence)  # there is room again
    made.mirror.keep()
    wait_until(lambda: made.outbox.on_the_way() == OnTheWay(done=1), SOON_S)
    assert isinstance(made.events()[-1].data, LookData)
    made.outbox.stop()
    made.switch_off()


def test_what_is_added_after_a_visits_end_is_told_to_nobody_else(
    clock: FakeClock, taker: LookTaker
) -> None:
    """Handed over a moment too late, it is sent, and the next one's glass does not speak of it."""
    with taker.client() as http:
        outbox = Outbox(http, bytes, clock)
        outbox.end("hers")
        outbox.add(Parcel("hers", GRANT, SealedTurn(b"key", ())))
        outbox.start()
        wait_until(lambda: outbox.on_the_way().waiting == 0, SOON_S)
        assert outbox.on_the_way() == OnTheWay()
        outbox.add(Parcel("the next one's", GRANT, SealedTurn(b"key", ())))
        wait_until(lambda: outbox.on_the_way() == OnTheWay(done=1), SOON_S)
        clock.advance(AFTER_END_S)
        outbox.add(Parcel("hers", GRANT, SealedTurn(b"key", ())))  # far too late: not sent at all
        wait_until(lambda: outbox.on_the_way() == OnTheWay(done=1), SOON_S)
        outbox.stop()
