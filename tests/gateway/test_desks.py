"""A wristband that is held to the reader of a desk: whose it is, for a minute, and no longer."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from cart.carts.service import open_session
from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import RandomIds
from gateway.bands import service as bands
from gateway.bands.sealing import Sealing
from gateway.desks import queries, service
from gateway.desks.model import TAP_LIVES, WRONG_PINS_MAX, WRONG_PINS_WITHIN, Standing
from gateway.desks.queries import AtDesk
from gateway.floor.model import read_plan
from gateway.floor.service import draw
from gateway.ingest.batch import Domain, Outcome, process
from gateway.ingest.read import read
from gateway.notices import DeskChanged
from gateway.presence.joining import ShopBands
from gateway.presence.model import Shown
from gateway.presence.pressing import Pressing
from inventory_api.catalogue.queries import sellables
from tests.fakes.clock import FakeClock
from tests.fakes.shop import LOCATION, Tablet, enrolled, stock_catalogue

SEALING = Sealing(b"the server's own secret, 32 bytes")
ZONE = '[[zone]]\nid = "lamps"\nareas = [[0, 0, 6, 6]]\n'
STRANGER = bytes(17)


def receiver(name: str, more: str) -> str:
    """Return the lines of a receiver in a plan."""
    return f'[[receiver]]\ndevice = "{name}"\nat = [1.5, 2]\n{more}\n'


def heard_of(frame: bytes) -> dict[str, object]:
    """Return a frame as the reader says it."""
    return {"frame": b64encode(frame).decode(), "dbm": -40.0, "packets": 5}


@dataclass
class Counter:
    """A shop with one desk, the receiver there, and bands that are handed out."""

    engine: Engine
    clock: FakeClock = field(default_factory=FakeClock)
    ids: RandomIds = field(default_factory=RandomIds)
    frames: dict[bytes, int] = field(default_factory=dict)
    pressing: Pressing = field(default_factory=Pressing)

    def __post_init__(self) -> None:
        stock_catalogue(self.engine)
        self.reader = Tablet(enrolled(self.engine, self.clock, self.ids, "receiver"), self.clock)
        plan = ZONE + receiver(self.reader.device.device_id, 'desk = "till-1"')
        with unit_of_work(self.engine) as db:
            draw(db, LOCATION, read_plan(plan.encode()))
        self.bands = ShopBands(self.clock, self.ids, SEALING)
        self.bands.resolve = self.shown
        self.domain = Domain(self.clock, self.ids, sellables, self.bands)

    def lend(self, greeting: str = "") -> tuple[bytes, str]:
        """Hand a band out to somebody new; return a frame of it and the loan."""
        with unit_of_work(self.engine) as db:
            session = open_session(db, self.clock, self.ids)
            number = bands.make(
                db, self.clock, self.ids, SEALING, location_id=LOCATION, secret=bytes(16), clock_s=0
            )
            loan = bands.hand_out(
                db,
                self.clock,
                self.ids,
                number=number,
                session_id=session.id,
                greeting=greeting,
                locale="en",
                follow=False,
                staff_id=None,
            )
        frame = bytes([number]) * 17
        self.frames[frame] = number
        return frame, loan

    def shown(self, frame: bytes) -> Shown | None:
        """Return whose a frame is, as whoever follows bands would."""
        number = self.frames.get(frame)
        if number is None:
            return None
        return Shown(number, pressed=self.pressing.show(number, frame, frame[9], 0.0))

    def changed(self, frame: bytes, presses: int) -> bytes:
        """Return another frame of the same band."""
        fresh = frame[:9] + bytes([presses]) + bytes([frame[10] + 1]) * 7
        self.frames[fresh] = self.frames[frame]
        return fresh

    def hold(self, *frames: bytes, by: str = "near") -> Outcome:
        """Hold bands to the desk's reader."""
        heard = [heard_of(one) for one in frames]
        event = self.reader.event("band.presented", {"by": by, "heard": heard})
        return self.take(event)

    def take(self, event: dict[str, object]) -> Outcome:
        """Let the gateway take an event of the reader in."""
        with unit_of_work(self.engine) as db:
            return process(db, self.domain, [read(self.reader.message(event))])

    def standing(self) -> AtDesk | None:
        """What is at the desk."""
        with reading(self.engine) as db:
            return queries.at_desk(db, LOCATION, "till-1", self.clock.now())


@pytest.fixture
def counter(engine: Engine) -> Counter:
    """A desk."""
    return Counter(engine)


