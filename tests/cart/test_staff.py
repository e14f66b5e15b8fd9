"""Staff sign in with a number and a PIN; who guesses gets nowhere. On both databases."""

import threading

import pytest
from sqlalchemy import Engine
from sqlmodel import select, update

from cart.db import reading, unit_of_work
from cart.kernel.errors import InvalidInput, NotSignedIn, SignInRefused, UnknownStaff
from cart.kernel.ids import SeededIds, secret_hash
from cart.picking import doors, pins, staff
from cart.picking.model import Staff
from cart.picking.roles import Role
from cart.picking.staff import SignedIn
from cart.picking.tables import StaffRow, StaffSessionRow
from tests.cart.floor import PIN_ALONE
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP

SHOP, OTHER = "harbour-street", "mill-lane"


class Door:
    """One shop's door: takes people on and lets them in."""

    def __init__(self, engine: Engine, clock: FakeClock, ids: SeededIds) -> None:
        self.engine, self.clock, self.ids = engine, clock, ids

    def add(self, number: str, location_id: str = SHOP, role: Role = Role.ASSOCIATE) -> str:
        """Take somebody on; return the PIN."""
        with unit_of_work(self.engine) as db:
            _, pin = staff.add(
                db,
                self.clock,
                self.ids,
                location_id=location_id,
                number=number,
                name=f"Staff {number}",
                role=role,
                work=CHEAP,
            )
        return pin

    def try_pin(
        self, number: str, pin: str, location_id: str = SHOP, ids: SeededIds | None = None
    ) -> SignedIn | doors.Halfway | SignInRefused:
        """Sign in, or be refused; what was counted is committed."""
        checked = self.known(number, location_id).checked(pin)
        with unit_of_work(self.engine) as db:
            return doors.sign_in(db, self.clock, ids or self.ids, checked, PIN_ALONE)

    def known(self, number: str, location_id: str = SHOP) -> staff.Known:
        """Return what is kept of a number."""
        with reading(self.engine) as db:
            return staff.known(db, location_id=location_id, number=number)

    def enter(self, number: str, pin: str) -> str:
        """Sign in and return the token."""
        signed_in = self.try_pin(number, pin)
        assert isinstance(signed_in, SignedIn)
        return signed_in.token

    def who(self, token: str) -> Staff:
        """Return who is signed in."""
        with reading(self.engine) as db:
            return staff.current(db, self.clock, token)

    def on_duty(self, location_id: str = SHOP) -> int:
        """Return how many are at work."""
        with reading(self.engine) as db:
            return staff.on_duty(db, location_id, self.clock.now())

    def touch(self, token: str) -> bool:
        """Note that the session was used."""
        with unit_of_work(self.engine) as db:
            return staff.touch(db, self.clock, token)

    def row(self, number: str) -> StaffRow:
        """Return the row of a number."""
        with reading(self.engine) as db:
            return db.exec(select(StaffRow).where(StaffRow.number == number)).one()


@pytest.fixture
def door(engine: Engine, clock: FakeClock, ids: SeededIds) -> Door:
    """An empty shop's door."""
    return Door(engine, clock, ids)


def wrong(pin: str) -> str:
    """Return six other digits."""
    return f"{(int(pin) + 1) % 10**6:06d}"


def test_number_and_pin_sign_in(door: Door) -> None:
    """The token opens a session of that person; neither PIN nor token is kept as it is."""
    pin = door.add("7", role=Role.LEAD)
    assert len(pin) == pins.PIN_DIGITS
    assert pin.isdigit()
    token = door.enter("7", pin)
    who = door.who(token)
    assert (who.number, who.name, who.is_lead, who.location_id) == ("7", "Staff 7", True, SHOP)
    assert pin not in door.row("7").pin_hash
    with reading(door.engine) as db:
        (kept,) = db.exec(select(StaffSessionRow)).all()
    assert kept.token_hash == secret_hash(token) != token


def test_a_number_is_of_one_location(door: Door) -> None:
    """The same number elsewhere is somebody else; her PIN opens nothing here."""
    here, there = door.add("7"), door.add("7", OTHER)
    assert isinstance(door.try_pin("7", there), SignInRefused) == (here != there)
    assert isinstance(door.try_pin("7", here), SignedIn)
    assert isinstance(door.try_pin("7", there, OTHER), SignedIn)


