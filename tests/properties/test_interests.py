"""Interests follow from touches alone: in any order, told twice or once, weaker with every day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cart.profile.interests.model import (
    EVIDENCE_MAX,
    HALF_LIFE,
    SIZE_SAYS,
    WEIGHTS,
    Facet,
    Interest,
    Said,
    Traits,
    Word,
    derive,
)
from cart.profile.timeline.model import Channel, Interaction, Kind

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHOE, LAMP = "04006381333931", "00000096385074"
TRAITS = {
    SHOE: Traits("Shoe", "Shoes", "Mill", "red", "42"),
    LAMP: Traits("Lamp", "Lamps", "Harbour", "red"),
}


def touch(kind: Kind, gtin: str, age: timedelta, name: str = "t") -> Interaction:
    """Return a touch of so long ago."""
    return Interaction(f"{name}:{kind}:{gtin}:{age}", "s", kind, Channel.PHONE, NOW - age, gtin)


TOUCHES = st.lists(
    st.builds(
        touch,
        st.sampled_from(Kind),
        st.sampled_from([SHOE, LAMP, "", "05901234123457"]),
        st.integers(0, 400).map(lambda days: timedelta(days=days)),
    ),
    max_size=20,
)


def of(found: list[Interest], facet: Facet) -> dict[str, float]:
    """Return weights by value."""
    return {one.value: round(one.weight, 6) for one in found if one.facet is facet}


@given(TOUCHES, st.randoms())
def test_neither_order_nor_repetition_matters(touches: list[Interaction], any_: object) -> None:
    """The same facts are the same interests."""
    shuffled = [*touches, *touches]
    any_.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (derive(each, TRAITS, [], NOW) for each in (touches, shuffled))
    for facet in Facet:
        assert of(first, facet) == of(second, facet)


@given(TOUCHES)
def test_every_interest_has_evidence_that_speaks_for_it(touches: list[Interaction]) -> None:
    """Touches of hers, of articles that have the value, the newest first."""
    for one in derive(touches, TRAITS, [], NOW):
        assert 0 < len(one.evidence) <= EVIDENCE_MAX
        assert one.touches >= len(one.evidence)
        assert all(each in touches and WEIGHTS[each.kind] > 0 for each in one.evidence)
        assert one.last_at == one.evidence[0].at == max(each.at for each in one.evidence)
        for each in one.evidence:
            article = TRAITS[each.gtin]
            mine = {article.category, article.brand, article.colour}
            assert one.value in mine
            assert one.facet is not Facet.SIZE or (each.kind in SIZE_SAYS and article.size)


@given(TOUCHES, st.sampled_from([Facet.CATEGORY, Facet.BRAND, Facet.COLOUR]))
def test_what_she_refused_is_not_there(touches: list[Interaction], facet: Facet) -> None:
    """Whatever she does afterwards; the others stay as they were."""
    before = derive(touches, TRAITS, [], NOW)
    for value in of(before, facet):
        words = [Word(facet, value, Said.NOT_FOR_ME, NOW)]
        after = derive(touches, TRAITS, words, NOW)
        assert of(after, facet) == {k: v for k, v in of(before, facet).items() if k != value}


def test_a_touch_is_worth_half_after_the_half_life() -> None:
    """And what came back counts against it."""
    now, then = touch(Kind.TRIED, SHOE, timedelta(0)), touch(Kind.TRIED, SHOE, HALF_LIFE)
    assert of(derive([now], TRAITS, [], NOW), Facet.BRAND) == {"Mill": 2.0}
    assert of(derive([then], TRAITS, [], NOW), Facet.BRAND) == {"Mill": 1.0}
    bought, back = (touch(kind, SHOE, timedelta(0)) for kind in (Kind.ORDERED, Kind.RETURNED))
    assert of(derive([bought, back], TRAITS, [], NOW), Facet.BRAND) == {"Mill": 1.0}
    years = touch(Kind.SCANNED, SHOE, timedelta(days=365))
    assert derive([years], TRAITS, [], NOW) == []


def test_a_scan_says_nothing_about_size_and_her_own_word_everything() -> None:
    """The piece in front is of some size; the one that she tried on is of hers."""
    scanned, tried = (touch(kind, SHOE, timedelta(0)) for kind in (Kind.SCANNED, Kind.TRIED))
    assert of(derive([scanned], TRAITS, [], NOW), Facet.SIZE) == {}
    [found] = [one for one in derive([tried], TRAITS, [], NOW) if one.facet is Facet.SIZE]
    assert (found.value, found.size, found.own) == ("Shoes", "42", False)
    words = [Word(Facet.SIZE, "Shoes", Said.OTHER_SIZE, NOW, size="43")]
    [said] = [one for one in derive([tried], TRAITS, words, NOW) if one.facet is Facet.SIZE]
    assert (said.value, said.size, said.own) == ("Shoes", "43", True)


def test_what_she_cleared_does_not_come_back_by_itself() -> None:
    """Only what happens afterwards counts."""
    old, new = touch(Kind.TRIED, SHOE, timedelta(days=2)), touch(Kind.TRIED, LAMP, timedelta(0))
    cleared = [Word(Facet.ALL, "", Said.CLEARED, NOW - timedelta(days=1))]
    assert of(derive([old, new], TRAITS, cleared, NOW), Facet.CATEGORY) == {"Lamps": 2.0}
