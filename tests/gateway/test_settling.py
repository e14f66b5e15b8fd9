"""Where a band is, and when that has changed; and the bars that zones have to come up to."""

import math

import pytest

from gateway.presence.changes import Change, Kind
from gateway.presence.levels import PATH_EXPONENT, REFERENCE_DBM
from gateway.presence.placing import BODY_DB, Placer
from gateway.presence.plan import Area, Plan
from gateway.presence.settling import (
    ARRIVES_AFTER_S,
    DEPARTED_AFTER_S,
    STALE_S,
    Settling,
)
from tests.real.zones import PLAN, RECEIVERS, SIDE_M, ZONES, noticed_after_s, wrong_per_hour

HOURS = 2.0
MOVES = 40
WITHIN_S = 3.0
LAMPS, SOFAS, RUGS = ZONES


def levels_at(across: float, down: float, louder_db: float = 0.0) -> dict[str, float]:
    """Return what each receiver would hear at a place, half of a body in between."""
    return {
        receiver.name: REFERENCE_DBM
        - 10 * PATH_EXPONENT * math.log10(max(math.dist(receiver.at, (across, down)), 0.5))
        - BODY_DB / 2
        + louder_db
        for receiver in RECEIVERS
    }


def hear(settling: Settling, across: float, at_s: float, louder_db: float = 0.0) -> list[Change]:
    """Let all receivers report a band that is there; return what that changes."""
    heard = (
        settling.hear(1, name, dbm, at_s) for name, dbm in levels_at(across, 3.0, louder_db).items()
    )
    return [change for change in heard if change]


def stay(settling: Settling, across: float, from_s: float, for_s: float) -> list[Change]:
    """Let a band be there for a while, heard twice a second."""
    turns = range(int(for_s * 2))
    return [one for turn in turns for one in hear(settling, across, from_s + turn / 2)]


@pytest.mark.parametrize("louder_db", [-8.0, 0.0, 8.0])
@pytest.mark.parametrize("across", [1.0, 4.5, 9.0, 14.0])
def test_a_place_is_guessed_within_a_metre(across: float, louder_db: float) -> None:
    """Also of a band that is louder than it should be, or under a sleeve."""
    guess = Placer(PLAN).place(levels_at(across, 3.0, louder_db))
    assert math.dist(guess, (across, 3.0)) < 1.0


def test_one_receiver_alone_says_that_she_is_near_it() -> None:
    """Not in the middle of the floor."""
    guess = Placer(PLAN).place({"lamps-0": -60.0})
    assert math.dist(guess, PLAN.receivers["lamps-0"]) < 3.0


def test_a_zone_of_two_rooms_is_one_zone() -> None:
    """Areas need not touch, and a place between zones is of the nearer one."""
    plan = Plan({"a": (Area(0, 0, 2, 2), Area(8, 0, 10, 2)), "b": (Area(4, 0, 6, 2),)}, {})
    places = {(1.0, 1.0): "a", (9.0, 1.0): "a", (5.0, 1.0): "b", (6.5, 1.0): "b", (7.8, 1.0): "a"}
    assert {point: plan.zone_at(point) for point in places} == places


def test_she_arrives_walks_over_and_departs() -> None:
    """Each is told once, with where she was before."""
    settling = Settling(PLAN)
    found = hear(settling, 3.0, 0.0)
    for turn in range(1, 11):
        found += hear(settling, 3.0 + 0.6 * turn, turn / 2)
    found += stay(settling, 9.0, 6.0, 10.0)
    assert [(one.kind, one.zone, one.before) for one in found] == [
        (Kind.ARRIVED, LAMPS, ""),
        (Kind.MOVED, SOFAS, LAMPS),
    ]
    assert settling.tick(15.5 + DEPARTED_AFTER_S - 0.1) == []
    gone_s = 15.5 + DEPARTED_AFTER_S
    assert settling.tick(gone_s) == [Change(Kind.DEPARTED, 1, "", SOFAS, gone_s)]
    assert settling.tick(gone_s + 1) == []
    assert len(settling) == 0


def test_who_dawdles_is_believed_in_the_end() -> None:
    """At 0.2 m/s nobody walks; deep in another zone she is there all the same."""
    settling = Settling(PLAN)
    found = [one for turn in range(60) for one in hear(settling, 3.0 + 0.1 * turn, turn / 2)]
    found += stay(settling, 9.0, 30.0, 6.0)
    assert [one.zone for one in found] == [LAMPS, SOFAS]


def test_a_step_over_the_line_and_back_changes_nothing() -> None:
    """She reaches for something."""
    settling = Settling(PLAN)
    found = stay(settling, 5.0, 0.0, 5.0) + stay(settling, 6.6, 5.0, 2.0)
    found += stay(settling, 5.0, 7.0, 5.0)
    assert [one.kind for one in found] == [Kind.ARRIVED]


def test_a_band_that_passes_by_outside_has_not_arrived() -> None:
    """Weak and soon gone: nothing is told, and nothing is kept."""
    settling = Settling(PLAN)
    assert settling.hear(1, "rugs-3", -92.0, 0.0) is None
    assert settling.hear(1, "rugs-3", -91.0, ARRIVES_AFTER_S - 0.5) is None
    assert settling.tick(20.0) == []
    assert (settling.zone_of(1), len(settling)) == ("", 0)


def test_a_weak_band_that_stays_has_arrived() -> None:
    """In the far corner, under a coat."""
    settling = Settling(PLAN)
    assert hear(settling, 15.0, 0.0, louder_db=-22.0) == []
    found = hear(settling, 15.0, ARRIVES_AFTER_S, louder_db=-22.0)
    assert [(one.kind, one.zone) for one in found] == [(Kind.ARRIVED, RUGS)]


def test_a_receiver_that_hears_her_no_more_says_nothing_of_her() -> None:
    """What it heard last must not hold her there."""
    settling = Settling(PLAN)
    stay(settling, 3.0, 0.0, 5.0)
    far = {name: dbm for name, dbm in levels_at(15.0, 3.0).items() if name.startswith(RUGS)}
    found = []
    for turn in range(20):
        for name, dbm in far.items():
            found.append(settling.hear(1, name, dbm, 5.0 + STALE_S + turn / 2))
    assert [one.zone for one in found if one] == [RUGS]


def test_who_hands_her_band_back_is_nowhere() -> None:
    """And no departure is told of her later."""
    settling = Settling(PLAN)
    stay(settling, 3.0, 0.0, 2.0)
    settling.forget(1)
    assert settling.zone_of(1) == ""
    assert settling.tick(100.0) == []


def test_a_receiver_that_is_not_on_the_plan_is_passed_over() -> None:
    """It was hung up today and nobody has said where."""
    settling = Settling(PLAN)
    assert settling.hear(1, "unknown", -40.0, 0.0) is None
    assert len(settling) == 0


def test_at_a_boundary_less_than_one_false_change_an_hour() -> None:
    """40 cm from it, turning about once a minute, among shelves and lost packets."""
    assert wrong_per_hour(HOURS) < 1.0


def test_a_walk_is_noticed_within_three_seconds_of_the_boundary() -> None:
    """From the middle of a zone to the middle of the next: 19 of 20, and every one stays so."""
    late = noticed_after_s(MOVES)
    assert late[int(0.95 * MOVES) - 1] <= WITHIN_S
    assert late[-1] < 2 * WITHIN_S
    assert late[0] > -SIDE_M / 2 / 1.2  # nobody is there before she has set out
