"""The registry of wristbands, on both databases."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.errors import (
    BandHeld,
    BandNotHere,
    CarryoverError,
    InvalidInput,
    NoSession,
    UnknownBand,
)
from cart.kernel.ids import RandomIds, SeededIds
from cart.profile.consent import queries as ledger
from cart.profile.consent import service as consents
from cart.profile.consent.model import How, Purpose, Shown, Source, Subject
from gateway.bands import queries, service
from gateway.bands.model import EndReason, Heard, Moved, State
from gateway.bands.sealing import Sealing
from gateway.bands.tables import BandLoanRow, BandRow
from gateway.ports import Holder
from gateway.presence.resolving import Resolver
from gateway.wire.band import PERIOD_S, BandKey, BandState
from tests.fakes.clock import FakeClock
from tests.gateway.drawer import CLOCK_S, SEALING, SECRET, Drawer

WORDS = Shown(1, "en", "It may be noted where in the shop I am.")


@pytest.fixture
def drawer(engine: Engine, clock: FakeClock, ids: SeededIds) -> Drawer:
    """An empty drawer."""
    return Drawer(engine, clock, ids)


def test_a_band_that_is_out_is_known_by_its_frames(drawer: Drawer) -> None:
    """Its secret comes back from under the seal, its clock with how far it may have drifted."""
    first, second = drawer.made(), drawer.made(secret=bytes(16))
    assert (first, second) == (1, 2)
    drawer.out(first, drawer.shopper())
    drawer.clock.advance(3600)
    with reading(drawer.engine) as db:
        [band] = queries.bands_out(db, SEALING)
        assert queries.band_out(db, SEALING, first) is not None
        assert queries.band_out(db, SEALING, second) is None
    assert (band.number, band.clock_s, band.off_s) == (first, CLOCK_S, 2.0)
    assert band.location_id == "mill-lane"
    clock_s, off_s = band.clock_at(drawer.clock.now())
    assert clock_s == CLOCK_S + 3600
    assert 2.0 < off_s < 4.0
    resolver = Resolver()
    resolver.add(band.number, band.key, 10.0, clock_s=clock_s, off_s=off_s)
    frame = BandKey(SECRET).frame(int(clock_s) // PERIOD_S, 0, BandState(87, 3))
    sighting = resolver.resolve(frame, 10.0)
    assert sighting is not None
    assert (sighting.band, sighting.state.battery_percent) == (first, 87)


def test_a_secret_is_kept_sealed_for_its_band_alone(
    drawer: Drawer, caplog: pytest.LogCaptureFixture
) -> None:
    """The row does not have it; under another key, or in another band's row, it stays shut."""
    first, second = drawer.made(), drawer.made(secret=bytes(16))
    with unit_of_work(drawer.engine) as db:
        rows = [db.get_one(BandRow, number) for number in (first, second)]
        assert all(SECRET.hex() not in row.secret_sealed for row in rows)
        assert SEALING.opened(first, rows[0].secret_sealed) == SECRET
        assert (
            Sealing(b"another server's secret 32 bytes").opened(first, rows[0].secret_sealed)
            is None
        )
        rows[1].secret_sealed = rows[0].secret_sealed
        db.add(rows[1])
    drawer.out(second, drawer.shopper())
    with reading(drawer.engine) as db:
        assert queries.bands_out(db, SEALING) == []
    assert f"band {second} cannot be opened" in caplog.text


def test_a_band_is_handed_out_and_back(drawer: Drawer) -> None:
    """Out: it has a holder. Back: it has none, lies in that desk's drawer, and goes out again."""
    number, session_id = drawer.made(), drawer.shopper()
    loan_id = drawer.out(number, session_id)
    assert drawer.holder(number) == Holder(
        number, session_id, None, "Ruth", "he", follow=True, loan_id=loan_id
    )
    drawer.back(number, "harbour-street")
    assert drawer.holder(number) is None
    assert drawer.state(number) == (State.DRAWER, EndReason.HANDED_BACK)
    with reading(drawer.engine) as db:
        [band] = queries.listed(db, location_id="harbour-street")
        assert (band.number, band.handed_out_at, band.greeting) == (number, None, "")
        assert queries.listed(db, location_id="mill-lane") == []
    drawer.clock.advance(1)
    drawer.out(number, session_id, greeting="", follow=False)
    with reading(drawer.engine) as db:
        [band] = queries.listed(db, states=[State.OUT])
    assert (band.handed_out_at, band.follow) == (drawer.clock.now(), False)


