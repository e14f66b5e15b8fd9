"""Journeys that the shop's goods start, on both databases: what is back, and what costs less."""

from typing import Final

import pytest
from sqlalchemy import Engine, text
from sqlmodel import select

from cart.carts import service as carts
from cart.carts.service import Shopping
from cart.db import is_sqlite, reading, unit_of_work
from cart.journeys import wanting
from cart.journeys.news import telling
from cart.journeys.news.tables import JourneyNewsRow, ShelfGapRow
from cart.profile.timeline.model import Kind
from inventory_api.catalogue import price_changes
from inventory_api.catalogue.queries import sellables
from tests.cart.buying import HERE, LAMP, MUG, THERE, at_once, fill
from tests.cart.journeying import BACK, CHEAPER, DAY_S, HOUR_S, Street, Walker
from tests.fakes.clock import FakeClock

# What does not differ between the databases is asked of the faster one.
ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def street(engine: Engine, clock: FakeClock) -> Street:
    """Five lamps on the shelf, and a journey that waits for what is back."""
    fill(engine, clock)
    return Street(engine, clock, BACK)


def walker(street: Street, address: str = "ada@example.org") -> Walker:
    """Somebody who allows reminders."""
    return Walker(street.engine, street.clock).known(address)


def away(street: Street, hours: float, pieces: int = 2) -> None:
    """Let the lamps be sold out for a while, and come back."""
    street.shelve(-5)
    street.round()
    street.clock.advance(hours * HOUR_S)
    street.shelve(pieces)
    street.round()


def test_who_wants_it_there_hears_of_it_once(street: Street) -> None:
    """By her cart, her list, or her touch; not who took it off, bought it, or was elsewhere."""
    ada, ben, cyd, dan, eva, fay = (walker(street, f"{one}@example.org") for one in "abcdef")
    Walker(street.engine, street.clock).scan()  # a stranger: to her nothing could be sent
    ada.scan()
    ben.scan()
    ben.do(
        lambda db: carts.save_list(
            db, ben.clock, list_id="list-b", cart_id=ben.cart_id, session_id=ben.session_id
        )
    )
    shopping = Shopping(ben.cart_id, ben.clock, sellables)
    ben.do(lambda db: carts.remove_line(db, shopping, operation_id="off", gtin=LAMP))
    ben.touch(Kind.REMOVED, LAMP)
    cyd.touch(Kind.TRIED, LAMP)
    dan.touch(Kind.SCANNED, LAMP)
    street.clock.advance(1)
    dan.touch(Kind.REMOVED, LAMP)
    eva.touch(Kind.TRIED, LAMP)
    eva.buy(LAMP)
    fay.scan(MUG)
    street.shelve(1)  # the one that Eva bought
    away(street, 5)
    street.clock.advance(2 * HOUR_S)
    street.round()
    gone = street.days(0.25, HOUR_S)
    assert sorted(home for home, _ in gone) == sorted(
        [ada.session_id, ben.session_id, cyd.session_id]
    )
    assert {(one.about, one.location_id, one.state) for one in street.runs()} == {
        (LAMP, HERE, "done")
    }
    with reading(street.engine) as db:
        assert db.exec(select(JourneyNewsRow)).all() == []
        assert db.exec(select(ShelfGapRow)).all() == []


@ON_SQLITE
@pytest.mark.parametrize("location_id", [HERE, THERE])
def test_another_shop_is_not_hers(street: Street, location_id: str) -> None:
    """What is back where she was not does not concern her."""
    walker(street).scan()
    street.shelve(-5, location_id=location_id)
    street.round()
    street.clock.advance(DAY_S)
    street.shelve(1, location_id=location_id)
    assert len(street.days(0.25, HOUR_S)) == (1 if location_id == HERE else 0)


@ON_SQLITE
def test_a_change_and_its_contrary_start_nothing(street: Street) -> None:
    """Away for two hours, as a last piece in a checkout; back for minutes, as an error."""
    walker(street).scan()
    away(street, 2)
    assert street.days(0.25, HOUR_S) == []
    street.shelve(-2)
    street.round()
    street.clock.advance(DAY_S)
    street.shelve(1)
    street.round()
    street.clock.advance(600)
    street.shelve(-1)
    assert street.days(0.25, HOUR_S) == []
    assert street.runs() == []
    street.shelve(1)  # and now to stay: it was away all the time
    assert len(street.days(0.5, HOUR_S)) == 1


@ON_SQLITE
def test_sold_out_again_before_she_entered_she_never_did(street: Street) -> None:
    """And sold out between the question and the sending, the guard says so."""
    ada = walker(street)
    ada.scan()
    away(street, 5)
    street.clock.advance(40 * 60)
    street.round()
    assert [one.state for one in street.runs()] == ["pending"]
    street.shelve(-2)
    assert street.days(0.25, HOUR_S) == []
    assert [(one.state, one.reason) for one in street.runs()] == [("left", "over")]
    street.clock.advance(DAY_S)
    street.shelve(1)
    street.round()
    street.clock.advance(HOUR_S + 1)
    street.round()
    street.shelve(-1)
    assert street.post() == []
    assert street.messages() == [("refused", "out_of_stock")]


