"""A wristband held to a tablet: begun, taken, refused, let go; on both databases."""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from cart.carts import queries as carts
from cart.carts.service import Shopping, add_line, open_session
from cart.carts.tables import ShopperSessionRow
from cart.db import reading, unit_of_work
from cart.kernel.ids import RandomIds, SeededIds, secret_hash
from cart.profile.tables import CustomerRow
from gateway.binding import queries as bindings
from gateway.binding import service as binding
from gateway.binding import tapping
from gateway.binding.model import EndReason, TapAnswer, TapState, judge_tap
from gateway.binding.tables import BindingRow
from gateway.commands.tables import DeviceCommandRow
from gateway.ingest.batch import Domain, Outcome
from gateway.ingest.fence import Unfenced
from gateway.ingest.read import read
from gateway.ingest.stations import Heard, stations_heard
from gateway.mqtt import Incoming
from gateway.notices import BindingChanged, CartChanged
from gateway.wire.codec import decode_command
from gateway.wire.downlink import BeginVisit, Command, Greet, TapAnswered
from gateway.wire.topics import Channel
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.holders import KnownBands, frame_of
from tests.fakes.shop import JACKET, LAMP, LOCATION, MUG, Tablet, enrolled, ingest, stock_catalogue

IDS = RandomIds()
DANA, ELI = 7, 8  # bands
SECRET = "the-secret-in-the-code"


@dataclass
class Counter:
    """A tablet with a receiver at it, and two shoppers with bands."""

    engine: Engine
    clock: FakeClock
    tablet: Tablet
    receiver: Tablet
    bands: KnownBands = field(default_factory=KnownBands)

    def __post_init__(self) -> None:
        """Let the receiver stand at the tablet."""
        self.bands.places[self.receiver.device.device_id] = self.tablet.device.device_id

    def shopper(self, number: int, *gtins: str, **over: str) -> str:
        """Lend a band to a shopper who has these on her list; return her session."""
        with unit_of_work(self.engine) as db:
            session = open_session(db, self.clock, IDS)
            shopping = Shopping(session.cart_id, self.clock, sellables)
            for gtin in gtins:
                add_line(db, shopping, operation_id=IDS.new("op"), gtin=gtin)  # type: ignore[arg-type]
            self.bands.lend(number, session.id, **over)
            return session.id

    def tap(self, *numbers: int, by: str = "near", **over: Any) -> Incoming:  # noqa: ANN401
        """Return the message of bands held near, the strongest first."""
        return self.show(*map(frame_of, numbers), by=by, **over)

    def show(self, *frames: bytes, by: str = "near", **over: Any) -> Incoming:  # noqa: ANN401
        """Return the message of frames shown, the strongest first."""
        heard = [
            {"frame": b64encode(one).decode(), "dbm": -30.5 - place}
            for place, one in enumerate(frames)
        ]
        data = {"by": by, "heard": heard}
        return self.receiver.message(self.receiver.event("band.presented", data, **over))

    def say(self, *messages: Incoming) -> Outcome:
        """Let messages arrive in one batch."""
        return ingest(self.engine, self.clock, IDS, *messages, bands=self.bands)

    def answered(self, outcome: Outcome) -> list[TapAnswer]:
        """Return what the taps of a batch came to."""
        return [one.answer for one in outcome.taps]

    def commands(self, tablet: Tablet | None = None) -> list[Command]:
        """Return what the tablet is asked and has not answered."""
        device_id = (tablet or self.tablet).device.device_id
        with reading(self.engine) as db:
            rows = db.exec(
                select(DeviceCommandRow)
                .where(
                    DeviceCommandRow.device_id == device_id,
                    col(DeviceCommandRow.acked_at).is_(None),
                )
                .order_by(col(DeviceCommandRow.issued_at), col(DeviceCommandRow.id))
            ).all()
            return [decode_command(row.payload.encode()) for row in rows]

    def answer(self, command_id: str, outcome: str, detail: str = "") -> Heard:
        """Let the tablet's ack arrive."""
        payload = f'{{"command_id":"{command_id}","outcome":"{outcome}","detail":"{detail}"}}'
        ack = read(self.tablet.message(payload.encode(), Channel.ACKS))
        domain = Domain(self.clock, IDS, sellables, self.bands)
        return stations_heard(self.engine, domain, Unfenced(), [ack])

    def live(self, tablet: Tablet | None = None) -> BindingRow | None:
        """Return the tablet's live binding."""
        device_id = (tablet or self.tablet).device.device_id
        with reading(self.engine) as db:
            return db.exec(
                select(BindingRow).where(
                    BindingRow.device_id == device_id, col(BindingRow.ended_at).is_(None)
                )
            ).one_or_none()

    def ends(self) -> list[str]:
        """Return why bindings ended, in order."""
        with reading(self.engine) as db:
            found = db.exec(
                select(BindingRow.end_reason)
                .where(col(BindingRow.ended_at).is_not(None))
                .order_by(col(BindingRow.ended_at), col(BindingRow.id))
            )
            return list(found.all())

    def list_of(self, session_id: str) -> dict[str, int]:
        """Return what a session's cart shows."""
        with reading(self.engine) as db:
            session = bindings.session_of(db, session_id)
            assert session is not None
            return {line.gtin: line.quantity for line in carts.view(db, session.cart_id).lines}

    def take_up(self, visit: str = "v1") -> Incoming:
        """Return the message with which the tablet is taken up by hand."""
        data = {"visit": visit, "claim_hash": secret_hash(SECRET + visit)}
        return self.tablet.message(self.tablet.event("device.taken_up", data))

    def scan(self, visit: str, gtin: str = LAMP) -> Incoming:
        """Return the message of a scan."""
        return self.tablet.message(self.tablet.scanned(visit, gtin))