def test_a_band_that_is_not_here_is_not_handed_out(drawer: Drawer) -> None:
    """Out, lost, retired, or never made: each in its words."""
    out, lost, retired, here = (drawer.made() for _ in range(4))
    drawer.out(out, drawer.shopper())
    with unit_of_work(drawer.engine) as db:
        service.lose(db, drawer.clock, lost)
        service.retire(db, retired)
    said = {}
    for number in (out, lost, retired, 99):
        with pytest.raises((BandNotHere, UnknownBand)) as refused:
            drawer.out(number, drawer.shopper())
        said[number] = refused.value.message
    assert said == {
        out: f"band {out} is out: somebody has it",
        lost: f"band {lost} was reported lost",
        retired: f"band {retired} was retired",
        99: "there is no band 99",
    }
    with reading(drawer.engine) as db:
        assert db.exec(select(func.count()).select_from(BandLoanRow)).one() == 1
    for number, wrong in (
        (here, {"greeting": "x" * 41}),
        (here, {"greeting": "a\nb"}),
        (here, {"locale": "fr"}),
    ):
        with pytest.raises(InvalidInput):
            drawer.out(number, drawer.shopper(), **wrong)
    assert drawer.state(here) == (State.DRAWER, "")


def test_a_shopper_has_one_band(drawer: Drawer) -> None:
    """A second is refused and stays in the drawer; an ended session gets none at all."""
    first, second, session_id = drawer.made(), drawer.made(), drawer.shopper()
    drawer.out(first, session_id)
    with pytest.raises(BandHeld):
        drawer.out(second, session_id)
    assert drawer.state(second) == (State.DRAWER, "")
    left = drawer.shopper()
    with unit_of_work(drawer.engine) as db:
        gone = db.get_one(ShopperSessionRow, left)
        gone.ended_at = drawer.clock.now()
        db.add(gone)
    for nobody in (left, "session_of_nobody"):
        with pytest.raises(NoSession):
            drawer.out(second, nobody)
    assert drawer.state(second) == (State.DRAWER, "")


def rivals(count: int, act: Iterable[tuple[Drawer, int, str]]) -> list[type[CarryoverError] | None]:
    """Hand out at the same moment; return what became of each."""
    start = threading.Barrier(count)
    outcomes: list[type[CarryoverError] | None] = []

    def one(drawer: Drawer, number: int, session_id: str) -> None:
        start.wait()
        try:
            drawer.out(number, session_id)
            outcomes.append(None)
        except CarryoverError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=one, args=each) for each in act]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_two_desks_with_the_same_band_one_hands_it_out(drawer: Drawer) -> None:
    """Six at the same moment: one loan, five refusals."""
    number = drawer.made()
    desks = [replace(drawer, ids=RandomIds()) for _ in range(6)]
    outcomes = rivals(6, [(one, number, drawer.shopper()) for one in desks])
    assert (
        sorted(outcomes, key=str) == [BandNotHere] * 5 + [None]
        or sorted(outcomes, key=str) == [None] + [BandNotHere] * 5
    )
    with reading(drawer.engine) as db:
        assert db.exec(select(func.count()).select_from(BandLoanRow)).one() == 1


def test_of_two_bands_for_the_same_shopper_one_is_handed_out(drawer: Drawer) -> None:
    """The other stays in the drawer, and can be handed to somebody else."""
    numbers, session_id = [drawer.made() for _ in range(4)], drawer.shopper()
    desks = [replace(drawer, ids=RandomIds()) for _ in numbers]
    pairs = zip(desks, numbers, strict=True)
    outcomes = rivals(4, [(desk, number, session_id) for desk, number in pairs])
    assert (outcomes.count(None), outcomes.count(BandHeld)) == (1, 3)
    states = [drawer.state(number)[0] for number in numbers]
    assert (states.count(State.OUT), states.count(State.DRAWER)) == (1, 3)


def test_the_database_itself_refuses_a_second_holder(drawer: Drawer) -> None:
    """Whoever forgets to ask: no band has two live loans."""
    number, other = drawer.made(), drawer.shopper()
    drawer.out(number, drawer.shopper())
    with pytest.raises(IntegrityError), unit_of_work(drawer.engine) as db:
        db.add(
            BandLoanRow(
                id="loan_2", number=number, session_id=other, handed_out_at=drawer.clock.now()
            )
        )
    with reading(drawer.engine) as db:
        assert db.exec(select(func.count()).select_from(BandLoanRow)).one() == 1


