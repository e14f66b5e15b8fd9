"""The guards on both databases, each asked with the facts of the moment of sending.

In every case the message is asked for first, and would be sent: what stands against it comes
after that.
"""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from cart.carts import service as carts
from cart.carts.service import Shopping
from cart.db import make_engine, unit_of_work
from cart.journeys import loading
from cart.kernel.clock import Clock
from cart.profile.timeline.model import Kind
from inventory_api.catalogue.queries import sellables
from inventory_api.stock import service as stock
from inventory_api.stock.model import Reason
from tests.cart.buying import HERE, LAMP, MUG, THERE, at_once, fill
from tests.cart.journeying import DAY_S, HOUR_S, LISTED, REMINDER, TRIED, Street, Walker
from tests.fakes.clock import FakeClock


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine on a fresh file."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def postgresql_engine(postgresql_url: str) -> Iterator[Engine]:
    """An engine on a fresh database of PostgreSQL."""
    made = make_engine(postgresql_url)
    yield made
    made.dispose()


def asked(street: Street, address: str = "ada@example.org") -> Walker:
    """Return somebody for whom a message was asked for, and not sent yet."""
    ada = Walker(street.engine, street.clock).known(address)
    ada.scan()
    street.read_on()
    street.clock.advance(DAY_S + 60)
    street.round()
    assert street.messages()[-1] == ("requested", "")
    return ada


def _sold_out(street: Street, clock: Clock) -> None:
    with unit_of_work(street.engine) as db:
        stock.move(db, clock, location_id=HERE, sku="lamp", delta=-5, reason=Reason.DAMAGED)


def _taken_off(ada: Walker) -> None:
    shopping = Shopping(ada.cart_id, ada.clock, sellables)
    ada.do(lambda db: carts.remove_line(db, shopping, operation_id="op-off", gtin=LAMP))


def _bought_elsewhere(ada: Walker, address: str = "") -> None:
    """Buy with a phone on which nobody signed in; ``address``: for the receipt."""
    other = Walker(ada.engine, ada.clock)
    if not address:
        ada.joined_by(other)
    other.put(MUG)
    other.open()
    other.choose(email=address)
    other.pay()


def _switched_off(street: Street) -> None:
    with unit_of_work(street.engine) as db:
        loading.switch(db, street.clock, "cart-reminder", active=False)


Against = Callable[[Street, Walker], object]
CASES: dict[str, tuple[Against, tuple[str, str]]] = {
    "nothing": (lambda *_: None, ("sent", "")),
    "bought": (lambda _, ada: (ada.open(), ada.pay()), ("refused", "bought")),
    "bought by another session of hers": (
        lambda _, ada: _bought_elsewhere(ada),
        ("refused", "bought"),
    ),
    "bought as a guest with her address": (
        lambda _, ada: _bought_elsewhere(ada, "Ada@example.org"),
        ("refused", "bought"),
    ),
    "bought by somebody else": (
        lambda _, ada: _bought_elsewhere(ada, "eve@example.org"),
        ("sent", ""),
    ),
    "withdrawn": (lambda _, ada: ada.withdraw(), ("refused", "no_consent")),
    "suppressed": (
        lambda street, _: street.suppressed.update({"ada@example.org": "bounced"}),
        ("refused", "suppressed"),
    ),
    "sold out": (lambda street, _: _sold_out(street, street.clock), ("refused", "out_of_stock")),
    "taken off": (lambda _, ada: _taken_off(ada), ("refused", "nothing_left")),
    "switched off": (lambda street, _: _switched_off(street), ("refused", "switched_off")),
    "night": (
        lambda street, _: street.clock.advance(12 * HOUR_S),
        ("postponed", "quiet_hours"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_comes_in_between_stops_the_message(
    sqlite_engine: Engine, clock: FakeClock, case: str
) -> None:
    """And its reason is kept."""
    _check(sqlite_engine, clock, case)


@pytest.mark.parametrize("case", ["bought as a guest with her address", "withdrawn", "sold out"])
def test_on_postgresql_too(postgresql_engine: Engine, clock: FakeClock, case: str) -> None:
    """Those whose selects differ most between the databases."""
    _check(postgresql_engine, clock, case)


def _check(engine: Engine, clock: FakeClock, case: str) -> None:
    fill(engine, clock)
    street = Street(engine, clock, REMINDER)
    against, said = CASES[case]
    ada = asked(street)
    against(street, ada)
    assert street.post() == ([ada.session_id] if said[0] == "sent" else [])
    assert street.messages() == [said]


def test_who_allows_nothing_and_who_is_nobody_gets_nothing(
    sqlite_engine: Engine, clock: FakeClock
) -> None:
    """A stranger who had a list mailed gave her address for that one mail."""
    fill(sqlite_engine, clock)
    street = Street(sqlite_engine, clock, REMINDER)
    Walker(sqlite_engine, clock).scan()
    Walker(sqlite_engine, clock).known(consents=False).scan()
    assert street.days(2) == []
    assert street.messages() == [("refused", "no_consent")] * 2


def test_at_night_it_is_put_off_and_comes_in_the_morning(engine: Engine, clock: FakeClock) -> None:
    """Scanned at ten in the evening; the next evening is no time, the morning after is."""
    fill(engine, clock)
    street = Street(engine, clock, REMINDER)
    clock.advance(12 * HOUR_S)  # 22:00 in Amsterdam
    ada = Walker(engine, clock).known()
    ada.scan()
    [(home, at)] = street.days(2, every_s=2 * HOUR_S)
    assert home == ada.session_id
    assert 8 <= at.hour <= 10  # UTC: an hour less than there
    assert street.messages() == [("postponed", "quiet_hours"), ("sent", "")]


def test_the_cap_holds_over_all_journeys(engine: Engine, clock: FakeClock) -> None:
    """Three messages at the same moment: two go, also with three processes; a week later more."""
    fill(engine, clock)
    street = Street(engine, clock, REMINDER, LISTED, TRIED)
    ada = Walker(engine, clock).known()
    ada.scan()
    ada.do(
        lambda db: carts.save_list(
            db, clock, list_id="list-1", cart_id=ada.cart_id, session_id=ada.session_id
        )
    )
    ada.touch(Kind.LIST_MAILED, ref="list-1")
    ada.touch(Kind.TRIED, gtin=MUG)
    street.read_on()
    clock.advance(DAY_S + 60)
    street.round()
    at_once(*[street.post] * 3)
    assert sorted(street.messages()) == [("refused", "too_many"), ("sent", ""), ("sent", "")]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_what_was_put_aside_at_home_is_looked_for_where_it_is_sold(
    engine: Engine, clock: FakeClock
) -> None:
    """In the shop that she was in last; of whoever was in none, in any. Sold out there: refused."""
    fill(engine, clock)
    street = Street(engine, clock, REMINDER)
    ada, ben = (Walker(engine, clock).known(f"{one}@example.org") for one in ("ada", "ben"))
    ben.touch(Kind.SCANNED, MUG)  # in the shop, a moment ago
    for one in (ada, ben):
        one.scan_at_home(LAMP)
    _sold_out(street, clock)
    street.read_on()
    clock.advance(DAY_S + 60)
    street.round()
    assert street.post() == [ada.session_id]
    assert sorted(street.messages()) == [("refused", "out_of_stock"), ("sent", "")]
    street.shelve(-5, location_id=THERE)
    eve = Walker(engine, clock).known("eve@example.org")
    eve.scan_at_home(LAMP)
    assert street.days(1.25) == []
    assert street.messages()[-1] == ("refused", "out_of_stock")
