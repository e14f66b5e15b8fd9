"""Weighs a rule against a person, and says what it rests on. Pure; no database.

The same is said set by set in ``setwise.py``; a property test holds the two together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple

from cart.journeys.segments.person import (
    CAME_BACK,
    DAY_US,
    LOOKED_AT,
    Person,
    Places,
    Touch,
)
from cart.journeys.segments.rule import (
    DAYS_MAX,
    All,
    Any,
    Bought,
    Consented,
    Did,
    DidNot,
    Goods,
    Group,
    InCart,
    InStock,
    Known,
    LastAt,
    Leaf,
    Not,
    NotBought,
    Seen,
    Speaks,
    Spent,
)
from cart.profile.timeline.model import Kind

BUYING: Final = CAME_BACK | {Kind.ORDERED.value}
_ORDER: Final = attrgetter("at_us", "position")  # of touches
NEVER: Final = 2**62  # microseconds: a change that time alone does not bring


class Verdict(NamedTuple):
    """Whether a rule, or a part of it, is met.

    ``number``: what was counted (times, pieces, minor units). ``evidence``: what it rests on,
    the newest first. ``until_us``: when this may change by time alone; never later than it does.
    """

    rule: Leaf | Group
    met: bool
    parts: tuple["Verdict", ...] = ()
    number: int = 0
    evidence: tuple[Touch, ...] = ()
    until_us: int = NEVER


def weigh(rule: Leaf | Group, person: Person, places: Places, now_us: int) -> Verdict:
    """Return the verdict on a whole rule. Who did nothing in a year is in no segment."""
    [verdict] = weigh_each([rule], person, places, now_us)
    return verdict


def weigh_each(
    rules: Iterable[Leaf | Group],
    person: Person,
    places: Places,
    now_us: int,
    *,
    briefly: bool = False,
) -> list[Verdict]:
    """Return the verdict on each of these rules, as :func:`weigh`.

    ``briefly``: only what decides, until that may change. Of conditions that must all be met
    the first that is not, of alternatives the first that is; the evidence is not whole then.
    """
    newest = sorted(person.touches, key=_ORDER, reverse=True)
    if not newest or newest[0].at_us <= now_us - DAYS_MAX * DAY_US:
        return [Verdict(rule, met=False) for rule in rules]
    scales = _Scales(person, newest, places, now_us, briefly=briefly)
    ends_us = newest[0].at_us + DAYS_MAX * DAY_US
    return [_until(scales.weigh(rule), ends_us) for rule in rules]


def _until(found: Verdict, ends_us: int) -> Verdict:
    return found if found.until_us <= ends_us else found._replace(until_us=ends_us)


@dataclass(frozen=True, slots=True)
class _Scales:
    """``newest``: her touches, the newest first."""

    person: Person
    newest: Sequence[Touch]
    places: Places
    now_us: int
    briefly: bool

    def weigh(self, rule: Leaf | Group) -> Verdict:
        return _WAYS[type(rule)](self, rule)

    def not_(self, rule: Not) -> Verdict:
        inner = self.weigh(rule.rule)
        return Verdict(rule, not inner.met, (inner,), until_us=inner.until_us)

    def all_(self, rule: All) -> Verdict:
        parts = self._parts(rule, ends=False)
        return Verdict(rule, all(one.met for one in parts), parts, until_us=_soonest(parts))

    def any_(self, rule: Any) -> Verdict:
        parts = self._parts(rule, ends=True)
        return Verdict(rule, any(one.met for one in parts), parts, until_us=_soonest(parts))

    def _parts(self, rule: All | Any, *, ends: bool) -> tuple[Verdict, ...]:
        parts = []
        for one in rule.rules:
            part = self.weigh(one)
            if self.briefly and part.met is ends:
                return (part,)
            parts.append(part)
        return tuple(parts)

    def _touches(
        self, days: int, kinds: frozenset[str] | set[str] | None, of: Goods
    ) -> list[Touch]:
        """Return the touches of a window, the newest first."""
        since_us = self.now_us - days * DAY_US
        fits = None if of.everything else self.person.fits
        return [
            one
            for one in self.newest
            if one.at_us > since_us
            and (kinds is None or one.kind in kinds)
            and (fits is None or fits(one.gtin, of))
        ]

    def did(self, leaf: Did) -> Verdict:
        return self._times(leaf, leaf.kind, leaf.of, leaf.days, leaf.times)

    def did_not(self, leaf: DidNot) -> Verdict:
        return _negated(leaf, self._times(leaf, leaf.kind, leaf.of, leaf.days, 1))

    def _times(self, leaf: Leaf, kind: Kind, of: Goods, days: int, times: int) -> Verdict:
        found = self._touches(days, {kind.value}, of)
        met = len(found) >= times
        until_us = found[times - 1].at_us + days * DAY_US if met else NEVER
        return Verdict(leaf, met, (), len(found), tuple(found), until_us)

    def bought(self, leaf: Bought) -> Verdict:
        return self._pieces(leaf, leaf.of, leaf.days, leaf.pieces)

    def not_bought(self, leaf: NotBought) -> Verdict:
        return _negated(leaf, self._pieces(leaf, leaf.of, leaf.days, 1))

    def _pieces(self, leaf: Leaf, of: Goods, days: int, pieces: int) -> Verdict:
        found = self._touches(days, BUYING, of)
        number = sum(-one.quantity if one.kind in CAME_BACK else one.quantity for one in found)
        return Verdict(leaf, number >= pieces, (), number, tuple(found), _first_out(found, days))

    def spent(self, leaf: Spent) -> Verdict:
        everything = Goods()
        found = [
            one
            for one in self._touches(leaf.days, BUYING, everything)
            if one.currency == leaf.currency
        ]
        number = sum(
            -abs(one.amount_minor) if one.kind in CAME_BACK else one.amount_minor for one in found
        )
        met = number >= leaf.at_least_minor
        return Verdict(leaf, met, (), number, tuple(found), _first_out(found, leaf.days))

    def in_cart(self, leaf: InCart) -> Verdict:
        number = sum(self.person.fits(gtin, leaf.of) for gtin in self.person.cart)
        return Verdict(leaf, number > 0, (), number)

    def consented(self, leaf: Consented) -> Verdict:
        return Verdict(leaf, leaf.to in self.person.consents)

    def in_stock(self, leaf: InStock) -> Verdict:
        where = self._places(leaf)
        found = [
            one
            for one in self._touches(leaf.days, LOOKED_AT, leaf.of)
            if one.gtin and not where.isdisjoint(self.person.in_stock.get(one.gtin, ()))
        ]
        until_us = found[0].at_us + leaf.days * DAY_US if found else NEVER
        if leaf.near is not None and not leaf.near.location:
            until_us = min(until_us, self._place_ends_us())
        return Verdict(leaf, bool(found), (), len(found), tuple(found), until_us)

    def last_at(self, leaf: LastAt) -> Verdict:
        met = self._last_location_id() in self._places(leaf)
        return Verdict(leaf, met, until_us=self._place_ends_us())

    def _places(self, leaf: InStock | LastAt) -> frozenset[str]:
        if leaf.at is not None:
            return frozenset(leaf.at)
        if leaf.near is None:
            return frozenset()
        last = self._last_location_id()
        return self.places.within(leaf.near, last) if leaf.near.location or last else frozenset()

    def _last_location_id(self) -> str:
        return next((one.location_id for one in self.newest if one.location_id), "")

    def _place_ends_us(self) -> int:
        """Return when the last place that is known of her is a year old."""
        placed = next((one.at_us for one in self.newest if one.location_id), None)
        return NEVER if placed is None else placed + DAYS_MAX * DAY_US

    def speaks(self, leaf: Speaks) -> Verdict:
        return Verdict(leaf, self.person.locale in leaf.locales)

    def seen(self, leaf: Seen) -> Verdict:
        found = self._touches(leaf.days, None, Goods())[:1]
        until_us = found[0].at_us + leaf.days * DAY_US if found else NEVER
        return Verdict(leaf, bool(found), (), len(found), tuple(found), until_us)

    def known(self, leaf: Known) -> Verdict:
        return Verdict(leaf, bool(self.person.customer_id))


def _negated(leaf: Leaf, found: Verdict) -> Verdict:
    return Verdict(leaf, not found.met, (), found.number, found.evidence, found.until_us)


def _first_out(found: Sequence[Touch], days: int) -> int:
    """Return when the first of these leaves the window: a sum may change with each."""
    return found[-1].at_us + days * DAY_US if found else NEVER


def _soonest(parts: Sequence[Verdict]) -> int:
    return min(one.until_us for one in parts)


_WAYS: Final[Mapping[type, Callable[..., Verdict]]] = {
    Not: _Scales.not_,
    All: _Scales.all_,
    Any: _Scales.any_,
    Did: _Scales.did,
    DidNot: _Scales.did_not,
    Bought: _Scales.bought,
    NotBought: _Scales.not_bought,
    Spent: _Scales.spent,
    InCart: _Scales.in_cart,
    Consented: _Scales.consented,
    InStock: _Scales.in_stock,
    LastAt: _Scales.last_at,
    Speaks: _Scales.speaks,
    Seen: _Scales.seen,
    Known: _Scales.known,
}
