"""The marketer's pages of segments, and the rounds that keep them."""

import re
from json import dumps
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from cart.audit import service as audit
from cart.db import reading, unit_of_work
from cart.journeys.segments import queries
from cart.journeys.segments.person import Person, Places
from cart.journeys.segments.rule import read
from cart.journeys.segments.weighing import weigh
from cart.picking.roles import Role
from cart.profile.timeline.model import Kind
from mobile_api.look.words import words
from mobile_api.segments import form, telling
from mobile_api.segments.pages import GROUP_MIN
from mobile_api.segments.sweep import SegmentSweep
from tests.cart.buying import LAMP
from tests.cart.floor import Floor
from tests.cart.journeying import Street
from tests.cart.people_world import People
from tests.cart.test_journey_segments import ASKING
from tests.fakes.clock import FakeClock
from tests.mobile_api.staffing import app_over, hire, marketer_of, signed_in

PAGE: Final = "/staff/segments"
ROWS: Final = {
    "joint": "all",
    "what": ["did:scanned", "not_bought", ""],
    "by": ["gtin", "category", "category"],
    "value": [str(LAMP), "", ""],
    "times": ["2", "1", "1"],
    "days": ["14", "30", "14"],
    "km": ["30", "30", "30"],
}


@pytest.fixture
def floor(engine: Engine, clock: FakeClock) -> Floor:
    """A shop."""
    return Floor(engine, clock)


@pytest.fixture
def app(floor: Floor, tmp_path: Path) -> FastAPI:
    """The application over it."""
    return app_over(floor, tmp_path)


@pytest.fixture
def marketer(app: FastAPI, floor: Floor) -> TestClient:
    """A browser of a marketer."""
    return marketer_of(app, floor)


def seen_twice(people: People, number: int) -> None:
    """Let so many scan the lamp twice."""
    for one in range(number):
        people.session(f"s{one}")
        people.did(f"s{one}", Kind.SCANNED, str(LAMP), ago=1)
        people.did(f"s{one}", Kind.SCANNED, str(LAMP))


def test_from_a_rule_to_its_members(
    app: FastAPI, marketer: TestClient, floor: Floor, clock: FakeClock
) -> None:
    """She composes, counts, keeps, begins; the round fills it; why is told; ending empties it."""
    people = People(floor.engine, clock)
    seen_twice(people, GROUP_MIN - 1)
    few = marketer.get(PAGE, params={**ROWS, "do": "count"})
    assert few.status_code == 200
    assert f"fewer than {GROUP_MIN}" in few.text
    people.session("last")
    people.did("last", Kind.SCANNED, str(LAMP))
    people.did("last", Kind.SCANNED, str(LAMP))
    assert "10 people" in marketer.get(PAGE, params={**ROWS, "do": "count"}).text
    kept = marketer.post(PAGE, data={**ROWS, "name": "Lamps"})
    assert kept.status_code == 303
    own = kept.headers["location"]
    assert "Draft" in marketer.get(own).text
    assert marketer.post(f"{own}/begin").status_code == 303
    SegmentSweep(app.state.parts).sweep()
    assert "10 people" in marketer.get(own).text
    people.did("last", Kind.ORDERED, str(LAMP))
    SegmentSweep(app.state.parts).sweep()
    assert f"fewer than {GROUP_MIN}" in marketer.get(own).text
    why = marketer.get(own, params={"home": "last"}).text
    assert "She is not in it." in why
    assert re.search(r"<b>No</b> · <bdi>Not bought", why)
    assert "Ordered, " in why
    assert "Nobody has this number." in marketer.get(own, params={"home": "nobody"}).text
    changed = marketer.post(f"{own}/rule", data={"rule": '{"if":"seen","days":3}'})
    assert changed.status_code == 303
    marketer.post(f"{own}/end")
    clock.advance(60)
    SegmentSweep(app.state.parts).sweep()
    with reading(floor.engine) as db:
        assert queries.sizes(db) == {}
        noted = [entry.action for entry in audit.newest(db) if "segment" in entry.action]
    assert sorted(noted) == sorted(
        ["segment.make", "segment.begin", "segment.ask", "segment.ask", "segment.change",
         "segment.end"]
    )  # fmt: skip


