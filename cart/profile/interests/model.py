"""Interests: what touches say about taste and size. Pure: no database, no time of its own.

An interest is a value of a facet (a category, brand, colour, or the size within a category) with a
weight. Each touch of an article adds to the values that the catalogue gives it: so much as its
kind says, halved with each HALF_LIFE of its age. What she says herself has the last word.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cart.profile.timeline.model import Interaction, Kind


class Facet(StrEnum):
    """What an interest is in."""

    CATEGORY = "category"
    BRAND = "brand"
    COLOUR = "colour"
    SIZE = "size"  # in a category
    ALL = "all"  # of a word of hers: all of them


class Said(StrEnum):
    """What she says about an interest."""

    NOT_FOR_ME = "not_for_me"
    OTHER_SIZE = "other_size"
    CLEARED = "cleared"


# Half a season: what somebody looked at for a winter coat says little in July.
HALF_LIFE: Final = timedelta(days=60)
# What a touch says about taste: who tries something on means it more than who scans it, who pays
# means it most. Taking it off the list says that it was not it; giving it back, too. To collect or
# to cancel an order adds nothing: the order said it, or the shop had none left.
WEIGHTS: Final[Mapping[Kind, float]] = {
    Kind.SCANNED: 1.0,
    Kind.REMOVED: -0.5,
    Kind.TRIED: 2.0,
    Kind.SIZE_ASKED: 2.0,
    Kind.ORDERED: 4.0,
    Kind.RETURNED: -3.0,
}
# A scan is of whatever piece hung in front; a size that was tried on, asked for or kept is hers.
SIZE_SAYS: Final = frozenset({Kind.TRIED, Kind.SIZE_ASKED, Kind.ORDERED, Kind.RETURNED})
WEIGHT_MIN: Final = 0.2  # a scan of almost five months ago: below it nothing is claimed
EVIDENCE_MAX: Final = 3  # newest touches that are named with an interest
SHOWN_MAX: Final = 8  # of a facet: the strongest


@dataclass(frozen=True, slots=True)
class Traits:
    """What the catalogue says of an article; "" where it says nothing."""

    name: str = ""
    category: str = ""
    brand: str = ""
    colour: str = ""
    size: str = ""
    name_i18n: Mapping[str, str] = field(default_factory=dict)
    colour_i18n: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Word:
    """What she said, when."""

    facet: Facet
    value: str
    said: Said
    at: datetime
    size: str = ""


@dataclass(frozen=True, slots=True)
class Interest:
    """An interest with its evidence.

    ``value``: category, brand or colour; of a size its category, and ``size`` the size itself.
    ``weight``: 1.0 is a scan of this moment. ``evidence``: the newest touches that speak for it,
    of ``touches`` in all. ``own``: she said it herself.
    """

    facet: Facet
    value: str
    weight: float
    touches: int
    last_at: datetime
    evidence: tuple[Interaction, ...] = ()
    size: str = ""
    own: bool = False


@dataclass(slots=True)
class _Sum:
    weight: float = 0.0
    speaking: list[Interaction] = field(default_factory=list)


def derive(
    touches: Iterable[Interaction],
    traits: Mapping[str, Traits],
    words: Sequence[Word],
    now: datetime,
) -> list[Interest]:
    """Return the interests that these touches speak for, by facet, the strongest first.

    ``traits``: by GTIN. A touch that is told twice counts once. What she refused is left out,
    with all that was before; her own size stands in for what was derived.
    """
    cleared = max((one.at for one in words if one.said is Said.CLEARED), default=None)
    sums: dict[tuple[Facet, str, str], _Sum] = defaultdict(_Sum)
    for one in {each.id: each for each in touches}.values():
        weight = WEIGHTS.get(one.kind)
        article = traits.get(one.gtin)
        if weight is None or article is None or (cleared is not None and one.at <= cleared):
            continue
        faded = weight * 0.5 ** (max(timedelta(0), now - one.at) / HALF_LIFE)
        for key in _values(one.kind, article):
            found = sums[key]
            found.weight += faded
            if weight > 0:
                found.speaking.append(one)
    refused = {(one.facet, one.value) for one in words if one.said is Said.NOT_FOR_ME}
    own = {one.value: one for one in words if one.said is Said.OTHER_SIZE}
    derived = [
        _interest(key, found)
        for key, found in sums.items()
        if found.speaking
        and found.weight >= WEIGHT_MIN
        and key[:2] not in refused
        and not (key[0] is Facet.SIZE and key[1] in own)
    ]
    hers = [
        Interest(Facet.SIZE, one.value, 1.0, 0, one.at, size=one.size, own=True)
        for one in own.values()
    ]
    return _strongest([*derived, *hers])


def _values(kind: Kind, article: Traits) -> Iterable[tuple[Facet, str, str]]:
    for facet, value in (
        (Facet.CATEGORY, article.category),
        (Facet.BRAND, article.brand),
        (Facet.COLOUR, article.colour),
    ):
        if value:
            yield facet, value, ""
    if article.size and article.category and kind in SIZE_SAYS:
        yield Facet.SIZE, article.category, article.size


def _interest(key: tuple[Facet, str, str], found: _Sum) -> Interest:
    facet, value, size = key
    speaking = sorted(found.speaking, key=lambda one: (one.at, one.id), reverse=True)
    return Interest(
        facet=facet,
        value=value,
        weight=found.weight,
        touches=len(speaking),
        last_at=speaking[0].at,
        evidence=tuple(speaking[:EVIDENCE_MAX]),
        size=size,
    )


def _strongest(found: Sequence[Interest]) -> list[Interest]:
    """Return the strongest of each facet, and of sizes one for each category."""
    ordered = sorted(found, key=lambda one: (-one.weight, one.value, one.size))
    kept: list[Interest] = []
    for facet in Facet:
        mine = [one for one in ordered if one.facet is facet]
        if facet is Facet.SIZE:
            first: dict[str, Interest] = {}
            for one in mine:
                first.setdefault(one.value, one)
            mine = list(first.values())
        kept += mine[:SHOWN_MAX]
    return kept
