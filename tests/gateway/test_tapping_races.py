"""Taps that cross with something: another band, a phone, a touch, a tablet that says no."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import Engine

from cart.carts.service import Shopping, add_line
from cart.db import make_engine, unit_of_work
from cart.kernel.errors import ClaimUsed
from cart.kernel.ids import SeededIds
from gateway.binding import service as binding
from gateway.binding import tapping
from gateway.binding.model import EndReason, TapAnswer
from gateway.downlink import Downlink
from gateway.fanout import Fanout
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from gateway.mqtt import MqttLink
from gateway.notices import BindingChanged
from gateway.wire.downlink import BeginVisit, Greet, ShowCart
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import JACKET, LAMP, MUG, Tablet, enrolled, stock_catalogue
from tests.gateway.test_binding_races import during
from tests.gateway.test_downlink import Wire
from tests.gateway.test_tapping import DANA, ELI, IDS, SECRET, Counter, left


def counter_in(engine: Engine, clock: FakeClock) -> Counter:
    """Return a shop with a tablet and its receiver."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, clock, IDS), clock)
    return Counter(engine, clock, tablet, Tablet(enrolled(engine, clock, IDS, "receiver"), clock))


@pytest.fixture
def counter(engine: Engine, clock: FakeClock, ids: SeededIds) -> Counter:
    """A shop with a tablet and its receiver, on each database."""
    assert ids
    return counter_in(engine, clock)


@pytest.fixture
def shared(postgresql_url: str, clock: FakeClock) -> Iterator[Counter]:
    """The same on PostgreSQL, where two may write at once."""
    engine = make_engine(postgresql_url)
    yield counter_in(engine, clock)
    engine.dispose()


# -- what the tablet says to it


def test_a_visit_that_the_tablet_does_not_begin_is_let_go(counter: Counter) -> None:
    """Refused or failed: nobody is bound, and her phone is told; said twice it is the same."""
    dana = counter.shopper(DANA, JACKET)
    for outcome in ("refused", "failed"):
        counter.clock.advance(1)
        counter.say(counter.tap(DANA))
        live = counter.live()
        assert live is not None
        (begin,) = [one for one in counter.commands() if isinstance(one, BeginVisit)]
        heard = counter.answer(begin.id, outcome, "it came too late")
        assert counter.live() is None
        told = [one for one in heard.notices if isinstance(one, BindingChanged)]
        assert [(one.visit, one.live) for one in told] == [(live.visit, False)]
        assert counter.answer(begin.id, outcome).notices == []
    assert counter.ends() == [EndReason.UNMET, EndReason.UNMET]
    assert counter.list_of(dana) == {JACKET: 1}


def test_a_touch_that_crossed_with_her_tap_is_hers(counter: Counter) -> None:
    """She touched the screen and held her band there: one visit, whichever the gateway heard first.

    The tablet had begun a visit of its own when it was asked to begin hers; that one is not over
    because it was heard of late.
    """
    dana = counter.shopper(DANA, JACKET)
    touched, scanned = counter.take_up("v1"), counter.scan("v1")
    counter.clock.advance(0.3)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    counter.say(touched, scanned)
    live = counter.live()
    assert live is not None
    assert live.visit == begin.data.visit  # type: ignore[union-attr]
    heard = counter.answer(begin.id, "refused", "another visit goes on here")
    live = counter.live()
    assert live is not None
    assert (live.visit, live.session_id, live.band_loan_id) == ("v1", dana, "loan-7")
    assert counter.list_of(dana) == {JACKET: 1, LAMP: 1}
    (greet,) = [one for one in counter.commands() if isinstance(one, Greet)]
    assert (greet.data.visit, greet.data.greeting) == ("v1", "Dana")
    assert heard.asked == {counter.tablet.device.device_id}
    counter.say(counter.scan("v1", MUG))
    assert counter.list_of(dana) == {JACKET: 1, LAMP: 1, MUG: 1}


def test_a_touch_just_after_her_tap_is_hers(counter: Counter) -> None:
    """The tablet's own visit began later and took its place; she is greeted in that one."""
    dana = counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    counter.clock.advance(0.3)
    counter.say(counter.take_up("v1"), counter.scan("v1"))
    counter.answer(begin.id, "refused", "another visit goes on here")
    live = counter.live()
    assert live is not None
    assert (live.visit, live.session_id) == ("v1", dana)
    assert counter.list_of(dana) == {LAMP: 1}