def test_a_taken_number_is_refused(door: Door) -> None:
    """Two people with one number could not be told apart; nobody was added."""
    door.add("7")
    with pytest.raises(InvalidInput):
        door.add("7")
    with reading(door.engine) as db:
        assert [one.number for one in staff.everybody(db, SHOP)] == ["7"]


@pytest.mark.parametrize("number", ["", "x7", "1234567890123", "\u0667"])
def test_a_number_is_digits(door: Door, number: str) -> None:
    """It is typed on a keypad of ten digits; anything else adds nobody."""
    with pytest.raises(InvalidInput):
        door.add(number)
    with reading(door.engine) as db:
        assert staff.everybody(db, SHOP) == []


def test_five_wrong_pins_lock_the_number(door: Door, clock: FakeClock) -> None:
    """The right PIN is refused then, too, in the same words, until a quarter of an hour is over."""
    pin = door.add("7")
    refusals = [door.try_pin("7", wrong(pin)) for _ in range(staff.WRONG_PINS_MAX)]
    refusals += [door.try_pin("7", pin), door.try_pin("8", pin)]
    words = {one.message for one in refusals if isinstance(one, SignInRefused)}
    assert len(words) == 1
    with reading(door.engine) as db:
        assert db.exec(select(StaffSessionRow)).all() == []
    clock.advance(staff.LOCKED_FOR.total_seconds() - 1)
    assert isinstance(door.try_pin("7", pin), SignInRefused)
    clock.advance(1)
    assert isinstance(door.try_pin("7", pin), SignedIn)


def test_the_right_pin_forgets_the_wrong_ones(door: Door) -> None:
    """Four slips this morning and four at noon lock nobody out."""
    pin = door.add("7")
    for _ in range(2):
        for _ in range(staff.WRONG_PINS_MAX - 1):
            door.try_pin("7", wrong(pin))
        assert door.row("7").wrong_pins == staff.WRONG_PINS_MAX - 1
        door.enter("7", pin)
        assert door.row("7").wrong_pins == 0


def test_a_pin_that_was_replaced_while_it_was_checked_opens_nothing(door: Door) -> None:
    """The check is outside of the transaction; nobody waits for it, and it decides nothing."""
    pin = door.add("7")
    known = door.known("7")
    with unit_of_work(door.engine) as db:  # the writer's lock is held, and the check goes on
        assert known.staff_id is not None
        fresh = staff.new_pin(db, door.clock, door.ids, staff_id=known.staff_id)
        checked = known.checked(pin)
    assert checked.right
    with unit_of_work(door.engine) as db:
        assert isinstance(
            doors.sign_in(db, door.clock, door.ids, checked, PIN_ALONE), SignInRefused
        )
    assert door.row("7").wrong_pins == 0
    door.enter("7", fresh)


def test_guesses_at_the_same_moment_are_counted_one_by_one(door: Door) -> None:
    """Twelve wrong PINs at once lock the number; none slips past the count."""
    pin = door.add("7")
    together = threading.Barrier(12)

    def guess() -> None:
        together.wait(10)
        door.try_pin("7", wrong(pin))

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert door.row("7").locked_until == door.clock.now() + staff.LOCKED_FOR
    assert isinstance(door.try_pin("7", pin), SignInRefused)


def test_an_unknown_number_costs_the_same_work() -> None:
    """A hash is computed for nobody, with the same parameters; no PIN matches it."""
    real = pins.hashed("123456", "salt")
    assert real.split("$")[:4] == pins.NOBODY.split("$")[:4]
    assert not pins.matches("123456", pins.NOBODY)
    assert pins.matches("123456", real)
    assert not pins.matches("123457", real)


def test_a_pin_costs_what_owasp_asks_for_and_an_old_one_is_renewed_when_it_is_entered(
    door: Door,
) -> None:
    """A wrong one changes nothing; of two who enter it at once neither is refused."""
    pin = door.add("7")
    old = pins.hashed(pin, "salt", pins.Work(2**14, 8, 1))
    with unit_of_work(door.engine) as db:
        db.exec(update(StaffRow).values(pin_hash=old))
    door.try_pin("7", f"{(int(pin) + 1) % 10**6:06d}")
    assert door.row("7").pin_hash == old
    rival = door.known("7").checked(pin)
    assert isinstance(door.try_pin("7", pin), SignedIn)
    kept = door.row("7").pin_hash
    assert kept.startswith("scrypt$16384$8$5$")
    assert pins.matches(pin, kept)
    with unit_of_work(door.engine) as db:
        assert isinstance(doors.sign_in(db, door.clock, door.ids, rival, PIN_ALONE), SignedIn)
    assert door.row("7").pin_hash == kept