def test_a_lost_band_is_nobodys_until_it_is_found(drawer: Drawer) -> None:
    """Its holder says so, once; from then on its frames are nobody's. Found, it is handed back."""
    number, session_id = drawer.made(), drawer.shopper()
    drawer.out(number, session_id)
    with unit_of_work(drawer.engine) as db:
        assert service.report_lost(db, drawer.clock, session_id=session_id) == number
    assert drawer.state(number) == (State.LOST, EndReason.LOST)
    with pytest.raises(UnknownBand), unit_of_work(drawer.engine) as db:
        service.report_lost(db, drawer.clock, session_id=session_id)
    with reading(drawer.engine) as db:
        assert queries.bands_out(db, SEALING) == []
        assert queries.holders_of(db, [number]) == {}
    drawer.back(number)
    assert drawer.state(number) == (State.DRAWER, EndReason.LOST)
    with pytest.raises(BandNotHere):
        drawer.back(number)


def test_a_band_that_somebody_has_is_not_retired(drawer: Drawer) -> None:
    """It is taken back first; retired, it never goes out again, and is never handed back."""
    number = drawer.made()
    drawer.out(number, drawer.shopper())
    with pytest.raises(BandNotHere), unit_of_work(drawer.engine) as db:
        service.retire(db, number)
    assert drawer.holder(number) is not None
    drawer.back(number)
    with unit_of_work(drawer.engine) as db:
        service.retire(db, number)
    with pytest.raises(BandNotHere):
        drawer.back(number)
    assert drawer.state(number)[0] is State.RETIRED


def decide(drawer: Drawer, subject: Subject, *, granted: bool) -> None:
    """Write a decision into the ledger."""
    how = How(Source.STAFF_DESK, WORDS, "mill-lane")
    purpose = Purpose.LOCATION_IN_SHOP
    with unit_of_work(drawer.engine) as db:
        if granted:
            seen = ledger.own_numbers(db, subject).get(purpose, 0)
            consents.grant(db, drawer.clock, drawer.ids, subject, purpose, how=how, seen=seen)
        else:
            consents.withdraw(db, drawer.clock, drawer.ids, subject, purpose, how=how)


def test_a_customer_is_followed_while_her_consent_holds(drawer: Drawer) -> None:
    """Never without the ledger; from her withdrawal on not any more, whatever the loan says."""
    number, ann = drawer.made(), Subject(customer_id="customer_ann")
    drawer.out(number, drawer.shopper(ann.customer_id))
    assert not drawer.follows(number)
    decide(drawer, ann, granted=True)
    assert drawer.follows(number)
    decide(drawer, ann, granted=False)
    assert not drawer.follows(number)
    holder = drawer.holder(number)
    assert holder is not None
    assert holder.customer_id == ann.customer_id


def test_an_anonymous_shopper_is_followed_if_she_said_so_at_the_desk(drawer: Drawer) -> None:
    """By the loan's own flag, until her phone refuses, or she takes it back."""
    said_no, said_yes, refused = drawer.made(), drawer.made(), drawer.made()
    stopped, phone = drawer.shopper(), drawer.shopper()
    drawer.out(said_no, drawer.shopper(), follow=False)
    drawer.out(said_yes, stopped)
    drawer.out(refused, phone)
    decide(drawer, Subject(session_id=phone), granted=False)
    with reading(drawer.engine) as db:
        found = queries.holders_of(db, [said_no, said_yes, refused, 99])
    assert {number: one.follow for number, one in found.items()} == {
        said_no: False,
        said_yes: True,
        refused: False,
    }
    with unit_of_work(drawer.engine) as db:
        assert service.let_follow(db, session_id=stopped, follow=False) == said_yes
        assert service.let_follow(db, session_id="nobody", follow=False) is None
    assert not drawer.follows(said_yes)
    assert drawer.state(said_yes) == (State.OUT, "")


def test_consent_at_the_desk_does_not_follow_who_was_not_asked(drawer: Drawer) -> None:
    """A customer who said no at the desk is not followed because of an older yes."""
    number, ann = drawer.made(), Subject(customer_id="customer_ann")
    decide_for = drawer.shopper(ann.customer_id)
    decide(drawer, ann, granted=True)
    drawer.out(number, decide_for, follow=False)
    assert not drawer.follows(number)


