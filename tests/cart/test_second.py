"""The second factor of staff: who needs one, what proves it, and that it does so once."""

import threading
from datetime import datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from cart.audit import service as audit
from cart.db import unit_of_work
from cart.kernel.errors import NotSignedIn, SecondFactorRefused, SignInRefused
from cart.kernel.ids import SeededIds
from cart.picking import doors, factors, locking, second, staff
from cart.picking.permissions import Permission, grant
from cart.picking.roles import Role
from cart.picking.second import Rule
from cart.picking.staff import SignedIn
from tests.cart.buying import HERE
from tests.cart.floor import SECRET, Floor
from tests.fakes.clock import FakeClock
from tests.fakes.pins import CHEAP

DAYS: Final = 7
RULE: Final = Rule(frozenset({Role.LEAD}), timedelta(days=DAYS))
DAY_S: Final = 24 * 3600


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop, on both databases."""
    return Floor(engine, clock)


class Person:
    """Somebody of the staff with a PIN, and perhaps an app."""

    def __init__(self, floor: Floor, number: str = "1", role: Role = Role.LEAD) -> None:
        self.floor, self.number = floor, number
        self.me, self.pin = floor.do(
            lambda db: staff.add(
                db,
                floor.clock,
                floor.ids,
                location_id=HERE,
                number=number,
                name="Ada",
                role=role,
                work=CHEAP,
            )
        )
        self.app = ""

    def at_the_door(
        self, pin: str = "", rule: Rule = RULE
    ) -> SignedIn | doors.Halfway | SignInRefused:
        """Type number and PIN."""
        floor = self.floor
        known = floor.look(lambda db: staff.known(db, location_id=HERE, number=self.number))
        checked = known.checked(pin or self.pin)
        return floor.do(lambda db: doors.sign_in(db, floor.clock, floor.ids, checked, rule))

    def halfway(self) -> str:
        """Type number and PIN; return the token of who has to go on."""
        here = self.at_the_door()
        assert isinstance(here, doors.Halfway)
        return here.token

    def code(self, steps: int = 0) -> str:
        """Return what her app shows, or will show in some steps."""
        return factors.code_at(self.app, factors.step_of(self.floor.clock.now()) + steps)

    def goes_on(self, token: str, code: str) -> SignedIn | SecondFactorRefused:
        """Type a code."""
        floor = self.floor
        return floor.do(
            lambda db: doors.go_on(db, floor.clock, floor.ids, SECRET, token=token, code=code)
        )

    def begin(self, *, replace: bool = False) -> str:
        """Have a secret shown."""
        floor = self.floor
        shown = floor.do(
            lambda db: second.begin(
                db, floor.clock, floor.ids, SECRET, self.me, account="1 Shop", replace=replace
            )
        )
        assert factors.ISSUER in shown.uri
        return shown.secret

    def confirm(self, code: str, *, replace: bool = False) -> list[str] | SecondFactorRefused:
        """Type the first code."""
        floor = self.floor
        return floor.do(
            lambda db: second.confirm(
                db, floor.clock, floor.ids, SECRET, self.me, code=code, replace=replace
            )
        )

    def new_codes(self, code: str) -> list[str] | SecondFactorRefused:
        """Ask for new recovery codes."""
        floor = self.floor
        return floor.do(
            lambda db: second.new_codes(db, floor.clock, floor.ids, SECRET, self.me, code=code)
        )

    def enrol(self) -> list[str]:
        """Set her app up; return her recovery codes. Half a minute later its next code counts."""
        self.app = self.begin()
        codes = self.confirm(self.code())
        assert isinstance(codes, list)
        self.floor.clock.advance(factors.STEP_S)
        return codes


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(at_s: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1: of its eight digits ours are the last six."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"
    assert factors.code_at(secret, at_s // factors.STEP_S) == code[2:]


def test_a_code_is_good_one_step_early_or_late_and_no_more(clock: FakeClock) -> None:
    """Five steps around now: the three in the middle."""
    secret = factors.fresh_secret(SeededIds(3))
    now = clock.now()
    step = factors.step_of(now)
    found = [
        factors.matching_step(secret, factors.code_at(secret, step + off), now)
        for off in (-2, -1, 0, 1, 2)
    ]
    assert found == [None, step - 1, step, step + 1, None]


def test_what_is_kept_opens_nothing_without_the_servers_secret(floor: Floor) -> None:
    """Not under another key, not for another person; and no secret or code stands in a row."""
    ada = Person(floor)
    codes = ada.enrol()
    rows = floor.look(
        lambda db: [
            *db.connection().execute(text("SELECT * FROM staff_second_factor")).all(),
            *db.connection().execute(text("SELECT * FROM staff_recovery_code")).all(),
        ]
    )
    kept = repr(rows)
    assert len(rows) == 1 + factors.RECOVERY_CODES
    assert ada.app not in kept
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)
    sealed = rows[0].sealed
    assert factors.opened(SECRET, ada.me.id, sealed) == ada.app
    assert factors.opened(b"x" * 40, ada.me.id, sealed) is None
    assert factors.opened(SECRET, "staff_2", sealed) is None


def test_with_pin_and_code_she_is_in(floor: Floor) -> None:
    """Halfway opens nothing, and is given up for the session."""
    ada = Person(floor)
    ada.enrol()
    token = ada.halfway()
    with pytest.raises(NotSignedIn):
        floor.look(lambda db: staff.current(db, floor.clock, token))
    entered = ada.goes_on(token, f" {ada.code()[:3]} {ada.code()[3:]} ")
    assert isinstance(entered, SignedIn)
    assert entered.token != token
    assert floor.look(lambda db: staff.current(db, floor.clock, entered.token)).id == ada.me.id
    floor.clock.advance(factors.STEP_S)
    with pytest.raises(NotSignedIn):
        ada.goes_on(token, ada.code())


def test_a_code_is_good_once_and_so_is_every_one_before_it(floor: Floor) -> None:
    """Whoever watched it being typed has nothing; the next step's works."""
    ada = Person(floor)
    ada.enrol()
    code, before = ada.code(), ada.code(-1)
    assert isinstance(ada.goes_on(ada.halfway(), code), SignedIn)
    for used in (code, before):
        assert isinstance(ada.goes_on(ada.halfway(), used), SecondFactorRefused)
    assert isinstance(ada.goes_on(ada.halfway(), ada.code(1)), SignedIn)