@pytest.fixture
def counter(engine: Engine, clock: FakeClock, ids: SeededIds) -> Counter:
    """A shop with a tablet and its receiver, on each database."""
    stock_catalogue(engine)
    tablet = Tablet(enrolled(engine, clock, ids), clock)
    return Counter(engine, clock, tablet, Tablet(enrolled(engine, clock, ids, "receiver"), clock))


@pytest.mark.parametrize(
    ("state", "sessions", "strangers", "pressed", "answer"),
    [
        (TapState(), {"a"}, 0, False, TapAnswer.BEGUN),
        (TapState(), {"a"}, 1, False, TapAnswer.AMBIGUOUS),
        (TapState(), {"a"}, 1, True, TapAnswer.BEGUN),
        (TapState(), {"a", "b"}, 0, False, TapAnswer.AMBIGUOUS),
        (TapState(), {"a", "b"}, 0, True, TapAnswer.AMBIGUOUS),
        (TapState(), set(), 2, False, TapAnswer.UNKNOWN),
        (TapState("v"), {"a"}, 0, False, TapAnswer.TAKEN),
        (TapState("b", claimed=True), {"a"}, 0, False, TapAnswer.BUSY),
        (TapState("a", claimed=True), {"a"}, 0, False, TapAnswer.AGAIN),
        (TapState("a", claimed=True), {"b", "a"}, 0, False, TapAnswer.AGAIN),
        (TapState("a", claimed=True), set(), 1, False, TapAnswer.UNKNOWN),
    ],
)
def test_what_a_tap_comes_to(
    state: TapState, sessions: set[str], strangers: int, answer: TapAnswer, *, pressed: bool
) -> None:
    """Her own visit goes before all doubt; of two people nobody is believed."""
    assert judge_tap(state, sessions, strangers, pressed=pressed) is answer


def test_an_idle_tablet_begins_a_visit_with_her_cart(counter: Counter) -> None:
    """Bound at once, claimed, her name for a few seconds; what she scans then is on her list."""
    dana = counter.shopper(DANA, JACKET)
    outcome = counter.say(counter.tap(DANA))
    assert counter.answered(outcome) == [TapAnswer.BEGUN]
    live = counter.live()
    assert live is not None
    assert (live.session_id, live.band_loan_id) == (dana, "loan-7")
    assert live.claimed_at_us is not None
    (begin,) = counter.commands()
    assert isinstance(begin, BeginVisit)
    assert (begin.data.visit, begin.data.greeting, begin.data.locale) == (live.visit, "Dana", "he")
    assert begin.data.until - counter.clock.now() == tapping.ANSWER_WITHIN
    device_id = counter.tablet.device.device_id
    with reading(counter.engine) as db:
        cart_id = bindings.session_of(db, dana).cart_id  # type: ignore[union-attr]
    assert outcome.asked == {device_id}
    assert outcome.shown == {cart_id}
    assert outcome.notices == [BindingChanged(device_id, live.visit, cart_id, True, True)]  # noqa: FBT003 - live, claimed
    taken = counter.tablet.event("device.taken_up", {"visit": live.visit, "locale": "he"})
    counter.clock.advance(2)
    counter.say(counter.tablet.message(taken), counter.scan(live.visit, MUG))
    assert counter.list_of(dana) == {JACKET: 1, MUG: 1}
    assert counter.live() is not None


