"""What is said of shops: distance, hours, stock. Pure rules."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mobile_api.look.words import words
from mobile_api.products.shops import (
    Shop,
    metres_between,
    nearest_first,
    opening_words,
    stock_words,
)

HOURS = {
    "mon": [["09:00", "13:00"], ["14:00", "24:00"]],
    "fri": [["09:00", "20:00"]],
}
HERE = Shop("here", "Here", "", "", 51.9, -8.47, "Europe/Dublin", HOURS)
NEAR = replace(HERE, id="near", name="Near", latitude=51.91)
FAR = replace(HERE, id="far", name="Far", latitude=52.9)
NOWHERE = replace(HERE, id="nowhere", name="Nowhere", latitude=None)


def test_distance_is_as_the_crow_flies() -> None:
    """A hundredth of a degree of latitude is 1.11 km."""
    metres = metres_between(HERE, NEAR)
    assert metres is not None
    assert round(metres) == 1112
    assert metres_between(HERE, NOWHERE) is None


def test_nearest_shops_come_first_and_unknown_places_last() -> None:
    """The shop one stands in is the nearest."""
    ordered = nearest_first([NOWHERE, FAR, NEAR, HERE], HERE)
    assert [shop.id for shop in ordered] == ["here", "near", "far", "nowhere"]
    assert nearest_first([FAR, HERE], None) == [FAR, HERE]


@pytest.mark.parametrize(
    ("moment", "said", "is_open"),
    [
        ("2026-11-23T08:00", "Closed, opens at 9:00\u202fAM", False),
        ("2026-11-23T12:59", "Open until 1:00\u202fPM", True),
        ("2026-11-23T13:00", "Closed, opens at 2:00\u202fPM", False),
        ("2026-11-23T23:59", "Open until 12:00\u202fAM", True),
        ("2026-11-24T10:00", "Closed, opens Friday at 9:00\u202fAM", False),
    ],
)
def test_hours_are_told_from_now_on(moment: str, said: str, *, is_open: bool) -> None:
    """Breaks, midnight and days off; in the shop's own time."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)  # Dublin has UTC in winter
    assert opening_words(words("en"), HERE, now) == (said, is_open)


def test_stock_is_told_from_where_one_stands() -> None:
    """Here first, exact while few; else the nearest shop that has it; else sold out."""
    shops = [HERE, NEAR, FAR]
    w = words("en")

    def say(**available: int) -> tuple[str, str]:
        found = stock_words(w, shops, HERE, available)
        return found.text, found.tone

    assert say(here=1) == ("1 left here", "few")
    assert say(here=6) == ("In stock here", "good")
    assert say(far=9, near=2) == ("Near has 2 · 1.1 km away", "few")
    assert say() == ("Sold out in our shops", "out")
    assert stock_words(w, shops, None, {"far": 3}).text == "Far has 3"
