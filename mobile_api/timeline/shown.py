"""Stories and interests as a page shows them, in the reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from cart.kernel.clock import to_us
from cart.kernel.money import Money
from cart.profile.interests.model import Facet, Interest, Traits
from cart.profile.timeline.model import Kind, Placed
from inventory_api.catalogue.traits import traits
from mobile_api.look.words import Words
from mobile_api.timeline.words import BECAUSE, CHANNELS, KINDS
from mobile_api.wiring import Parts

PAGE_MAX: Final = 40  # touches on a page: some screens of a phone
_PRICED: Final = frozenset({Kind.ORDERED, Kind.CANCELLED, Kind.RETURNED})


@dataclass(frozen=True, slots=True)
class ShownTouch:
    """One touch in words. ``name`` of the article, ``money``, ``place``: "" where there is none."""

    kind: str
    name: str
    quantity: int
    money: str
    place: str
    channel: str
    at: datetime
    when: str


@dataclass(frozen=True, slots=True)
class ShownInterest:
    """One interest in words. ``why``: each reason with how long ago it was."""

    facet: Facet
    value: str
    label: str
    size: str
    own: bool
    why: tuple[tuple[str, str], ...]
    more: int


def touches(parts: Parts, db: Session, page: Sequence[Placed], spoken: Words) -> list[ShownTouch]:
    """Return a page of a story."""
    known = traits(db, {one.interaction.gtin for one in page if one.interaction.gtin})
    places = {one.interaction.location_id for one in page if one.interaction.location_id}
    facts = {one: parts.shop.locations.facts(db, one) for one in places}
    shown = []
    for placed in page:
        one = placed.interaction
        money = (
            spoken.money(Money(one.amount_minor, one.currency))
            if one.kind in _PRICED and one.currency
            else ""
        )
        place = facts.get(one.location_id)
        shown.append(
            ShownTouch(
                kind=spoken.gettext(KINDS[one.kind]),
                name=name_of(one.gtin, known, spoken) if one.gtin else "",
                quantity=one.quantity,
                money=money,
                place=spoken.of(place.name_i18n, place.name) if place else "",
                channel=spoken.gettext(CHANNELS[one.channel]),
                at=one.at,
                when=_when(one.at, place.timezone if place else "", spoken),
            )
        )
    return shown


def _when(at: datetime, zone: str, spoken: Words) -> str:
    """Return when it was by the clocks of its shop; of no shop, by UTC, and that is said."""
    return spoken.minute(at, zone) if zone else f"{spoken.minute(at)} UTC"


def older(page: Sequence[Placed]) -> str:
    """Return how the next page is asked for, "" if this one is the last."""
    if len(page) < PAGE_MAX:
        return ""
    return f"{to_us(page[-1].interaction.at)}-{page[-1].position}"


def interests(
    found: Sequence[Interest], known: Mapping[str, Traits], spoken: Words, now: datetime
) -> list[ShownInterest]:
    """Return interests with why they are there."""
    return [
        ShownInterest(
            facet=one.facet,
            value=one.value,
            label=_label(one, known, spoken),
            size=one.size,
            own=one.own,
            why=tuple(
                (
                    spoken.gettext(BECAUSE[each.kind])
                    % {"name": name_of(each.gtin, known, spoken)},
                    spoken.ago(now - each.at),
                )
                for each in one.evidence
            ),
            more=one.touches - len(one.evidence),
        )
        for one in found
    ]


def name_of(gtin: str, known: Mapping[str, Traits], spoken: Words) -> str:
    """Return an article's name; its number, if the catalogue has it no more."""
    article = known.get(gtin)
    return spoken.of(dict(article.name_i18n), article.name) if article else gtin.lstrip("0")


def _label(one: Interest, known: Mapping[str, Traits], spoken: Words) -> str:
    """Return the value as the reader says it; the catalogue translates colours only."""
    if one.facet is Facet.COLOUR:
        for article in known.values():
            if article.colour == one.value:
                return spoken.of(dict(article.colour_i18n), article.colour)
    return one.value