def test_a_band_that_is_held_there_stands_there_for_a_minute(counter: Counter) -> None:
    """And the desk's page is told to look again."""
    frame, loan = counter.lend("Ada")
    outcome = counter.hold(frame)
    assert DeskChanged(LOCATION) in outcome.notices
    found = counter.standing()
    assert found is not None
    assert (found.standing, found.loan_id) == (Standing.ONE, loan)
    counter.clock.advance(TAP_LIVES.total_seconds())
    assert counter.standing() is None


def test_of_several_bands_nobody_is_meant(counter: Counter) -> None:
    """Two that are handed out, or one beside a stranger's, until its button is pressed.

    Its battery, or that it was put on, is no button.
    """
    (one, first), (two, _) = counter.lend(), counter.lend()
    counter.hold(one, two)
    found = counter.standing()
    assert found is not None
    assert (found.standing, found.loan_id) == (Standing.SEVERAL, "")
    counter.hold(one, STRANGER)
    found = counter.standing()
    assert found is not None
    assert (found.standing, found.loan_id) == (Standing.SEVERAL, "")
    worn = counter.changed(one, presses=one[9])
    assert counter.hold(worn, STRANGER, by="news").notices == []
    assert counter.standing() == found
    counter.hold(counter.changed(worn, presses=one[9] + 1), STRANGER, by="news")
    found = counter.standing()
    assert found is not None
    assert (found.standing, found.loan_id) == (Standing.ONE, first)


def test_a_lost_band_is_nobodys_there_and_ends_what_stood_there(counter: Counter) -> None:
    """From the commit on, whether it is held there before or after."""
    frame, loan = counter.lend()
    counter.hold(frame)
    with unit_of_work(counter.engine) as db:
        assert queries.payer(db, loan) is not None
        bands.lose(db, counter.clock, counter.frames[frame])
    with unit_of_work(counter.engine) as db:
        assert queries.payer(db, loan, lock=True) is None
    counter.hold(frame)
    found = counter.standing()
    assert found is not None
    assert (found.standing, found.loan_id) == (Standing.NOBODY, "")


def test_a_tap_that_comes_late_is_nothing(counter: Counter) -> None:
    """The reader was offline; whoever stood there has gone."""
    frame, _ = counter.lend()
    heard = {"by": "near", "heard": [heard_of(frame)]}
    event = counter.reader.event("band.presented", heard)
    counter.clock.advance(120)
    assert counter.take(event).notices == []
    assert counter.standing() is None


def test_who_has_paid_stands_there_no_more(counter: Counter) -> None:
    """Once: a second time the band has to be held there again."""
    frame, loan = counter.lend()
    counter.hold(frame)

    def leave(which: str) -> bool:
        with unit_of_work(counter.engine) as db:
            return service.leave(
                db, counter.clock, location_id=LOCATION, desk="till-1", loan_id=which
            )

    assert [leave("another"), leave(loan), leave(loan)] == [False, True, False]
    assert counter.standing() is None


def test_a_desk_at_which_somebody_guesses_takes_no_pins_for_a_while(counter: Counter) -> None:
    """Whosever band is held there; a right one in between is taken off the count."""
    frame, _ = counter.lend()
    counter.hold(frame)

    def take() -> bool:
        with unit_of_work(counter.engine) as db:
            return service.take_try(db, counter.clock, location_id=LOCATION, desk="till-1")

    assert [take() for _ in range(WRONG_PINS_MAX)] == [True] * WRONG_PINS_MAX
    with unit_of_work(counter.engine) as db:
        service.was_right(db, location_id=LOCATION, desk="till-1")
    assert [take(), take()] == [True, False]
    counter.hold(frame)  # the next band changes nothing about that
    assert not take()
    counter.clock.advance(WRONG_PINS_WITHIN.total_seconds())
    assert take()


def test_what_stood_there_is_forgotten(counter: Counter) -> None:
    """No row says later who was at which desk."""
    frame, _ = counter.lend()
    counter.hold(frame)
    counter.clock.advance((TAP_LIVES + WRONG_PINS_WITHIN + timedelta(seconds=1)).total_seconds())
    with unit_of_work(counter.engine) as db:
        service.forget(db, counter.clock)
    counter.clock.advance(-WRONG_PINS_WITHIN.total_seconds() - TAP_LIVES.total_seconds())
    assert counter.standing() is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('desk = "till-1"\nstands_at = "tab-1"', "at a device, a desk or a gate"),
        ('desk = "Till 1"', "receiver.0.desk"),
    ],
)
def test_a_desk_in_the_plan_is_one(more: str, words: str) -> None:
    """A name as others have, and not a tablet as well."""
    with pytest.raises(InvalidInput, match=words.replace(".", r"\.")):
        read_plan((ZONE + receiver("rcv-1", more)).encode())
