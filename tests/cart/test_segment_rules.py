"""A rule is read with its faults named, and says the same of one person and of everybody."""

import json
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from cart.db import reading
from cart.journeys.segments import filling, queries
from cart.journeys.segments.person import Person, Places, Touch, distance_km
from cart.journeys.segments.queries import Needs
from cart.journeys.segments.rule import (
    BYTES_MAX,
    DAYS_MAX,
    LEAVES_MAX,
    Goods,
    Group,
    Leaf,
    Near,
    read,
    written,
)
from cart.journeys.segments.weighing import NEVER, weigh, weigh_each
from cart.kernel.clock import to_us
from cart.kernel.errors import InvalidInput
from cart.kernel.ids import SeededIds
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind
from tests.cart.people_world import (
    BERLIN,
    CATALOGUE,
    GOODS,
    HAARLEM,
    HARBOUR,
    LAMP,
    NOWHERE,
    PLACES,
    SOFA,
    UNKNOWN,
    People,
)
from tests.fakes.clock import FakeClock

DAY_US: Final = 24 * 3_600 * 1_000_000
SEEN_TWICE: Final = (
    '{"if":"all","rules":[{"if":"did","kind":"scanned","of":{"category":"sofas"},"times":2,'
    '"days":14},{"if":"not_bought","of":{"category":"sofas"},"days":14}]}'
)


def test_a_rule_is_the_same_after_it_was_written_down() -> None:
    """What is kept is what was read, without what nobody said."""
    rule = read(SEEN_TWICE)
    assert read(written(rule)) == rule
    assert '"brand"' not in written(rule)


def deep(depth: int) -> str:
    """Return a rule of groups in groups."""
    rule = '{"if":"known"}'
    for _ in range(depth):
        rule = f'{{"if":"not","rule":{rule}}}'
    return rule


def wide(groups: int) -> str:
    """Return a rule of groups of four conditions."""
    known = ",".join(['{"if":"known"}'] * 4)
    group = f'{{"if":"any","rules":[{known}]}}'
    return f'{{"if":"all","rules":[{",".join([group] * groups)}]}}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope", "rule: Invalid JSON"),
        ('{"if":"wished"}', "rule: Input tag 'wished'"),
        ('{"if":"seen","days":0}', "days: Input should be greater than or equal to 1"),
        ('{"if":"all","rules":[]}', "rules: Tuple should have at least 1 item"),
        (
            '{"if":"all","rules":[{"if":"known"},{"if":"did","kind":"sung","days":3}]}',
            "rules.1.kind: Input should be 'scanned'",
        ),
        (
            '{"if":"not","rule":{"if":"did","kind":"tried","days":3,"of":{"color":"red"}}}',
            "rule.of.color: Extra inputs are not permitted",
        ),
        ('{"if":"in_stock","days":3}', "say either `at` or `near`"),
        ('{"if":"last_at","near":{"km":3}}', "name one"),
        ('{"if":"speaks","locales":["fr"]}', "languages are"),
        (deep(5), "at most 4 deep"),
        (wide(6), f"at most {LEAVES_MAX} conditions"),
        (" " * (BYTES_MAX + 1), f"at most {BYTES_MAX} bytes"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, said: str) -> None:
    """Whoever wrote the rule finds where it is wrong."""
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert said in caught.value.message


def test_places_are_near_by_the_way_over_the_earth() -> None:
    """Amsterdam to Berlin is 577 km; a place of which nobody said where is near itself alone."""
    where = {name: None if lat is None else (lat, lon) for name, lat, lon in PLACES}
    places = Places(where)  # type: ignore[arg-type]  # both are there, or neither
    assert distance_km((52.3676, 4.9041), (52.52, 13.405)) == pytest.approx(577, abs=2)
    assert places.within(Near(location=HARBOUR, km=30), "") == {HARBOUR, HAARLEM}
    assert places.within(Near(km=30), NOWHERE) == {NOWHERE}
    assert places.within(Near(location="closed", km=30), "") == frozenset()