def test_somebody_who_took_the_tablet_with_her_phone_keeps_it(counter: Counter) -> None:
    """The visit that goes on there was claimed meanwhile: it is not given to the band."""
    counter.shopper(DANA)
    eli = counter.shopper(ELI, MUG)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    counter.clock.advance(0.3)
    counter.say(counter.take_up("v1"))
    with unit_of_work(counter.engine) as db:
        binding.claim(db, counter.clock, IDS, secret=SECRET + "v1", session_id=eli)
    counter.answer(begin.id, "refused", "another visit goes on here")
    live = counter.live()
    assert live is not None
    assert (live.visit, live.session_id) == ("v1", eli)


def test_she_had_gone_before_the_tablet_answered(counter: Counter) -> None:
    """Nothing is begun for her again, whatever the tablet goes on with."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    assert left(counter, loan_id="loan-7") == [False]
    counter.say(counter.take_up("v1"))
    counter.answer(begin.id, "refused", "another visit goes on here")
    live = counter.live()
    assert live is not None
    assert (live.visit, live.band_loan_id) == ("v1", None)


def test_a_tablet_that_does_not_answer_is_not_hers(counter: Counter) -> None:
    """Offline, off, away: after a quarter of a minute it is let go, and the name is deleted."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))

    def swept() -> list[bool]:
        with unit_of_work(counter.engine) as db:
            return [one.live for one in tapping.unanswered(db, counter.clock, IDS)]

    assert swept() == []
    counter.clock.advance(tapping.ANSWER_WITHIN.total_seconds())
    assert swept() == [False]
    assert swept() == []
    assert counter.live() is None
    assert [one.type for one in counter.commands()] == ["carryover.screen.clear"]


def test_a_fresh_greeting_is_not_swept_with_an_old_one(counter: Counter) -> None:
    """She pressed Done before the tablet had answered, and came back: that visit goes on."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    first = counter.live()
    assert first is not None
    counter.say(
        counter.tablet.message(counter.tablet.event("device.put_down", {"visit": first.visit}))
    )
    counter.clock.advance(14)
    counter.say(counter.tap(DANA))
    counter.clock.advance(2)
    with unit_of_work(counter.engine) as db:
        assert tapping.unanswered(db, counter.clock, IDS) == []
    live = counter.live()
    assert live is not None
    (begin,) = counter.commands()
    assert isinstance(begin, BeginVisit)
    assert begin.data.visit == live.visit != first.visit


def test_an_answered_greeting_is_not_swept(counter: Counter) -> None:
    """She is there."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    counter.answer(begin.id, "done")
    counter.clock.advance(60)
    with unit_of_work(counter.engine) as db:
        assert tapping.unanswered(db, counter.clock, IDS) == []
    assert counter.live() is not None


def test_the_tablet_is_told_at_once_and_the_visit_before_its_cart(counter: Counter) -> None:
    """One batch, and the command is on its way; the cart follows into the visit it begins."""
    counter.shopper(DANA, JACKET)
    wire = Wire()
    domain = Domain(counter.clock, IDS, sellables, counter.bands)
    line = Downlink(counter.engine, domain, cast("MqttLink", wire), cast("Fanout", wire))
    line.start()
    line.after(counter.say(counter.tap(DANA)))
    line.stop()
    begin, cart = wire.commands(counter.tablet)
    assert isinstance(begin, BeginVisit)
    assert isinstance(cart, ShowCart)
    assert cart.data.visit == begin.data.visit
    assert [one.gtin for one in cart.data.lines] == [JACKET]


def test_a_greeting_whose_time_is_up_is_not_sent(counter: Counter) -> None:
    """A tablet that comes back later is asked to clear itself, not to greet."""
    counter.shopper(DANA)
    wire = Wire()
    domain = Domain(counter.clock, IDS, sellables, counter.bands)
    line = Downlink(counter.engine, domain, cast("MqttLink", wire), cast("Fanout", wire))
    counter.say(counter.tap(DANA))
    counter.clock.advance(3600)
    line.remind(counter.tablet.device.device_id)
    assert wire.commands(counter.tablet) == []


# -- two at once


def tapping_in_another(counter: Counter, *numbers: int) -> Callable[[], Outcome]:
    """Start a batch with a tap that has to wait for ours; return what waits for its outcome."""
    tap = counter.tap(*numbers)
    return during(counter.engine, lambda: counter.say(tap))


