"""What whoever follows bands is told of those in the database."""

import pytest
from sqlalchemy import Engine, event

from cart.db import reading, unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import BandNotHere
from cart.kernel.ids import SeededIds
from gateway.bands import queries, service
from gateway.bands.model import EndReason, Heard, State
from gateway.binding.tables import BindingRow
from gateway.commands.service import open_commands
from gateway.findings.service import findings
from gateway.findings.tables import FindingKind
from gateway.notices import BandChanged, BindingChanged
from gateway.presence.doubting import Doubt
from gateway.presence.joining import VEIL_LIFETIME, ShopBands
from gateway.presence.leaving import Veil, Watch
from gateway.presence.model import Worn
from gateway.presence.oddities import LostHeard
from gateway.wire.codec import decode_command
from gateway.wire.downlink import CommandType, VeilData
from gateway.wire.downlink import Veil as VeilCommand
from tests.fakes.clock import FakeClock
from tests.fakes.shop import enrolled
from tests.gateway.drawer import CLOCK_S, SEALING, Drawer


@pytest.fixture
def drawer(engine: Engine, clock: FakeClock, ids: SeededIds) -> Drawer:
    """An empty drawer."""
    return Drawer(engine, clock, ids)


@pytest.fixture
def bands(drawer: Drawer) -> ShopBands:
    """The bands of the shop."""
    return ShopBands(drawer.clock, drawer.ids, SEALING)


def worn(drawer: Drawer, bands: ShopBands) -> list[Worn]:
    """Return the bands that somebody has."""
    with reading(drawer.engine) as db:
        return list(bands.worn(db))