def test_what_was_decided_before_she_signed_in_comes_along(drawer: Drawer) -> None:
    """The session's grant counts for the customer that it joined; a refusal of hers is newer."""
    number, ann = drawer.made(), Subject(customer_id="customer_ann")
    origin, own = drawer.shopper(), drawer.shopper(ann.customer_id)
    loan_id = drawer.out(number, origin)
    decide(drawer, Subject(session_id=origin), granted=True)
    with unit_of_work(drawer.engine) as db:
        consents.join(db, drawer.clock, drawer.ids, session_id=origin, customer_id=ann.customer_id)
        moved = service.move_loan(db, drawer.clock, from_id=origin, session_id=own)
        assert moved == Moved(number, loan_id)
    holder = drawer.holder(number)
    assert holder is not None
    assert (holder.session_id, holder.customer_id, holder.follow) == (own, ann.customer_id, True)
    drawer.clock.advance(1)
    decide(drawer, ann, granted=False)
    assert not drawer.follows(number)
    with unit_of_work(drawer.engine) as db:
        for _ in range(2):
            service.move_back(db, [loan_id], from_id=own, session_id=origin)
    holder = drawer.holder(number)
    assert holder is not None
    assert (holder.session_id, holder.customer_id) == (origin, None)


def test_a_second_band_that_comes_along_is_nobodys(drawer: Drawer) -> None:
    """Her account had one: that one stays hers, the other waits for the desk."""
    first, second = drawer.made(), drawer.made()
    origin, own = drawer.shopper(), drawer.shopper("customer_ann")
    drawer.out(first, own)
    drawer.out(second, origin)
    with unit_of_work(drawer.engine) as db:
        assert service.move_loan(db, drawer.clock, from_id=origin, session_id=own) == Moved(second)
        assert service.move_loan(db, drawer.clock, from_id=origin, session_id=own) is None
    assert (drawer.holder(second), drawer.state(second)) == (None, (State.OUT, EndReason.REPLACED))
    assert drawer.holder(first) is not None
    drawer.back(second)
    assert drawer.state(second)[0] is State.DRAWER


def test_loans_end_with_their_sessions(drawer: Drawer) -> None:
    """An erasure says so of all her sessions; others keep their bands."""
    hers, other = drawer.made(), drawer.made()
    session_id = drawer.shopper()
    drawer.out(hers, session_id)
    drawer.out(other, drawer.shopper())
    with unit_of_work(drawer.engine) as db:
        assert service.end_loans(db, drawer.clock.now(), [session_id], EndReason.ERASED) == [hers]
        assert service.end_loans(db, drawer.clock.now(), [session_id], EndReason.ERASED) == []
    assert drawer.state(hers) == (State.OUT, EndReason.ERASED)
    assert drawer.holder(other) is not None


def test_what_was_heard_is_kept_if_it_is_newer(drawer: Drawer) -> None:
    """Clock, battery and presses of many at once; what comes late changes nothing."""
    first, second = drawer.made(), drawer.made()
    early = drawer.clock.now() + timedelta(seconds=10)
    late = early + timedelta(seconds=60)
    with unit_of_work(drawer.engine) as db:
        service.note_heard(
            db,
            [
                Heard(second, late, 200.5, 201.0),
                Heard(first, early, 100.0, 110.0, 87, 3),
                Heard(first, late, 160.25, 161.0, None, 4),
                Heard(99, late, 0.0, 1.0),
            ],
        )
        service.note_heard(db, [Heard(first, early, 0.0, 500.0, 1, 1)])
        service.note_heard(db, [])
    with reading(drawer.engine) as db:
        row, other = db.get_one(BandRow, first), db.get_one(BandRow, second)
        assert db.get(BandRow, 99) is None
    assert (row.clock_low_s, row.clock_high_s, row.clock_at) == (160.25, 161.0, late)
    assert (row.battery_percent, row.presses, row.heard_at) == (87, 4, late)
    assert (other.battery_percent, other.presses, other.heard_at) == (None, 0, late)


def test_what_cannot_be_a_band_is_not_made(drawer: Drawer) -> None:
    """A secret of another length, a location with a blank."""
    for wrong in ({"secret": b"short"}, {"location_id": "mill lane"}):
        with pytest.raises(InvalidInput):
            drawer.made(**wrong)
    with reading(drawer.engine) as db:
        assert queries.listed(db) == []


def test_makers_at_the_same_moment_get_different_numbers(drawer: Drawer) -> None:
    """Eight at once: numbers 1 to 8."""
    start, numbers = threading.Barrier(8), []

    def maker() -> None:
        start.wait()
        numbers.append(replace(drawer, ids=RandomIds()).made())

    threads = [threading.Thread(target=maker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))
