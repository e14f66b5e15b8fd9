"""What is a press of a band's button, and what is only another state."""

import pytest

from gateway.presence.pressing import PRESS_TOLD_WITHIN_S, Pressing

ADA = 7


@pytest.fixture
def pressing() -> Pressing:
    """Ada's band, heard with three presses."""
    pressing = Pressing()
    pressing.hear(ADA, 3, 0.0)
    return pressing


def test_only_the_count_says_a_press(pressing: Pressing) -> None:
    """Another frame with the same count is none; one more is, and says so again."""
    assert not pressing.show(ADA, b"battery", 3, 1.0)
    assert pressing.show(ADA, b"pressed", 4, 2.0)
    assert pressing.show(ADA, b"pressed", 4, 2.5)  # a transaction that failed is done again
    assert not pressing.show(ADA, b"put on", 4, 3.0)


def test_the_first_that_is_heard_of_a_band_is_no_press() -> None:
    """Nobody knows what it counted before; the next one is."""
    pressing = Pressing()
    assert not pressing.show(ADA, b"first", 9, 0.0)
    assert pressing.show(ADA, b"next", 10, 1.0)


def test_receivers_may_hear_it_first_or_not_at_all(pressing: Pressing) -> None:
    """Two presses, told one by one, heard as one."""
    pressing.hear(ADA, 5, 1.0)
    assert pressing.show(ADA, b"one", 4, 1.5)
    assert pressing.show(ADA, b"two", 5, 2.0)


def test_what_was_pressed_in_a_pocket_is_over(pressing: Pressing) -> None:
    """An hour later her battery runs down beside a tablet."""
    pressing.hear(ADA, 6, 10.0)
    assert not pressing.show(ADA, b"battery", 6, 11.0 + PRESS_TOLD_WITHIN_S)
    assert pressing.show(ADA, b"pressed", 7, 12.0 + PRESS_TOLD_WITHIN_S)


@pytest.mark.parametrize("presses", [2, 255])
def test_an_old_frame_is_no_press(pressing: Pressing, presses: int) -> None:
    """Recorded and sent again: the count is behind, and what is true counts on."""
    assert not pressing.show(ADA, b"old", presses, 1.0)
    assert pressing.show(ADA, b"pressed", 4, 2.0)


def test_the_count_begins_anew_after_255() -> None:
    """0 comes after 255; a band whose battery was changed counts from 0 half a minute later."""
    pressing = Pressing()
    pressing.hear(ADA, 255, 0.0)
    assert pressing.show(ADA, b"pressed", 0, 1.0)
    pressing.hear(ADA, 200, 2.0)
    later_s = 3.0 + PRESS_TOLD_WITHIN_S
    assert not pressing.show(ADA, b"worn", 200, later_s)
    pressing.hear(ADA, 0, later_s + 1.0)
    later_s += 2.0 + PRESS_TOLD_WITHIN_S
    assert not pressing.show(ADA, b"changed", 0, later_s)
    assert pressing.show(ADA, b"pressed again", 1, later_s + 1.0)


def test_the_next_wearer_begins_anew(pressing: Pressing) -> None:
    """What is forgotten is not compared with."""
    pressing.forget(ADA)
    assert len(pressing) == 0
    assert not pressing.show(ADA, b"hers", 5, 1.0)