@ON_SQLITE
def test_nothing_is_made_up_for(street: Street) -> None:
    """What came back days before anybody looked is history; without a journey nobody looks."""
    walker(street).scan()
    street.shelve(-5)
    street.round()
    street.clock.advance(DAY_S)
    street.shelve(1)
    street.clock.advance(3 * DAY_S)
    assert street.days(1) == []
    assert street.runs() == []


def test_people_are_told_in_bounded_batches_and_rivals_tell_once(street: Street) -> None:
    """Four processes, a hundred and some people: each has one run."""
    everybody = [walker(street, f"p{number}@example.org") for number in range(6)]
    for one in everybody:
        one.touch(Kind.TRIED, LAMP)
    away(street, 5)
    street.clock.advance(35 * 60)
    with unit_of_work(street.engine) as db:
        street.goods.shelves(db, 1_000)
    at_once(*[street.round] * 4)
    assert sorted(one.session_id for one in street.runs()) == sorted(
        one.session_id for one in everybody
    )


def test_a_page_of_people_is_left_where_it_ended(street: Street) -> None:
    """The next transaction goes on behind the last session; killed, it is done again."""
    sessions = sorted(walker(street, f"p{n}@example.org").session_id for n in range(3))
    for home in sessions:
        Walker.touch(_as(street, home), Kind.TRIED, LAMP)
    with reading(street.engine) as db:
        asked = (LAMP, street.clock.now() - wanting.WANTED_FOR)
        assert wanting.sessions_that_touched(db, *asked, "", 2) == sessions[:2]
        assert wanting.sessions_that_touched(db, *asked, sessions[1], 2) == sessions[2:]
        assert not telling.any_news(db)


def test_people_are_found_by_the_index_over_the_article(street: Street) -> None:
    """No scan of the timeline, however many people there are."""
    with reading(street.engine) as db:
        lite = is_sqlite(db.connection())
        if not lite:
            db.connection().execute(text("SET LOCAL enable_seqscan = off"))
        asked = (
            "EXPLAIN SELECT DISTINCT session_id FROM interaction WHERE gtin = 'x' AND gtin <> ''"
            " AND session_id > '' AND at_us >= 0 ORDER BY session_id LIMIT 100"
        )
        if lite:
            asked = asked.replace("EXPLAIN", "EXPLAIN QUERY PLAN")
        plan = db.connection().execute(text(asked))
        assert "ix_interaction_gtin_session_id" in str(plan.all())


@pytest.fixture
def market(engine: Engine, clock: FakeClock) -> Street:
    """Lamps for 189 euros, and a journey that waits for them to cost a tenth less."""
    fill(engine, clock)
    return Street(engine, clock, CHEAPER)


def test_who_put_it_aside_hears_that_it_costs_less_than_then(market: Street) -> None:
    """In her cart or on her list; a tenth less than her price, not than yesterday's."""
    ada, ben, cyd = (walker(market, f"{one}@example.org") for one in "abc")
    ada.scan()
    cyd.touch(Kind.TRIED, LAMP)
    market.clock.advance(HOUR_S)
    market.price(17_900)
    ben.scan()
    market.clock.advance(HOUR_S)
    assert market.days(0.25, HOUR_S) == []
    market.clock.advance(DAY_S - 8 * HOUR_S)
    market.price(17_000)
    gone = market.days(0.25, HOUR_S)
    assert [home for home, _ in gone] == [ada.session_id]
    assert [one.trigger_id for one in market.runs()] == ["price:2"]
    with unit_of_work(market.engine) as db:
        assert price_changes.forget(db, market.clock, 10) == 0
        market.clock.jump(31 * DAY_S)
        assert price_changes.forget(db, market.clock, 10) == 2
    market.price(16_000)
    with reading(market.engine) as db:
        assert [one.position for one in price_changes.after(db, 2, 10)] == [3]


@ON_SQLITE
def test_a_price_that_rises_again_starts_nothing_and_stops_what_began(market: Street) -> None:
    """At once: nobody hears of it. Before she entered: she never does. Then: the guard."""
    walker(market).scan()
    market.price(10_000)
    market.clock.advance(600)
    market.price(18_900)
    assert market.days(0.25, HOUR_S) == []
    assert market.runs() == []
    market.price(10_000)
    market.clock.advance(40 * 60)
    market.round()
    market.price(18_900)
    market.clock.advance(HOUR_S)
    market.round()
    assert [(one.state, one.reason) for one in market.runs()] == [("left", "over")]
    market.clock.advance(16 * HOUR_S)
    market.price(10_000)
    market.clock.advance(HOUR_S + 1)
    market.round()
    market.price(18_000)
    market.round()
    assert market.post() == []
    assert market.messages() == [("refused", "price_rose")]


def _as(street: Street, session_id: str) -> Walker:
    one = Walker(street.engine, street.clock)
    one.session_id = session_id
    return one
