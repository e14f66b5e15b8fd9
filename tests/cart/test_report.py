"""The report counts people, each once, at the furthest step; only of who allows it."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cart.db import is_sqlite, reading, unit_of_work
from cart.db.rows import BIGINT, TEXT, source
from cart.journeys.report import queries
from cart.journeys.report.model import (
    ALL_SEEN,
    DAYS_MAX,
    EVERYWHERE,
    SHOPS_MAX,
    Counted,
    Seen,
    Window,
    coarse,
    windows,
)
from cart.journeys.report.setwise import statement
from cart.kernel.errors import InvalidInput
from cart.profile.consent.holders import holders
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Channel, Interaction, Kind
from tests.cart.people_world import BERLIN, HARBOUR, NOWHERE, People
from tests.cart.report_world import AMSTERDAM, HOMES, Company, fold
from tests.fakes.clock import FakeClock

MINUTES_A_DAY: Final = 24 * 60


@pytest.fixture
def company(engine: Engine, clock: FakeClock) -> Company:
    """The people, on each database."""
    return Company(People(engine, clock), clock)


def report(company: Company, chosen: list[Window] | None = None) -> dict[tuple[str, str], Counted]:
    """Return the groups by location and device."""
    with reading(company.people.engine) as db:
        found = queries.counted(db, chosen or company.today())
    return {(one.location_id, one.seen): one for one in found}


def test_her_sessions_are_one_person_and_steps_do_not_grow(company: Company) -> None:
    """On the tablet before she signed in, at home afterwards: one person, who began at a tablet."""
    told = company.touch
    company.told(
        [
            told("cleo-before", Kind.SCANNED),
            told("cleo", Kind.LISTED, 5, at="", channel=Channel.PHONE),
            told("cleo", Kind.ORDERED, 30, channel=Channel.PHONE),
            told("cleo", Kind.ORDERED, 30, channel=Channel.PHONE),  # a line each
            told("eve-visit", Kind.TRIED, channel=Channel.MIRROR),
            told("eve", Kind.CHECKOUT_OPENED, 2, channel=Channel.PHONE),
            told("finn", Kind.SCANNED, channel=Channel.BAND),
            told("anna", Kind.COLLECTED, channel=Channel.DESK),  # ordered before this period
        ]
    )
    found = report(company)
    assert found[HARBOUR, ALL_SEEN].reached == (4, 3, 3, 2, 1)
    assert found[HARBOUR, Seen.TABLET].reached == (1, 1, 1, 1, 0)
    assert found[HARBOUR, Seen.MIRROR].reached == (1, 1, 1, 0, 0)
    assert found[HARBOUR, Seen.BAND].reached == (1, 0, 0, 0, 0)
    assert found[HARBOUR, Seen.OTHER].reached == (1, 1, 1, 1, 1)
    timed = found[HARBOUR, ALL_SEEN]
    assert (timed.timed, timed.median_s, timed.p90_s) == (1, 1_800, 1_800)
    assert timed.spans == (0, 1, 0, 0, 0)


def test_nobody_is_counted_who_does_not_allow_it(company: Company) -> None:
    """Silent, withdrawn, and what joined somebody who withdrew; a withdrawal counts at once."""
    company.told([company.touch(one, Kind.SCANNED) for one in HOMES])
    assert report(company)[HARBOUR, ALL_SEEN].reached[0] == 4
    company.people.decides("anna", Purpose.ANALYTICS, granted=False)
    assert report(company)[HARBOUR, ALL_SEEN].reached[0] == 3
    company.people.decides("cleo", Purpose.ANALYTICS, granted=False, customer=True)
    with unit_of_work(company.people.engine) as db:
        company.people.emptied(db, "finn")
    assert report(company)[HARBOUR, ALL_SEEN].reached[0] == 1


def test_an_undone_joining_is_two_people(company: Company) -> None:
    """Each then is asked for herself."""
    company.people.decides("cleo-before", Purpose.ANALYTICS, granted=True)
    told = [company.touch("cleo-before", Kind.SCANNED), company.touch("cleo", Kind.SCANNED)]
    company.told(told)
    assert report(company)[HARBOUR, ALL_SEEN].reached[0] == 1
    company.people.parts("join-cleo-before")
    assert report(company)[HARBOUR, ALL_SEEN].reached[0] == 2


def test_a_shop_has_its_own_days_and_a_person_in_two_shops_is_one(company: Company) -> None:
    """Midnight is the shop's; what is of no chosen shop does not count."""
    day = company.people.clock.now().date()
    chosen = windows({HARBOUR: AMSTERDAM, BERLIN: "America/New_York"}, day, day)
    start = chosen[1].since  # midnight in Amsterdam, still yesterday evening in New York
    assert [one.since.astimezone(UTC).hour for one in chosen] == [4, 23] or [
        one.since.astimezone(UTC).hour for one in chosen
    ] == [5, 23]

    def at(place: str, who: str) -> Interaction:
        one = company.touch(who, Kind.SCANNED, at=place)
        return Interaction(one.id, who, one.kind, one.channel, start, location_id=place)

    company.told([at(HARBOUR, "anna"), at(BERLIN, "cleo"), at(NOWHERE, "eve")])
    found = report(company, list(chosen))
    assert set(found) == {(HARBOUR, ALL_SEEN), (HARBOUR, "tablet"), ("", ALL_SEEN), ("", "tablet")}
    company.told(
        [company.touch("anna", Kind.SCANNED, at=one) for one in (HARBOUR, BERLIN)]
        + [company.touch("anna", Kind.LISTED, 1, at="")]
    )
    found = report(company)
    assert found[EVERYWHERE, ALL_SEEN].reached == (1, 1, 0, 0, 0)
    assert {place for place, _ in found} == {EVERYWHERE, HARBOUR, BERLIN}