def test_of_rivals_with_the_same_code_one_comes_in(floor: Floor) -> None:
    """At the same moment, each halfway with the right PIN."""
    ada = Person(floor)
    ada.enrol()
    tokens, code = [ada.halfway() for _ in range(4)], ada.code()
    together, came = threading.Barrier(len(tokens)), list[object]()

    def go(token: str, seed: int) -> None:
        together.wait()
        with unit_of_work(floor.engine) as db:
            ids = SeededIds(seed)
            came.append(doors.go_on(db, floor.clock, ids, SECRET, token=token, code=code))

    threads = [threading.Thread(target=go, args=(one, 50 + at)) for at, one in enumerate(tokens)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(type(one).__name__ for one in came) == ["SecondFactorRefused"] * 3 + ["SignedIn"]


def test_wrong_codes_count_with_wrong_pins_and_a_right_pin_buys_no_more(floor: Floor) -> None:
    """Five in all; then the right one opens nothing for a quarter of an hour."""
    ada = Person(floor)
    ada.enrol()
    wrong_pin = f"{(int(ada.pin) + 1) % 10**6:06d}"
    assert isinstance(ada.at_the_door(wrong_pin), SignInRefused)
    token = ada.halfway()
    for _ in range(2):
        assert isinstance(ada.goes_on(token, "abc"), SecondFactorRefused)
    token = ada.halfway()
    for _ in range(2):
        assert isinstance(ada.goes_on(token, "abc"), SecondFactorRefused)
    assert isinstance(ada.goes_on(token, ada.code()), SecondFactorRefused)
    assert isinstance(ada.at_the_door(), SignInRefused)
    floor.clock.advance(staff.LOCKED_FOR.total_seconds())
    assert isinstance(ada.goes_on(ada.halfway(), ada.code()), SignedIn)


def test_a_pin_that_opens_a_locked_session_buys_no_more_codes(floor: Floor) -> None:
    """Four wrong codes, her PIN, one more: five."""
    ada = Person(floor)
    ada.enrol()
    entered = ada.goes_on(ada.halfway(), ada.code())
    assert isinstance(entered, SignedIn)
    floor.clock.advance(factors.STEP_S)
    for _ in range(staff.WRONG_PINS_MAX - 1):
        assert isinstance(ada.new_codes("000000"), SecondFactorRefused)
    assert floor.do(lambda db: locking.lock(db, floor.clock, token=entered.token))
    known = floor.look(lambda db: locking.whose(db, floor.clock, entered.token))
    checked = known.checked(ada.pin)
    opened = floor.do(
        lambda db: locking.resume(db, floor.clock, floor.ids, token=entered.token, checked=checked)
    )
    assert isinstance(opened, str)
    assert isinstance(ada.new_codes("000000"), SecondFactorRefused)
    assert isinstance(ada.new_codes(ada.code()), SecondFactorRefused)
    assert isinstance(ada.at_the_door(), SignInRefused)


@pytest.mark.parametrize("act", ["prove", "confirm"])
def test_of_many_guesses_at_once_five_are_looked_at(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """By whoever is signed in: the sixth is compared with nothing, however fast it comes."""
    ada, looked = Person(floor), list[str]()
    ada.enrol()
    ada.begin(replace=True)
    compare = factors.matching_step

    def counted(known: str, code: str, now: datetime) -> int | None:
        looked.append(code)
        return compare(known, code, now)

    monkeypatch.setattr(factors, "matching_step", counted)
    together, came = threading.Barrier(2 * staff.WRONG_PINS_MAX), list[object]()

    def guess() -> None:
        together.wait()
        wrong = "000000"
        came.append(ada.new_codes(wrong) if act == "prove" else ada.confirm(wrong, replace=True))

    threads = [threading.Thread(target=guess) for _ in range(together.parties)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [type(one) for one in came] == [SecondFactorRefused] * together.parties
    assert len(looked) == staff.WRONG_PINS_MAX
    assert isinstance(ada.at_the_door(), SignInRefused)


def test_who_turned_back_halfway_is_forgotten_once_her_time_is_over(floor: Floor) -> None:
    """Not a moment before: her code still opens the way on."""
    ada = Person(floor)
    ada.enrol()
    first = ada.halfway()
    floor.clock.advance(doors.HALFWAY_FOR.total_seconds() - 1)
    second_try = ada.halfway()
    assert floor.do(lambda db: doors.forget(db, floor.clock)) == 0
    floor.clock.advance(1)
    assert floor.do(lambda db: doors.forget(db, floor.clock)) == 1
    with pytest.raises(NotSignedIn):
        ada.goes_on(first, ada.code())
    assert isinstance(ada.goes_on(second_try, ada.code()), SignedIn)


def test_a_recovery_code_is_good_once(floor: Floor) -> None:
    """As somebody may type it; used or unknown ones count as wrong codes do."""
    ada = Person(floor)
    first, *rest = ada.enrol()
    assert isinstance(ada.goes_on(ada.halfway(), first.upper().replace("-", " ")), SignedIn)
    assert isinstance(ada.goes_on(ada.halfway(), first), SecondFactorRefused)
    assert floor.look(lambda db: second.has(db, ada.me.id)).codes_left == len(rest) == 9
    assert isinstance(ada.goes_on(ada.halfway(), rest[0]), SignedIn)
    acts = [row.action for row in floor.look(audit.newest)]
    assert acts.count("staff.second_recovery") == 2


def test_new_recovery_codes_end_the_old_ones(floor: Floor) -> None:
    """For a code of her app only."""
    ada = Person(floor)
    old = ada.enrol()
    assert isinstance(ada.new_codes("000"), SecondFactorRefused)
    new = ada.new_codes(ada.code())
    assert isinstance(new, list)
    assert isinstance(ada.goes_on(ada.halfway(), old[0]), SecondFactorRefused)
    assert isinstance(ada.goes_on(ada.halfway(), new[0]), SignedIn)


def test_who_needs_one_may_put_it_off_for_a_week_from_when_she_is_asked(floor: Floor) -> None:
    """Then she sets it up at the door; an associate is never asked."""
    ada, ben = Person(floor), Person(floor, "2", Role.ASSOCIATE)
    floor.clock.advance(30 * DAY_S)
    asked = ada.at_the_door()
    assert isinstance(asked, SignedIn)
    assert asked.second_due_at == floor.clock.now() + RULE.grace
    floor.clock.advance(DAYS * DAY_S - 1)
    assert isinstance(ada.at_the_door(), SignedIn)
    floor.clock.advance(1)
    here = ada.at_the_door()
    assert isinstance(here, doors.Halfway)
    assert not here.has_factor
    entered = ben.at_the_door()
    assert isinstance(entered, SignedIn)
    assert entered.second_due_at is None


def test_an_operator_needs_one_in_any_role(floor: Floor) -> None:
    """Whatever the setting says."""
    ben = Person(floor, "2", Role.ASSOCIATE)
    floor.do(lambda db: grant(db, floor.clock, staff_id=ben.me.id, permission=Permission.OPERATOR))
    rule = Rule(frozenset(), timedelta(0))
    assert isinstance(ben.at_the_door(rule=rule), doors.Halfway)


def test_at_the_door_the_first_code_of_a_new_app_lets_her_in(floor: Floor) -> None:
    """And nobody halfway can put another app in the place of one that is there."""
    ada = Person(floor)
    ada.at_the_door()
    floor.clock.advance(DAYS * DAY_S)
    token, late = ada.halfway(), ada.halfway()
    ada.app = ada.begin()

    def set_up(token: str, code: str) -> tuple[SignedIn, list[str]] | SecondFactorRefused:
        return floor.do(
            lambda db: doors.set_up(db, floor.clock, floor.ids, SECRET, token=token, code=code)
        )

    assert isinstance(set_up(token, "123"), SecondFactorRefused)
    entered = set_up(token, ada.code())
    assert not isinstance(entered, SecondFactorRefused)
    assert floor.look(lambda db: staff.current(db, floor.clock, entered[0].token)).id == ada.me.id
    with pytest.raises(NotSignedIn, match="set up already"):
        ada.begin()
    assert isinstance(set_up(late, ada.code(1)), SecondFactorRefused)


def test_a_secret_on_the_screen_is_good_for_a_quarter_of_an_hour(floor: Floor) -> None:
    """Nor is one that was made anew."""
    ada = Person(floor)
    ada.app = ada.begin()
    floor.clock.advance(second.SET_UP_WITHIN.total_seconds())
    assert isinstance(ada.confirm(ada.code()), SecondFactorRefused)
    before = ada.app = ada.begin()
    ada.begin()
    ada.app = before
    assert isinstance(ada.confirm(ada.code()), SecondFactorRefused)
    assert floor.look(lambda db: second.has(db, ada.me.id)).since is None


def test_another_phone_takes_the_place_of_the_first(floor: Floor) -> None:
    """Only once its code was typed: until then the old one counts."""
    ada = Person(floor)
    ada.enrol()
    old, new = ada.app, ada.begin(replace=True)
    assert isinstance(ada.goes_on(ada.halfway(), ada.code()), SignedIn)
    ada.app = new
    assert isinstance(ada.confirm(ada.code(), replace=True), list)
    floor.clock.advance(factors.STEP_S)
    ada.app = old
    assert isinstance(ada.goes_on(ada.halfway(), ada.code()), SecondFactorRefused)
    ada.app = new
    assert isinstance(ada.goes_on(ada.halfway(), ada.code()), SignedIn)


def test_after_a_reset_she_is_out_and_sets_one_up_without_grace(floor: Floor) -> None:
    """Her old app and codes are worth nothing, nor is who had come halfway."""
    ada = Person(floor)
    codes = ada.enrol()
    entered = ada.goes_on(ada.halfway(), ada.code())
    assert isinstance(entered, SignedIn)
    token = ada.halfway()
    assert floor.do(lambda db: second.reset(db, floor.clock, staff_id=ada.me.id))
    with pytest.raises(NotSignedIn):
        floor.look(lambda db: staff.current(db, floor.clock, entered.token))
    for code in (ada.code(1), codes[0]):
        with pytest.raises(NotSignedIn):
            ada.goes_on(token, code)
    here = ada.at_the_door()
    assert isinstance(here, doors.Halfway)
    assert not here.has_factor


@pytest.mark.parametrize("ended", ["new PIN", "deactivated", "too late"])
def test_halfway_ends_with_what_it_rests_on(floor: Floor, ended: str) -> None:
    """A new PIN, an account that was closed, a quarter of an hour."""
    ada = Person(floor)
    ada.enrol()
    token = ada.halfway()

    def new_pin(db: Session) -> None:
        staff.new_pin(db, floor.clock, floor.ids, staff_id=ada.me.id)

    if ended == "new PIN":
        floor.do(new_pin)
    elif ended == "deactivated":
        floor.do(lambda db: staff.deactivate(db, floor.clock, staff_id=ada.me.id))
    else:
        floor.clock.advance(doors.HALFWAY_FOR.total_seconds())
    with pytest.raises(NotSignedIn):
        ada.goes_on(token, ada.code())


def test_under_another_key_of_the_server_nobody_gets_in_and_the_log_says_why(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """Fail closed; a reset is the way on."""
    ada = Person(floor)
    ada.enrol()
    token, other = ada.halfway(), b"y" * 40
    came = floor.do(
        lambda db: doors.go_on(db, floor.clock, floor.ids, other, token=token, code=ada.code())
    )
    assert isinstance(came, SecondFactorRefused)
    assert "SECRET_KEY" in caplog.text