def test_a_session_ends_with_the_shift(door: Door, clock: FakeClock) -> None:
    """Twelve hours after signing in, however busy she was."""
    token = door.enter("7", door.add("7"))
    for _ in range(12 * 60 - 1):
        clock.advance(60)
        assert door.touch(token)
    assert door.who(token).number == "7"
    clock.advance(60)
    with pytest.raises(NotSignedIn):
        door.who(token)
    assert door.on_duty() == 0


def test_a_session_ends_when_nobody_uses_it(door: Door, clock: FakeClock) -> None:
    """Two hours idle: a scanner left lying is closed, and a touch does not open it again."""
    token = door.enter("7", door.add("7"))
    clock.advance(staff.IDLE.total_seconds())
    with pytest.raises(NotSignedIn):
        door.who(token)
    assert not door.touch(token)
    with pytest.raises(NotSignedIn):
        door.who(token)


def test_a_session_is_noted_once_a_minute(door: Door, clock: FakeClock) -> None:
    """A page that asks every second does not write every second."""
    token = door.enter("7", door.add("7"))
    assert not door.who(token).touch_due
    assert not door.touch(token)
    clock.advance(60)
    assert door.who(token).touch_due
    assert door.touch(token)
    assert not door.touch(token)
    assert not door.who(token).touch_due


def test_signing_out_ends_the_session(door: Door) -> None:
    """Once more changes nothing; a token of nobody is nobody."""
    token = door.enter("7", door.add("7"))
    for _ in range(2):
        with unit_of_work(door.engine) as db:
            staff.sign_out(db, door.clock, token=token)
        with pytest.raises(NotSignedIn):
            door.who(token)
    with pytest.raises(NotSignedIn):
        door.who("no such token")


def test_people_on_duty_are_counted_once(door: Door, clock: FakeClock) -> None:
    """By person, not by scanner; not those of another shop, nor who was not seen of late."""
    seven, eight, away = door.add("7"), door.add("8"), door.add("9", OTHER)
    first = door.enter("7", seven)
    door.enter("7", seven)
    door.enter("8", eight)
    door.try_pin("9", away, OTHER)
    assert (door.on_duty(), door.on_duty(OTHER)) == (2, 1)
    clock.advance(staff.ON_DUTY.total_seconds() - 1)
    door.touch(first)
    clock.advance(2)
    assert door.on_duty() == 1


def test_a_new_pin_makes_the_old_one_and_its_sessions_worthless(door: Door) -> None:
    """Somebody looked over her shoulder: what that person opened is closed."""
    old = door.add("7")
    token, who = door.enter("7", old), door.row("7").id
    with unit_of_work(door.engine) as db:
        fresh = staff.new_pin(db, door.clock, door.ids, staff_id=who)
    with pytest.raises(NotSignedIn):
        door.who(token)
    assert isinstance(door.try_pin("7", old), SignInRefused)
    assert isinstance(door.try_pin("7", fresh), SignedIn)


def test_who_has_left_signs_in_no_more(door: Door) -> None:
    """Her session ends at once; a second time there is nobody to deactivate."""
    pin = door.add("7")
    token, who = door.enter("7", pin), door.row("7").id
    with unit_of_work(door.engine) as db:
        staff.deactivate(db, door.clock, staff_id=who)
    with pytest.raises(NotSignedIn):
        door.who(token)
    assert isinstance(door.try_pin("7", pin), SignInRefused)
    with unit_of_work(door.engine) as db, pytest.raises(UnknownStaff):
        staff.deactivate(db, door.clock, staff_id=who)
    with reading(door.engine) as db:
        assert staff.everybody(db, SHOP) == []


def test_pins_are_spread_over_all_six_digits() -> None:
    """No digit is likelier anywhere; leading zeros are kept."""
    drawn = [pins.fresh(SeededIds(seed)) for seed in range(500)]
    assert {len(pin) for pin in drawn} == {pins.PIN_DIGITS}
    for place in range(pins.PIN_DIGITS):
        assert {pin[place] for pin in drawn} == set("0123456789")