def test_two_bands_at_once_in_two_batches(shared: Counter) -> None:
    """The one that was first has the tablet, the other is told that it is busy."""
    dana = shared.shopper(DANA)
    shared.shopper(ELI)
    first = read(shared.tap(DANA))
    domain = Domain(shared.clock, IDS, sellables, shared.bands)
    with unit_of_work(shared.engine) as db:
        begun = process(db, domain, [first])
        tap = shared.tap(ELI, spool="spool-2", sequence=1, id="other-1")
        result = during(shared.engine, lambda: shared.say(tap))
    assert shared.answered(begun) == [TapAnswer.BEGUN]
    outcome = result()
    assert (shared.answered(outcome), outcome.dead) == ([TapAnswer.BUSY], 0)
    live = shared.live()
    assert live is not None
    assert live.session_id == dana


def test_a_phone_claims_what_a_band_is_taking(shared: Counter) -> None:
    """The band was first: the phone is refused as by any claim before it, and nothing is lost."""
    dana, eli = shared.shopper(DANA, JACKET), shared.shopper(ELI, MUG)
    shared.say(shared.take_up(), shared.scan("v1"))
    domain = Domain(shared.clock, IDS, sellables, shared.bands)

    def claim() -> bool:
        with pytest.raises(ClaimUsed), unit_of_work(shared.engine) as db:
            binding.claim(db, shared.clock, IDS, secret=SECRET + "v1", session_id=eli)
        return True

    with unit_of_work(shared.engine) as db:
        process(db, domain, [read(shared.tap(DANA))])
        result = during(shared.engine, claim)
    assert result()
    assert shared.list_of(dana) == {JACKET: 1, LAMP: 1}
    assert shared.list_of(eli) == {MUG: 1}


def test_a_band_is_held_to_what_a_phone_is_claiming(shared: Counter) -> None:
    """The phone was first: the tablet is busy."""
    shared.shopper(DANA, JACKET)
    eli = shared.shopper(ELI, MUG)
    shared.say(shared.take_up(), shared.scan("v1"))
    with unit_of_work(shared.engine) as db:
        binding.claim(db, shared.clock, IDS, secret=SECRET + "v1", session_id=eli)
        result = tapping_in_another(shared, DANA)
    assert shared.answered(result()) == [TapAnswer.BUSY]
    live = shared.live()
    assert live is not None
    assert live.session_id == eli


def test_what_is_scanned_while_she_taps_is_on_her_list(shared: Counter) -> None:
    """A scan that waits for the tap follows the visit to her session."""
    dana = shared.shopper(DANA, JACKET)
    shared.say(shared.take_up(), shared.scan("v1"))
    shared.clock.advance(1)
    later = (shared.clock.now() + timedelta(seconds=1)).isoformat()
    scan = shared.tablet.message(shared.tablet.scanned("v1", MUG, time=later))
    domain = Domain(shared.clock, IDS, sellables, shared.bands)
    with unit_of_work(shared.engine) as db:
        process(db, domain, [read(shared.tap(DANA))])
        result = during(shared.engine, lambda: shared.say(scan))
    assert result().dead == 0
    assert shared.list_of(dana) == {JACKET: 1, LAMP: 1, MUG: 1}


def test_an_undo_leaves_what_her_phone_added_meanwhile(counter: Counter) -> None:
    """Taken by a band, undone on the phone: what the visit brought goes, the rest stays."""
    dana = counter.shopper(DANA, LAMP)
    counter.say(counter.take_up(), counter.scan("v1"), counter.scan("v1", MUG))
    tapped = counter.say(counter.tap(DANA)).taps[0]
    assert tapped.bound is not None
    counter.clock.advance(1)
    with unit_of_work(counter.engine) as db:
        shopping = Shopping(tapped.bound.cart_id, counter.clock, sellables)
        add_line(db, shopping, operation_id=IDS.new("op"), gtin=JACKET)
    assert counter.list_of(dana) == {LAMP: 2, MUG: 1, JACKET: 1}
    with unit_of_work(counter.engine) as db:
        binding.undo_merge(db, counter.clock, binding_id=tapped.claim_id, session_id=dana)
    assert counter.list_of(dana) == {LAMP: 1, JACKET: 1}