TOUCHES = st.lists(
    st.tuples(
        st.sampled_from(sorted(HOMES)),
        st.sampled_from([*Kind, Kind.ORDERED, Kind.SCANNED]),
        st.integers(-MINUTES_A_DAY * 2, MINUTES_A_DAY * 12),
        st.sampled_from([HARBOUR, BERLIN, NOWHERE, ""]),
        st.sampled_from(Channel),
    ),
    max_size=40,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(touches=TOUCHES)
def test_the_statement_counts_as_one_does_by_hand(
    company: Company, touches: list[tuple[str, Kind, int, str, Channel]]
) -> None:
    """Whatever they did, wherever: the same groups, steps, times."""
    told = [
        company.touch(who, kind, minute, at=at, channel=channel)
        for who, kind, minute, at, channel in touches
    ]
    company.told(told)
    with reading(company.people.engine) as db:
        found = queries.counted(db, company.today())
    assert set(found) == fold(told, company.today())
    assert len(found) == len(set(found))


def test_the_time_of_the_timeline_is_found_by_its_index(company: Company) -> None:
    """No table of touches is read as a whole, on either database."""
    holds = holders("holds", Purpose.ANALYTICS)
    with reading(company.people.engine) as db:
        lite = is_sqlite(db.connection())
        packed = '[["x", 1, 2]]'
        columns = (("location_id", TEXT), ("since_us", BIGINT), ("until_us", BIGINT))
        sql = statement(holds).replace("{rows}", source(db.connection().dialect.name, columns))
        if not lite:
            db.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
        bound = {**holds.bound, "since_us": 1, "until_us": 2, "rows": packed}
        plan = [str(row) for row in db.connection().execute(text(f"{explain}{sql}"), bound)]
    whole = "\n".join(plan)
    assert "ix_interaction_at_us" in whole, whole
    assert "SCAN i\n" not in whole
    assert "Seq Scan on interaction" not in whole
    for index in ("ix_joining_from_session_id", "ix_shopper_session_cart_id"):
        assert index in whole, whole


def test_a_period_has_bounds() -> None:
    """Four hundred days, and no more shops than one statement bears."""
    first = date(2026, 1, 1)
    last = first + timedelta(days=DAYS_MAX - 1)
    [window] = windows({HARBOUR: "UTC"}, first, last)
    assert window.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert window.until - window.since == timedelta(days=DAYS_MAX)
    for wrong in (
        ({HARBOUR: "UTC"}, first, last + timedelta(days=1)),
        ({HARBOUR: "UTC"}, last, first),
        ({str(one): "UTC" for one in range(SHOPS_MAX + 1)}, first, first),
    ):
        with pytest.raises(InvalidInput):
            windows(*wrong)


def test_small_groups_are_not_told_and_nothing_is_told_by_subtraction() -> None:
    """Full fives only."""
    assert [coarse(one) for one in (0, 4, 5, 9, 10, 104)] == [None, None, 5, 5, 10, 100]