def test_the_name_is_kept_until_the_tablet_has_answered(counter: Counter) -> None:
    """Acknowledged, the command is kept without it."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    (begin,) = counter.commands()
    counter.answer(begin.id, "done")
    with reading(counter.engine) as db:
        (row,) = db.exec(select(DeviceCommandRow)).all()
    assert (row.outcome, row.payload) == ("done", "")
    assert counter.live() is not None


def test_a_tap_that_comes_again_binds_once(counter: Counter) -> None:
    """The same event twice, in one batch and later, is one visit and one greeting."""
    counter.shopper(DANA)
    tap = counter.tap(DANA)
    assert len(counter.say(tap, tap).taps) == 1
    assert counter.say(tap).taps == []
    assert len(counter.commands()) == 1


def test_held_there_once_more_it_is_her_visit_already(counter: Counter) -> None:
    """Nothing is bound anew; she may be greeted again."""
    counter.shopper(DANA)
    counter.say(counter.tap(DANA))
    before = counter.live()
    counter.clock.advance(5)
    assert counter.answered(counter.say(counter.tap(DANA))) == [TapAnswer.AGAIN]
    assert counter.live() == before
    assert [type(one) for one in counter.commands()] == [BeginVisit, Greet]


def test_a_visit_of_nobody_is_hers_with_what_was_scanned(counter: Counter) -> None:
    """As by a phone: its lines are added, late ones follow, and it can be undone."""
    dana = counter.shopper(DANA, LAMP)
    late = counter.scan("v1", JACKET)
    counter.say(counter.take_up(), counter.scan("v1"))
    counter.clock.advance(3)
    outcome = counter.say(counter.tap(DANA))
    assert counter.answered(outcome) == [TapAnswer.TAKEN]
    assert counter.list_of(dana) == {LAMP: 2}
    assert [type(one) for one in outcome.notices] == [CartChanged, BindingChanged]
    (greet,) = counter.commands()
    assert isinstance(greet, Greet)
    assert (greet.data.visit, greet.data.greeting) == ("v1", "Dana")
    counter.say(late)
    assert counter.list_of(dana) == {LAMP: 2, JACKET: 1}
    with unit_of_work(counter.engine) as db:
        claim_id = outcome.taps[0].claim_id
        binding.undo_merge(db, counter.clock, binding_id=claim_id, session_id=dana)
    assert counter.list_of(dana) == {LAMP: 1}


def test_her_phone_goes_on_with_its_own_cart(counter: Counter) -> None:
    """Also an empty one: a page that shows it now would look at the wrong cart."""
    dana = counter.shopper(DANA)
    with reading(counter.engine) as db:
        before = bindings.session_of(db, dana).cart_id  # type: ignore[union-attr]
    counter.say(counter.take_up(), counter.scan("v1"))
    counter.say(counter.tap(DANA))
    with reading(counter.engine) as db:
        after = bindings.session_of(db, dana).cart_id  # type: ignore[union-attr]
    assert (after, counter.list_of(dana)) == (before, {LAMP: 1})


def test_a_visit_that_is_somebody_elses_stays_theirs(counter: Counter) -> None:
    """By band or by phone: two people are never put together. The tablet says that it is busy."""
    eli, dana = counter.shopper(ELI, MUG), counter.shopper(DANA, JACKET)
    counter.say(counter.tap(ELI))
    outcome = counter.say(counter.tap(DANA))
    assert counter.answered(outcome) == [TapAnswer.BUSY]
    live = counter.live()
    assert live is not None
    assert live.session_id == eli
    busy = counter.commands()[-1]
    assert isinstance(busy, TapAnswered)
    assert busy.data.outcome == "busy"
    assert outcome.notices == []
    assert (counter.list_of(eli), counter.list_of(dana)) == ({MUG: 1}, {JACKET: 1})


def test_she_has_signed_in_since_she_got_the_band(counter: Counter) -> None:
    """Her cart is her own session's by now; who had a session that is over has none."""
    own, then, gone = counter.shopper(ELI, MUG), counter.shopper(DANA), counter.shopper(9)
    counter.bands.lend(DANA, then, customer_id="customer-1")
    with unit_of_work(counter.engine) as db:
        db.add(CustomerRow(id="customer-1", created_at=counter.clock.now()))
        db.flush()
        for session_id, over in ((own, False), (then, True), (gone, True)):
            session = db.get(ShopperSessionRow, session_id)
            assert session is not None
            session.customer_id = None if over else "customer-1"
            session.ended_at = counter.clock.now() if over else None
            db.add(session)
    assert counter.answered(counter.say(counter.tap(9))) == [TapAnswer.UNKNOWN]
    assert counter.answered(counter.say(counter.tap(DANA))) == [TapAnswer.BEGUN]
    live = counter.live()
    assert live is not None
    assert live.session_id == own


