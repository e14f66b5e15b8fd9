"""What shoppers decide: seeded, bounded, and always with an end."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.shoppers import MAIL_DOMAIN, Manner, Shopper

GOODS = [f"{number:08d}" for number in range(40)]


def script(seed: int, manner: Manner | None = None, goods: list[str] | None = None) -> list[str]:
    """Return the acts of one visit."""
    steps = Shopper(Random(seed), manner).script(GOODS if goods is None else goods)
    return [step.act for step in steps]


def test_the_same_seed_is_the_same_person() -> None:
    """Two shoppers from one seed do the same, at the same pace."""
    first, second = (Shopper(Random(3)).script(GOODS) for _ in range(2))
    assert first == second
    assert first != Shopper(Random(4)).script(GOODS)


@given(st.integers(), st.integers(min_value=0, max_value=12))
def test_a_visit_begins_scans_a_few_things_and_ends(seed: int, on_the_shelf: int) -> None:
    """Every visit is taken up once and ended once; nothing is scanned twice, or from nowhere."""
    goods = GOODS[:on_the_shelf]
    steps = Shopper(Random(seed)).script(goods)
    acts = Counter(step.act for step in steps)
    assert steps[0].act == "take_up"
    assert steps[-1].act in {"done", "walk_away"}
    assert acts["take_up"] == 1
    assert acts["done"] + acts["walk_away"] == 1
    scanned = [step.gtin for step in steps if step.act == "scan"]
    assert len(scanned) == len(set(scanned)) <= Manner().scans_max
    assert set(scanned) <= set(goods)
    assert acts["show_qr"] <= 1


@given(st.integers())
def test_mails_can_never_leave(seed: int) -> None:
    """Every address is in a domain that is reserved for examples."""
    steps = Shopper(Random(seed), Manner(asks_for_mail=1)).script(GOODS)
    addresses = [step.email for step in steps if step.act == "mail"]
    assert len(addresses) == 1
    assert addresses[0].endswith(f"@{MAIL_DOMAIN}")
    assert MAIL_DOMAIN.endswith(".example")


def test_manners_are_kept() -> None:
    """Certain and impossible things are so for every seed."""
    plain = Manner(
        looks_at_variant=0, wants_more=0, changes_mind=0, takes_it_along=0, asks_for_mail=0,
        walks_away=0, scans_min=2, scans_max=2,
    )  # fmt: skip
    for seed in range(20):
        assert script(seed, plain) == ["take_up", "scan", "scan", "done"]
        assert "show_qr" in script(seed, Manner(takes_it_along=1))
        assert script(seed, Manner(walks_away=1))[-1] == "walk_away"


def test_twice_the_pace_is_half_the_time() -> None:
    """Pace divides every pause and changes nothing else."""
    slow, fast = (Shopper(Random(5), Manner(pace=pace)).script(GOODS) for pace in (1.0, 2.0))
    assert [step.act for step in slow] == [step.act for step in fast]
    assert all(abs(a.pause_s - 2 * b.pause_s) < 1e-9 for a, b in zip(slow, fast, strict=True))
