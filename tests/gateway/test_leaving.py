"""Gone from the screen within 2 s, and not for one who turns: in the simulated air."""

import pytest

from gateway.presence.leaving import (
    AWAY_AFTER_S,
    SILENT_AFTER_S,
    VEIL_AFTER_S,
    Leaving,
    Veil,
    Watch,
)
from tests.real.leaving import hidden_after_s, standing_at_it

HERS = Watch(1, "reader", "tab-1")
REPORT_S = 0.5


@pytest.mark.parametrize("metres_per_s", [1.2, 0.7])
def test_she_is_gone_from_the_screen_within_two_seconds(metres_per_s: float) -> None:
    """98 of 100 who walk or stroll away, an arm and a step off; the visit of each is over, too."""
    hidden, over = hidden_after_s(100, metres_per_s=metres_per_s)
    assert hidden[97] <= 2.0, hidden
    assert hidden[-1] <= 5.0
    assert over[-1] <= 12.0


def test_who_stays_keeps_her_visit() -> None:
    """An hour at a tablet, turning and smothered: none is ended, and veils are few and short."""
    veils, longest_s, ended = standing_at_it(1.0)
    assert ended == 0
    assert veils <= 45.0  # an hour, twelve of them by a band that nothing was heard of
    assert longest_s <= 5.0


class Screen:
    """What is told of one tablet, a report each half second."""

    def __init__(self) -> None:
        self.leaving = Leaving()
        self.leaving.watch({HERS}, 0.0)
        self.now_s = 0.0
        self.told: list[Veil] = []

    def hear(self, dbm: float | None, seconds: float) -> None:
        """Let it be so for so long."""
        for _ in range(round(seconds / REPORT_S)):
            self.now_s += REPORT_S
            if dbm is not None:
                self.leaving.hear(HERS.band, HERS.receiver, dbm, self.now_s)
            self.told += self.leaving.veils(self.now_s)


@pytest.mark.parametrize(
    ("dbm", "after_s"),
    [
        (None, SILENT_AFTER_S),
        (-80.0, VEIL_AFTER_S + REPORT_S),
        (-67.0, VEIL_AFTER_S + 4 * REPORT_S),
    ],
)
def test_a_veil_comes_before_the_end_and_goes_when_she_is_heard(
    dbm: float | None, after_s: float
) -> None:
    """Unheard, weak, or much weaker than she was; each change is told once."""
    screen = Screen()
    screen.hear(-52.0, 10.0)
    assert screen.told == []
    screen.hear(dbm, after_s + REPORT_S)
    assert screen.told == [Veil(HERS, drawn=True)]
    assert screen.leaving.gone(screen.now_s) == []
    screen.hear(-52.0, 2.0)
    assert screen.told == [Veil(HERS, drawn=True), Veil(HERS, drawn=False)]
    screen.hear(None, AWAY_AFTER_S)
    assert screen.leaving.gone(screen.now_s) == [HERS]


def test_what_could_not_be_told_is_told_by_the_next_turn_if_it_still_holds() -> None:
    """The database was away: the veil is asked for again, and not after she is back."""
    screen = Screen()
    screen.hear(-52.0, 10.0)
    screen.hear(-80.0, 1.5)
    (veil,) = screen.told
    screen.leaving.untold([veil])
    assert screen.leaving.veils(screen.now_s) == [veil]
    screen.leaving.untold([veil])
    screen.hear(-52.0, 2.0)
    assert screen.leaving.veils(screen.now_s) == []


@pytest.mark.parametrize("dbm", [-58.0, -60.0])
def test_a_turn_of_her_body_is_no_step_away(dbm: float) -> None:
    """Six to eight decibels are what a body takes."""
    screen = Screen()
    for _ in range(5):
        screen.hear(-52.0, 5.0)
        screen.hear(dbm, 8.0)
    assert screen.told == []


def test_somebody_weak_from_the_start_is_measured_by_herself() -> None:
    """Her band under a sleeve at -66 dBm is as near as it gets."""
    screen = Screen()
    screen.hear(-66.0, 30.0)
    assert screen.told == []


@pytest.mark.parametrize("dbm", [-50.0, -52.0, -63.0])
def test_a_tap_is_not_how_she_stands_there(dbm: float) -> None:
    """A band that lay on the reader for two seconds: at arm's length she has not gone."""
    screen = Screen()
    screen.hear(dbm, 10.0)
    screen.hear(-33.0, 2.0)
    screen.hear(dbm, 30.0)
    assert screen.told == []


def test_who_is_always_near_is_known_all_the_same() -> None:
    """She leans on it for a minute; what is weaker by more than a step is a step."""
    screen = Screen()
    screen.hear(-45.0, 60.0)
    screen.hear(-62.0, 2.0)
    assert screen.told == [Veil(HERS, drawn=True)]
