"""Conditions on segments, on both databases: asked for in the moment, for all at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event

from cart.db import reading, unit_of_work
from cart.journeys import history, membership
from cart.journeys.membership import Membership
from cart.journeys.model import read
from cart.journeys.segments import service
from cart.journeys.segments.queries import Segment
from cart.journeys.segments.rule import read as rule
from cart.kernel.errors import InvalidInput
from cart.kernel.errors.segments import SegmentInUse
from cart.profile.consent import service as consents
from cart.profile.consent.model import VERSIONS, How, Purpose, Shown, Source, Subject
from cart.profile.timeline.model import Kind
from tests.cart.buying import LAMP, MUG, fill
from tests.cart.journeying import DAY_S, IDS, REMINDER, Street, Walker
from tests.fakes.clock import FakeClock

ASKED: Final = '[[steps]]\nkind = "condition"\nholds = "in_segment"\nsegment = "Lamps"\n'
ASKING: Final = REMINDER.replace("[[steps]]", f"{ASKED}[[steps]]", 1)
ELSE: Final = ASKING.replace('segment = "Lamps"', 'segment = "Lamps"\notherwise = "second"')
SEEN: Final = How(Source.PAGE, Shown(VERSIONS[Purpose.ANALYTICS].current, "en", "Visits"))
SCANNED_A_LAMP: Final = f'{{"if":"did","kind":"scanned","of":{{"gtin":"{LAMP}"}},"days":14}}'


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """A shop."""
    fill(engine, clock)
    return Street(engine, clock)


def begun(street: Street, text: str = SCANNED_A_LAMP) -> Segment:
    """Begin a segment; no round has filled it."""
    with unit_of_work(street.engine) as db:
        made = service.make(db, street.clock, IDS, name="Lamps", rule=rule(text), by="staff")
        return service.begin(db, made.id)


def walker(street: Street, name: str, *, put_together: bool = True) -> Walker:
    """Somebody who allows reminders, and that her visits are put together."""
    one = Walker(street.engine, street.clock).known(f"{name}@example.org")
    subject = Subject(customer_id=one.customer_id)
    if put_together:
        one.do(
            lambda db: consents.grant(
                db, street.clock, IDS, subject, Purpose.ANALYTICS, how=SEEN, seen=0
            )
        )
    return one


def test_who_is_in_it_at_that_moment_goes_on(street: Street) -> None:
    """By what she did until then, without a round of segments; all others leave."""
    begun(street)
    street.load(ASKING)
    ada, eve = walker(street, "ada"), walker(street, "eve")
    not_asked = walker(street, "kim", put_together=False)
    for one, gtin in ((ada, MUG), (eve, MUG), (not_asked, LAMP)):
        one.scan(gtin)
    street.read_on()
    street.clock.advance(DAY_S - 3_600)
    ada.touch(Kind.SCANNED, LAMP)  # the time begins anew; when it is over she is in
    gone = street.days(2)
    assert [home for home, _ in gone] == [ada.session_id]
    reasons = {run.session_id: (run.state, run.reason) for run in street.runs()}
    assert reasons[eve.session_id] == reasons[not_asked.session_id] == ("left", "condition")
    assert reasons[ada.session_id][0] == "running"


def test_a_segment_that_is_over_holds_for_nobody_and_it_is_said_why(street: Street) -> None:
    """Without another way she leaves for that reason; with one the run keeps it on its way."""
    lamps = begun(street)
    street.load(ASKING)
    street.load(ELSE.replace("cart-reminder", "with-another-way"))
    ada = walker(street, "ada")
    ada.scan()
    street.read_on()
    with unit_of_work(street.engine) as db:
        assert membership.missing(db, read(ASKING)) == []
        assert membership.users_of(db, lamps) == ["cart-reminder", "with-another-way"]
        service.end(db, lamps.id)
        assert membership.missing(db, read(ASKING)) == ["Lamps"]
    street.clock.advance(DAY_S + 60)
    street.round()
    found = {run.journey: (run.state, run.reason) for run in street.runs()}
    assert found == {
        "cart-reminder": ("left", "segment_gone"),
        "with-another-way": ("running", "segment_gone"),
    }


def test_a_segment_that_is_asked_for_is_not_ended_without_a_word(street: Street) -> None:
    """Also one that only an older version asks for, on which somebody is; switched off: not."""
    lamps = begun(street)
    street.load(ASKING)
    walker(street, "ada").scan()
    street.read_on()
    street.load(REMINDER.replace("version = 1", "version = 2"))
    with unit_of_work(street.engine) as db:
        users = membership.users_of(db, lamps)
        assert users == ["cart-reminder"]
        with pytest.raises(SegmentInUse) as refused:
            service.end(db, lamps.id, users)
        assert refused.value.data == {"journeys": "cart-reminder"}
        assert service.need(db, lamps.id).state == "active"
    street.days(9)
    with reading(street.engine) as db:
        assert membership.users_of(db, lamps) == []  # nobody walks that version any more


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Count the statements that reach the database."""
    said: list[str] = []

    def note(*about: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        said.append(about[2])

    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_a_batch_is_asked_for_at_once(street: Street) -> None:
    """Twelve people take as many statements as one; a journey without segments asks for none."""
    begun(street)
    street.load(ASKING)
    everybody = [walker(street, f"p{one}") for one in range(12)]
    for one in everybody:
        one.scan()
    street.read_on()
    ids = [run.id for run in street.runs()]
    numbers = []
    for some in (ids[:1], ids):
        with counted(street.engine) as said, reading(street.engine) as db:
            found = membership.of_runs(db, street.world, some)
        numbers.append(len(said))
        assert list(found.values()) == [Membership(frozenset({"Lamps"}))] * len(some)
    assert numbers[0] == numbers[1] <= 10
    with reading(street.engine) as db:
        assert membership.of_runs(db, street.world, []) == {}


def test_a_dry_run_asks_too(street: Street) -> None:
    """Who would have left because she is not in it, as things are now."""
    begun(street)
    for name, gtin in (("ada", LAMP), ("eve", MUG)):
        walker(street, name).scan(gtin)
    street.clock.advance(2 * DAY_S)
    with reading(street.engine) as db:
        said = history.dry_run(db, street.world, read(ASKING), 7)
    assert (said.entered, said.would["sent"], said.ended["condition"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"if":"in_cart"}', {Purpose.REMINDERS}),
        ('{"if":"not","rule":{"if":"known"}}', {Purpose.REMINDERS}),
        ('{"if":"all","rules":[{"if":"known"},{"if":"seen","days":3}]}', None),
        (SCANNED_A_LAMP, None),
    ],
)
def test_what_a_rule_looks_at_has_to_be_allowed(text: str, wanted: set[Purpose] | None) -> None:
    """What she did over her visits is put together only for whoever allows that."""
    needed = membership.purposes_of(rule(text))
    assert needed == (wanted or {Purpose.REMINDERS, Purpose.ANALYTICS})


@pytest.mark.parametrize(
    ("old", "new"),
    [('segment = "Lamps"', ""), ('"in_segment"', '"consents"'), ('"Lamps"', '""')],
)
def test_a_condition_on_a_segment_names_one(old: str, new: str) -> None:
    """And no other condition does."""
    with pytest.raises(InvalidInput, match="step 1 segment"):
        read(ASKING.replace(old, new, 1))