def test_a_fault_is_shown_where_it_was_made(marketer: TestClient, floor: Floor) -> None:
    """Nothing is kept of a rule that is none; what was typed still stands there, and is noted."""
    answer = marketer.post(PAGE, data={**ROWS, "days": ["900", "30", "1"], "name": "Lamps"})
    assert answer.status_code == 400
    assert "rules.0.days: Input should be less than or equal to 365" in answer.text
    assert 'value="900"' in answer.text
    sung = marketer.post(PAGE, data={"rule": '{"if":"sung"}', "name": "Songs"})
    assert "Input tag &#39;sung&#39;" in sung.text
    assert marketer.get(PAGE, params={"do": "count"}).status_code == 400  # no condition at all
    with reading(floor.engine) as db:
        assert queries.every(db) == []


def test_others_of_the_staff_do_not_see_it(app: FastAPI, floor: Floor) -> None:
    """It is the marketer's alone."""
    for number, role in (("7", Role.MANAGER), ("8", Role.ASSOCIATE)):
        with signed_in(TestClient(app), hire(floor, number, role=role)) as other:
            assert other.get(PAGE).status_code == 403
            assert other.post(PAGE, data={"rule": '{"if":"known"}', "name": "x"}).status_code == 403


EVERY: Final = (
    '{"if":"any","rules":[{"if":"all","rules":[{"if":"did","kind":"scanned","times":2,"days":3},'
    '{"if":"did_not","kind":"tried","days":1},{"if":"bought","days":3},'
    '{"if":"not_bought","days":3},{"if":"spent","at_least_minor":100,"currency":"EUR","days":3}]},'
    '{"if":"not","rule":{"if":"in_cart"}},{"if":"consented","to":"analytics"},'
    '{"if":"in_stock","days":3,"near":{"km":3}},{"if":"last_at","at":["here"]},'
    '{"if":"speaks","locales":["en"]},{"if":"seen","days":3},{"if":"known"}]}'
)


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_every_condition_has_words(locale: str) -> None:
    """In each language each condition, and the verdict on it, is a sentence of its own."""
    rule, spoken = read(EVERY), words(locale)
    lines = list(telling.rule_lines(rule, spoken))
    assert len({line.text for line in lines}) == len(lines) == 15
    verdict = weigh(rule, Person("h"), Places(), 1)
    assert next(one.text for one in telling.verdict_lines(verdict, spoken)) == lines[0].text
    if locale != "en":
        english = {line.text for line in telling.rule_lines(rule, words("en"))}
        assert english.isdisjoint(line.text for line in lines)


@pytest.mark.parametrize("what", [value for value, _, _ in form.CONDITIONS])
def test_every_condition_of_the_form_is_a_rule(what: str) -> None:
    """Whatever is chosen, what the form makes of it is read."""
    said: Any = form.as_rule([form.Row(what=what, value="sofas")], "all")
    assert read(dumps(said)) is not None


def test_nothing_is_done_where_there_is_no_segment(app: FastAPI, floor: Floor) -> None:
    """A shop without segments pays nothing for them; the first fill makes up for all before."""
    people = People(floor.engine, floor.clock)
    seen_twice(people, 1)
    SegmentSweep(app.state.parts).sweep()
    segment = people.begun("twice", read('{"if":"seen","days":3}'))
    SegmentSweep(app.state.parts).sweep()
    with unit_of_work(floor.engine) as db:
        assert queries.members(db, segment.id) == ["s0"]


def test_a_segment_that_a_journey_asks_for_is_ended_at_a_second_press(
    marketer: TestClient, floor: Floor
) -> None:
    """She is told which one first; after it the journey's card says what it lacks."""
    lamps = People(floor.engine, floor.clock).begun("Lamps", read('{"if":"seen","days":3}'))
    Street(floor.engine, floor.clock).load(ASKING)
    own = f"{PAGE}/{lamps.id}"
    told = marketer.post(f"{own}/end")
    assert told.status_code == 409
    assert 'href="/staff/journeys/cart-reminder/edit"' in told.text
    with reading(floor.engine) as db:
        assert [one.state for one in queries.every(db)] == ["active"]
    assert "no active segment" not in marketer.get("/staff/journeys").text
    assert marketer.post(f"{own}/end", data={"anyway": "true"}).status_code == 303
    assert "no active segment Lamps" in marketer.get("/staff/journeys").text