def test_two_bands_and_the_button_that_settles_it(counter: Counter) -> None:
    """Nobody is bound until one of them presses her button."""
    counter.shopper(DANA)
    eli = counter.shopper(ELI)
    assert counter.answered(counter.say(counter.tap(DANA, ELI))) == [TapAnswer.AMBIGUOUS]
    assert counter.live() is None
    (asked,) = counter.commands()
    assert isinstance(asked, TapAnswered)
    assert asked.data.outcome == "ambiguous"
    lower = counter.show(frame_of(ELI, battery=79), by="news")
    assert counter.say(lower).taps == []  # its battery, or that she put it on
    assert counter.live() is None
    pressed = counter.show(frame_of(ELI, presses=1, battery=79), by="news")
    assert counter.answered(counter.say(pressed)) == [TapAnswer.BEGUN]
    live = counter.live()
    assert live is not None
    assert live.session_id == eli


def test_a_battery_that_runs_down_beside_an_idle_tablet_opens_nothing(counter: Counter) -> None:
    """She walks past it at arm's length; her button opens it."""
    dana = counter.shopper(DANA)
    counter.bands.pressing.hear(DANA, 0, 0.0)  # by a receiver, before
    outcome = counter.say(counter.show(frame_of(DANA, battery=79), by="news"))
    assert (outcome.taps, outcome.dead, counter.commands()) == ([], 0, [])
    assert counter.live() is None
    counter.say(counter.show(frame_of(DANA, presses=1, battery=79), by="news"))
    live = counter.live()
    assert live is not None
    assert live.session_id == dana


def test_a_band_that_nobody_has(counter: Counter) -> None:
    """Handed back, forged or from elsewhere: said kindly, nobody bound, no dead letter."""
    outcome = counter.say(counter.tap(99))
    assert (counter.answered(outcome), outcome.dead) == ([TapAnswer.UNKNOWN], 0)
    (said,) = counter.commands()
    assert isinstance(said, TapAnswered)
    assert said.data.outcome == "unknown"
    assert counter.commands(counter.receiver) == []  # the screen says it, no light does
    assert counter.live() is None


def test_a_session_that_is_gone_is_nobodys(counter: Counter) -> None:
    """Erased since the band was handed out: nothing can be bound to it."""
    counter.bands.lend(DANA, "session-gone")
    assert counter.answered(counter.say(counter.tap(DANA))) == [TapAnswer.UNKNOWN]


@pytest.mark.parametrize(("late_s", "stale"), [(29, False), (31, True), (-4, False), (-6, True)])
def test_a_tap_of_long_ago_is_past(counter: Counter, late_s: float, *, stale: bool) -> None:
    """Spooled while the receiver was offline, or from a clock that is ahead: nothing happens."""
    counter.shopper(DANA)
    tap = counter.tap(DANA)
    counter.clock.advance(late_s)
    outcome = counter.say(tap)
    assert counter.answered(outcome) == [TapAnswer.STALE if stale else TapAnswer.BEGUN]
    assert (counter.live() is None) is stale
    assert len(counter.commands()) == (not stale)
    assert (outcome.fresh, outcome.dead) == (1, 0)


def test_without_a_registry_of_bands_nothing_follows(counter: Counter) -> None:
    """Stored, receipted, no more; nor where the receiver stands at no tablet, or elsewhere."""
    counter.shopper(DANA)
    alone = ingest(counter.engine, counter.clock, IDS, counter.tap(DANA))
    assert (alone.fresh, alone.taps, len(alone.receipts)) == (1, [], 1)
    far = enrolled(counter.engine, counter.clock, IDS, location_id="old-station")
    receiver_id = counter.receiver.device.device_id
    for place in ("", receiver_id, far.device_id):
        counter.bands.places[receiver_id] = place
        assert counter.say(counter.tap(DANA)).taps == []
    assert counter.commands() == []


