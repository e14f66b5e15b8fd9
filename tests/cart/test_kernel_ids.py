"""Ids sort by time, secrets cannot be guessed, and seeded ones repeat."""

import re
import time

from cart.kernel.ids import RandomIds, SeededIds, secret_hash


def test_an_id_says_what_it_names_and_sorts_by_time() -> None:
    """Later ids sort after earlier ones, so that an index on them grows at its end."""
    ids = RandomIds()
    first = ids.new("cart")
    time.sleep(0.002)  # ids are of one millisecond or the next
    second = ids.new("cart")
    assert re.fullmatch(r"cart_[0-9a-hjkmnp-tv-z]{24}", first)
    assert first < second


def test_ids_and_secrets_do_not_repeat() -> None:
    """A thousand of each in one burst are all different."""
    ids = RandomIds()
    assert len({ids.new("x") for _ in range(1_000)}) == 1_000
    assert len({ids.token() for _ in range(1_000)}) == 1_000


def test_a_secret_fits_a_link_and_a_command_line() -> None:
    """195 bits in letters and digits: no escaping in a URL, never mistaken for an option."""
    for made in (RandomIds().token(), SeededIds(7).token()):
        assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{39}", made)


def test_seeded_ids_repeat_and_count_up() -> None:
    """The same seed gives the same shop; another one another."""
    again, other = SeededIds(7), SeededIds(8)
    ids = SeededIds(7)
    made = [ids.new("cart") for _ in range(100)]
    assert made == [again.new("cart") for _ in range(100)]
    assert made == sorted(set(made))
    assert made[0] != other.new("cart")
    assert ids.token() == again.token()


def test_a_secret_at_rest_does_not_give_it_away() -> None:
    """SHA-256 in hex: the same secret is found again, the text is not in it."""
    assert secret_hash("example") == secret_hash("example")
    assert re.fullmatch(r"[0-9a-f]{64}", secret_hash("example"))