def test_a_secret_is_opened_once_for_a_loan_and_her_word_holds_at_once(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Asked again the key is the same object; whether she may be followed is as of now."""
    number, session_id = drawer.made(), drawer.shopper()
    loan_id = drawer.out(number, session_id)
    (first,) = worn(drawer, bands)
    assert (first.number, first.loan_id, first.follow) == (number, loan_id, True)
    with unit_of_work(drawer.engine) as db:
        service.let_follow(db, session_id=session_id, follow=False)
    (again,) = worn(drawer, bands)
    assert again.key is first.key
    assert not again.follow


def test_the_next_loan_has_what_was_learned_since(drawer: Drawer, bands: ShopBands) -> None:
    """Handed back it is nobody's; handed out anew its clock is the one that was heard."""
    number = drawer.made()
    drawer.out(number, drawer.shopper())
    (first,) = worn(drawer, bands)
    drawer.clock.advance(100)
    with unit_of_work(drawer.engine) as db:
        heard = Heard(number, drawer.clock.now(), CLOCK_S + 120, CLOCK_S + 121, 80, 3)
        service.note_heard(db, [heard])
    drawer.back(number)
    assert worn(drawer, bands) == []
    drawer.out(number, drawer.shopper())
    (second,) = worn(drawer, bands)
    assert second.loan_id != first.loan_id
    assert (second.clock_s, second.off_s, second.at) == (CLOCK_S + 120.5, 0.5, drawer.clock.now())


def test_of_many_bands_only_the_new_ones_are_read_whole(drawer: Drawer, bands: ShopBands) -> None:
    """Those from before stay as they are, those that went are gone, the fresh one is there."""
    numbers = [drawer.made(secret=bytes([place]) * 16) for place in range(4)]
    for number in numbers[:3]:
        drawer.out(number, drawer.shopper())
    before = {one.number: one.key for one in worn(drawer, bands)}
    drawer.back(numbers[0])
    drawer.out(numbers[3], drawer.shopper())
    after = {one.number: one.key for one in worn(drawer, bands)}
    assert sorted(after) == numbers[1:]
    assert all(after[number] is before[number] for number in numbers[1:3])


def test_who_has_which_is_asked_in_as_many_statements_however_many_there_are(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Of three bands and of thirty; what has not changed is the same object."""
    asked: list[str] = []
    event.listen(drawer.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def statements() -> int:
        worn(drawer, bands)
        asked.clear()
        worn(drawer, bands)
        return len(asked)

    for place in range(3):
        drawer.out(drawer.made(secret=bytes([place]) * 16), drawer.shopper())
    few = statements()
    for place in range(3, 30):
        drawer.out(drawer.made(secret=bytes([place]) * 16), drawer.shopper())
    assert statements() == few
    before = worn(drawer, bands)
    assert len(before) == 30
    assert all(one is other for one, other in zip(before, worn(drawer, bands), strict=True))


def test_a_lost_band_is_listened_for_and_told_of_where_it_was_held(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Not before it is lost, and not once it is found; the operator sees it at the receiver."""
    number, kept = drawer.made(), drawer.made(secret=b"another band's s")
    drawer.out(number, drawer.shopper())
    drawer.out(kept, drawer.shopper())
    receiver = enrolled(drawer.engine, drawer.clock, drawer.ids, kind="receiver").device_id

    def lost() -> list[int]:
        with reading(drawer.engine) as db:
            return [one.number for one in bands.lost(db)]

    assert lost() == []
    with unit_of_work(drawer.engine) as db:
        service.lose(db, drawer.clock, number)
    assert lost() == [number]
    with unit_of_work(drawer.engine) as db:
        assert list(bands.odd(db, [LostHeard(number, ("mill-lane", receiver), -48.0)])) == []
        (found,) = findings(db, receiver)
    assert (found.kind, found.count) == (FindingKind.LOST_BAND, 1)
    assert found.detail == f"band {number}, reported lost, at -48 dBm"
    drawer.back(number)
    assert lost() == []


def test_a_band_that_is_two_opens_nothing_until_the_desk_has_looked(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Its visits are over and it is nobody's; taken back it lies in the drawer, trusted it is hers.

    A second doubt of it is no news.
    """
    number = drawer.made()
    loan_id = drawer.out(number, drawer.shopper())
    tablet = tapped(drawer, number, loan_id)
    receiver = enrolled(drawer.engine, drawer.clock, drawer.ids, kind="receiver").device_id
    doubt = Doubt(number, (("mill-lane", receiver),), "two frames by turns")
    with unit_of_work(drawer.engine) as db:
        told = list(bands.odd(db, [doubt, doubt]))
        (found,) = findings(db, receiver)
        (clear,) = open_commands(db, drawer.clock, tablet)
    assert told[0] == BandChanged(number)
    assert [one.live for one in told[1:] if isinstance(one, BindingChanged)] == [False]
    assert (found.kind, found.count) == (FindingKind.COPIED_BAND, 1)
    assert found.detail == f"band {number}: two frames by turns"
    assert clear.type == CommandType.CLEAR
    assert worn(drawer, bands) == []
    assert drawer.state(number) == (State.DOUBTED, "")

    with unit_of_work(drawer.engine) as db:
        service.trust(db, number)
    assert [one.loan_id for one in worn(drawer, bands)] == [loan_id]
    with pytest.raises(BandNotHere), unit_of_work(drawer.engine) as db:
        service.trust(db, number)
    with unit_of_work(drawer.engine) as db:
        assert service.doubt(db, number)
    drawer.back(number)
    assert drawer.state(number) == (State.DRAWER, EndReason.HANDED_BACK)


def tapped(drawer: Drawer, number: int, loan_id: str) -> str:
    """Let a tablet have a visit that this loan opened; return its id."""
    tablet = enrolled(drawer.engine, drawer.clock, drawer.ids).device_id
    now_us = to_us(drawer.clock.now())
    with unit_of_work(drawer.engine) as db:
        holder = queries.holder_of(db, number)
        assert holder is not None
        row = BindingRow(
            id=f"binding-{number}", device_id=tablet, visit="hers", session_id=holder.session_id,
            location_id="mill-lane", started_at_us=now_us, last_event_at_us=now_us,
            claimed_at_us=now_us, band_loan_id=loan_id,
        )  # fmt: skip
        db.add(row)
    return tablet


def test_only_the_visit_of_that_band_is_veiled_and_the_last_word_replaces_the_others(
    drawer: Drawer, bands: ShopBands
) -> None:
    """Drawn, lifted: one command waits. Another band's watch, or one of before, asks nothing."""
    number, other = drawer.made(), drawer.made(secret=b"another band's s")
    tablet = tapped(drawer, number, drawer.out(number, drawer.shopper()))

    def say(band: int, *, drawn: bool) -> list[VeilData]:
        drawer.clock.advance(1)
        with unit_of_work(drawer.engine) as db:
            told = list(bands.veiled(db, [Veil(Watch(band, "reader", tablet), drawn=drawn)]))
            assert all(isinstance(one, BindingChanged) and one.live for one in told)
            assert len(told) == (band == number)
            waiting = [decode_command(row.payload.encode())
                       for row in open_commands(db, drawer.clock, tablet)]  # fmt: skip
            return [one.data for one in waiting if isinstance(one, VeilCommand)]

    assert say(other, drawn=True) == []
    until = drawer.clock.now() + VEIL_LIFETIME
    (drawn,) = say(number, drawn=True)
    assert (drawn.visit, drawn.drawn) == ("hers", True)
    assert drawn.until >= until
    (lifted,) = say(number, drawn=False)
    assert not lifted.drawn
    drawer.clock.advance(VEIL_LIFETIME.total_seconds() + 1)
    with reading(drawer.engine) as db:
        assert open_commands(db, drawer.clock, tablet) == []