def test_a_band_opens_a_mirror_as_it_opens_a_tablet(counter: Counter) -> None:
    """A receiver stands at a mirror: the visit begins there, by the same command."""
    counter.shopper(DANA)
    mirror = enrolled(counter.engine, counter.clock, IDS, "mirror")
    counter.bands.places[counter.receiver.device.device_id] = mirror.device_id
    outcome = counter.say(counter.tap(DANA))
    assert counter.answered(outcome) == [TapAnswer.BEGUN]
    assert outcome.asked == {mirror.device_id}


def another_tablet(counter: Counter) -> Counter:
    """Return a second tablet with a receiver of its own; the bands are the same."""
    tablet = Tablet(enrolled(counter.engine, counter.clock, IDS), counter.clock)
    receiver = Tablet(enrolled(counter.engine, counter.clock, IDS, "receiver"), counter.clock)
    made = replace(counter, tablet=tablet, receiver=receiver)
    made.bands = counter.bands
    made.__post_init__()
    return made


def test_a_band_is_at_one_place(counter: Counter) -> None:
    """Held to another tablet, what it opened at the first is over there."""
    dana = counter.shopper(DANA, JACKET)
    other = another_tablet(counter)
    counter.say(counter.tap(DANA))
    outcome = other.say(other.tap(DANA))
    assert counter.live() is None
    assert other.live() is not None
    assert outcome.asked == {counter.tablet.device.device_id, other.tablet.device.device_id}
    # The greeting that the first did not answer is not given to it any more.
    assert [one.type for one in counter.commands()] == ["carryover.screen.clear"]
    assert counter.ends() == [EndReason.LEFT]
    assert counter.list_of(dana) == {JACKET: 1}


def left(counter: Counter, **where: Any) -> list[bool]:  # noqa: ANN401 - as leave has them
    """Let her band be gone; return whether each visit that ended is live."""
    with unit_of_work(counter.engine) as db:
        over = tapping.leave(db, counter.clock, IDS, **where)
    return [one.live for one in over]


def test_she_walks_away(counter: Counter) -> None:
    """The tablet is asked to clear itself; a second time there is nothing to end."""
    dana = counter.shopper(DANA, JACKET)
    counter.say(counter.tap(DANA))
    device_id = counter.tablet.device.device_id
    assert left(counter, session_id=dana, device_ids=["another"]) == []
    assert left(counter, session_id=dana, location_id="old-station") == []
    assert left(counter, loan_id="loan-8", location_id=LOCATION) == []
    assert left(counter, loan_id="loan-7", device_ids=[device_id]) == [False]
    assert left(counter, session_id=dana) == []
    assert counter.live() is None
    assert [one.type for one in counter.commands()] == ["carryover.screen.clear"]
    assert counter.ends() == [EndReason.LEFT]
    assert counter.list_of(dana) == {JACKET: 1}


def test_what_a_phone_claimed_does_not_end_with_the_band(counter: Counter) -> None:
    """The band was held there too, and she went: the phone's claim stands."""
    dana = counter.shopper(DANA)
    counter.say(counter.take_up(), counter.scan("v1"))
    with unit_of_work(counter.engine) as db:
        binding.claim(db, counter.clock, IDS, secret=SECRET + "v1", session_id=dana)
    assert counter.answered(counter.say(counter.tap(DANA))) == [TapAnswer.AGAIN]
    assert left(counter, session_id=dana) == []
    assert counter.live() is not None


def test_done_at_the_tablet_ends_it_as_any_visit(counter: Counter) -> None:
    """Her list stays hers; the next tap begins another visit."""
    dana = counter.shopper(DANA, JACKET)
    counter.say(counter.tap(DANA))
    first = counter.live()
    assert first is not None
    counter.clock.advance(20)
    done = counter.tablet.event("device.put_down", {"visit": first.visit, "reason": "done"})
    counter.say(counter.tablet.message(done))
    assert counter.live() is None
    assert left(counter, loan_id="loan-7") == []
    assert counter.answered(counter.say(counter.tap(DANA))) == [TapAnswer.BEGUN]
    second = counter.live()
    assert second is not None
    assert second.visit != first.visit
    assert counter.list_of(dana) == {JACKET: 1}