def test_until_when_a_verdict_holds() -> None:
    """Two of three scans are enough: it ends with the second newest, not with the oldest."""
    now_us = 400 * DAY_US
    touches = [Touch(n, "scanned", now_us - ago * DAY_US, SOFA) for n, ago in enumerate((1, 3, 9))]
    rule = read('{"if":"did","kind":"scanned","times":2,"days":14}')
    found = weigh(rule, Person("h", touches=tuple(touches)), Places(), now_us)
    assert (found.met, found.number, found.until_us) == (True, 3, now_us + 11 * DAY_US)
    after = weigh(rule, Person("h", touches=tuple(touches)), Places(), found.until_us)
    assert (after.met, after.number) == (False, 1)
    assert weigh(rule, Person("h"), Places(), now_us).until_us == NEVER


# Random people and rules: what is said of each is what is said of all.

KINDS: Final = (Kind.SCANNED, Kind.TRIED, Kind.ORDERED, Kind.RETURNED, Kind.CANCELLED)
GTINS: Final = (*(one[0] for one in GOODS), UNKNOWN, "")
DAYS: Final = (1, 3, 10, DAYS_MAX)
NAMES: Final = ("a", "b", "c", "d")
goods = st.sampled_from(
    [{}, {"category": "sofas"}, {"brand": "Nord"}, {"product": "lamp"}, {"gtin": SOFA},
     {"category": "sofas", "brand": "Nord"}, {"gtin": UNKNOWN}, {"category": "none"},
     {"gtin": LAMP, "category": "sofas"}]
)  # fmt: skip
near: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"near": {"km": 30}}, {"near": {"km": 0}}, {"near": {"location": HARBOUR, "km": 30}},
     {"at": [BERLIN, HARBOUR]}, {"near": {"location": "closed", "km": 5}}]
)  # fmt: skip
days = st.sampled_from(DAYS)
leaf = st.one_of(
    st.builds(
        lambda word, kind, of, n, d: {"if": word, "kind": kind, "of": of, "days": d}
        | ({"times": n} if word == "did" else {}),
        st.sampled_from(["did", "did_not"]),
        st.sampled_from([one.value for one in KINDS]),
        goods,
        st.integers(1, 3),
        days,
    ),
    st.builds(
        lambda word, of, n, d: {"if": word, "of": of, "days": d}
        | ({"pieces": n} if word == "bought" else {}),
        st.sampled_from(["bought", "not_bought"]),
        goods,
        st.integers(1, 3),
        days,
    ),
    st.builds(
        lambda n, d: {"if": "spent", "at_least_minor": n, "currency": "EUR", "days": d},
        st.sampled_from([1, 150, 300]),
        days,
    ),
    st.builds(lambda of: {"if": "in_cart", "of": of}, goods),
    st.builds(
        lambda one: {"if": "consented", "to": one},
        st.sampled_from([Purpose.ANALYTICS.value, Purpose.AD_AUDIENCES.value]),
    ),
    st.builds(lambda place, of, d: {"if": "in_stock", "of": of, "days": d} | place,
              near, goods, days),
    st.builds(lambda place: {"if": "last_at"} | place,
              near.filter(lambda one: "at" in one or "location" in one["near"])),
    st.builds(lambda d: {"if": "seen", "days": d}, days),
    st.sampled_from([{"if": "known"}, {"if": "speaks", "locales": ["en", "pl"]}]),
)  # fmt: skip
rules = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(
            lambda word, some: {"if": word, "rules": some},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda one: {"if": "not", "rule": one}, inner),
    ),
    max_leaves=5,
)
touch = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(KINDS),
    st.sampled_from(GTINS),
    st.sampled_from([0, 0.5, 1, 2, 5, 10, 100, 365, 400]),  # days ago: also on the very edge
    st.integers(1, 2),
    st.sampled_from(["", HARBOUR, HAARLEM, BERLIN, NOWHERE]),
)
decision = st.tuples(
    st.sampled_from([("a", False), ("b", True), ("c", False), ("d", True)]),
    st.sampled_from([Purpose.ANALYTICS, Purpose.AD_AUDIENCES]),
    st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Return what happened to four people, two of them customers, and what to ask."""
    return {
        "touches": draw(st.lists(touch, min_size=2, max_size=14)),
        "decisions": draw(st.lists(decision, max_size=4)),
        "carts": draw(
            st.lists(
                st.tuples(st.sampled_from(NAMES), st.sampled_from(GTINS[:4]), st.integers(0, 2)),
                max_size=3,
            )
        ),
        "joined": draw(st.sampled_from(["", "a", "undone"])),
        "stock": draw(
            st.lists(
                st.tuples(
                    st.sampled_from([HARBOUR, HAARLEM, BERLIN]),
                    st.sampled_from([one[1] for one in GOODS]),
                ),
                max_size=4,
            )
        ),
        "rules": draw(st.lists(rules, min_size=3, max_size=6)),
    }


def happen(people: People, world: dict[str, Any], run: str) -> dict[str, str]:
    """Let all of it happen, decisions a second apart; return whose home is whose."""
    clock = people.clock
    assert isinstance(clock, FakeClock)
    homes = {name: f"{name}-{run}" for name in NAMES}
    for name, home in homes.items():
        people.session(home, customer=name in "bd", locale="he" if name == "c" else "en")
    people.stocked(world["stock"])
    people.told(
        [
            people.touch(
                homes[name],
                kind,
                gtin,
                ago=ago,
                quantity=quantity,
                amount_minor=0 if kind is Kind.SCANNED else 100 * quantity,
                at=at,
            )
            for name, kind, gtin, ago, quantity, at in world["touches"]
        ]
    )
    for name, gtin, quantity in world["carts"]:
        people.holds(homes[name], gtin, quantity)
    for (name, customer), purpose, granted in world["decisions"]:
        clock.advance(1)
        people.decides(homes[name], purpose, granted=granted, customer=customer)
    if world["joined"]:
        joining_id = people.joins(homes["a"], homes["b"])
        if world["joined"] == "undone":
            people.parts(joining_id)
    return homes


def test_one_and_all_agree(engine: Engine) -> None:
    """Of random people and rules, each person weighed and everybody counted say the same."""
    seen: list[int] = []
    runs = count(1)
    People(engine, FakeClock()).shops()

    @settings(
        max_examples=25,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(worlds())
    def agree(world: dict[str, Any]) -> None:
        clock, run = FakeClock(), f"{next(runs)}"
        people = People(engine, clock, SeededIds(int(run)), prefix=run)
        homes = list(happen(people, world, run).values())
        now_us = to_us(clock.now())
        with reading(engine) as db:
            for said in world["rules"]:
                rule = _rule(said)
                found = queries.find(db, CATALOGUE, homes, Needs.of([rule]), now_us)
                each = {
                    name
                    for name, one in found.people.items()
                    if weigh(rule, one, found.places, now_us).met
                }
                everybody = filling.all_homes(db, clock, CATALOGUE, rule)
                assert [one for one in everybody if one in homes] == sorted(each), said
                for one in found.people.values():
                    _brief_is_true(rule, one, found.places, now_us)
                seen.append(len(each))

    agree()
    assert {0, 1, 2} <= set(seen)  # some are met by some


def _brief_is_true(rule: Leaf | Group, one: Person, places: Places, now_us: int) -> None:
    """What decides is enough, and holds until the brief verdict says that it may not."""
    [brief] = weigh_each([rule], one, places, now_us, briefly=True)
    assert brief.met == weigh(rule, one, places, now_us).met, rule
    if brief.until_us != NEVER:
        assert weigh(rule, one, places, brief.until_us - 1).met == brief.met, rule


def _rule(said: dict[str, Any]) -> Leaf | Group:
    return read(json.dumps(said))


def test_an_article_of_two_conditions_fits_both() -> None:
    """A named article that is not of the named category is none of these."""
    person = Person("h", articles={})
    assert person.fits(SOFA, Goods(gtin=SOFA))
    assert not person.fits(SOFA, Goods(gtin=SOFA, category="sofas"))
