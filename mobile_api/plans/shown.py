"""A plan as its shopper sees it: the next stop, the way, what is elsewhere, what is booked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from cart.kernel.errors import UnknownPlan
from cart.orders.slots import QUARTER
from cart.ports import LocationFacts
from gateway.plans import opening, queries
from gateway.plans.model import Booked, Followed
from gateway.plans.route import Kind, Stop
from mobile_api.look.words import Words
from mobile_api.plans.choosing import Elsewhere, day_name, names_of, pieces_left, where_else
from mobile_api.products.queries import all_shops
from mobile_api.products.shops import nearest_first
from mobile_api.queues.shown import zone_names
from mobile_api.wiring import Parts

SHOPS_ASKED_MAX: Final = 6  # for what is not here: the nearest, as beside a cart


@dataclass(frozen=True, slots=True)
class ShownStop:
    """A stop in her language. ``zone``, ``bay``: where, "" if unknown; ``here``: she stands there.

    ``short``: fewer are here than she wants, so many. ``at``: when it is booked for.
    """

    key: str
    kind: Kind
    name: str
    variant: str
    picture: str | None
    zone: str
    bay: str
    quantity: int
    short: int | None
    to_try: bool
    here: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownSlot:
    """A quarter hour that can be booked; ``left`` 0: it is full."""

    starts_at: datetime
    left: int | None


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """Something that can be booked, and what she has booked of it."""

    serves: Kind
    slots: tuple[ShownSlot, ...]
    booked: Booked | None
    zone: str
    over: bool


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """All of a plan. ``zone``: the shop's time zone. ``today``: she may say that she is here."""

    location_id: str
    place: str
    timezone: str
    comes_at: datetime
    day: str
    called: str
    arrived_at: datetime | None
    today: bool
    followed: bool
    stops: tuple[ShownStop, ...]
    done: tuple[ShownStop, ...]
    missing: tuple[Elsewhere, ...]
    offers: tuple[ShownOffer, ...]

    @property
    def next(self) -> ShownStop | None:
        """Where she goes now."""
        return self.stops[0] if self.stops else None


def shown(wired: Parts, db: Session, spoken: Words, session_id: str) -> ShownPlan:
    """Return her plan as it stands.

    Raises:
        UnknownPlan: she has none.
    """
    plan = queries.followed(db, wired.clock, wired.shop.locations, session_id)
    if plan is None:
        msg = "this phone has no plan"
        raise UnknownPlan(msg)
    facts = wired.shop.locations.facts(db, plan.location_id)
    zones = zone_names(db, spoken, plan.location_id)
    names, known = names_of(wired, db, spoken, [line.gtin for line in plan.lines])
    lines = {line.gtin: line for line in plan.lines}
    asked: dict[str, ShownStop] = {}
    for stop in (*plan.way, *plan.done):
        line = lines.get(stop.key)  # type: ignore[call-overload]
        item = known.get(line.gtin) if line else None
        colour = spoken.of(item.colour_i18n, item.colour) if item else ""
        asked[stop.key] = ShownStop(
            key=stop.key,
            kind=stop.kind,
            name=names[line.gtin] if line else kind_name(spoken, stop.kind),
            variant=" · ".join(one for one in (colour, item.size) if one) if item else "",
            picture=item.picture if item else None,
            zone=zones.get(stop.zone_id) or stop.zone_id,
            bay=line.bay_id if line else "",
            quantity=line.quantity if line else 1,
            short=line.available if line and 0 < line.available < line.quantity else None,
            to_try=stop.to_try,
            here=bool(plan.here) and stop.zone_id == plan.here,
            at=stop.at,
        )
    return ShownPlan(
        location_id=plan.location_id,
        place=spoken.of(facts.name_i18n, facts.name),
        timezone=facts.timezone,
        comes_at=plan.comes_at,
        day=day_name(spoken, facts, plan.comes_at),
        called=plan.called,
        arrived_at=plan.arrived_at,
        today=opening.same_day(facts, wired.clock.now(), plan.comes_at),
        followed=bool(plan.here),
        stops=_of(plan.way, asked),
        done=_of(plan.done, asked),
        missing=_missing(wired, db, spoken, plan),
        offers=_offers(wired, db, facts, plan, zones),
    )


def _of(stops: tuple[Stop, ...], asked: dict[str, ShownStop]) -> tuple[ShownStop, ...]:
    return tuple(asked[one.key] for one in stops)


def kind_name(spoken: Words, kind: Kind) -> str:
    """Return what a booking is called."""
    if kind is Kind.FITTING_ROOM:
        return spoken.gettext("Fitting room")
    return spoken.gettext("Adviser")


def _missing(wired: Parts, db: Session, spoken: Words, plan: Followed) -> tuple[Elsewhere, ...]:
    if not plan.missing:
        return ()
    every = all_shops(db, spoken)
    here = next((shop for shop in every if shop.id == plan.location_id), None)
    near = nearest_first(every, here)[: SHOPS_ASKED_MAX + 1]
    skus = [line.sku for line in plan.missing]
    left = pieces_left(wired, db, skus, [shop.id for shop in near])
    names, _ = names_of(wired, db, spoken, [line.gtin for line in plan.missing])
    return tuple(
        Elsewhere(names[line.gtin], where_else(near, plan.location_id, left, line.sku, 1))
        for line in plan.missing
    )


def _offers(
    wired: Parts, db: Session, facts: LocationFacts, plan: Followed, zones: dict[str, str]
) -> tuple[ShownOffer, ...]:
    booked = {one.serves: one for one in plan.booked}
    found = []
    for kind in opening.BOOKABLE:
        mine = booked.get(kind)
        slots = tuple(
            ShownSlot(one.starts_at, one.left)
            for one in opening.free(db, wired.clock, facts, kind, plan.comes_at)
        )
        if mine is None and not slots:
            continue
        found.append(
            ShownOffer(
                serves=kind,
                slots=slots,
                booked=mine,
                zone=zones.get(mine.zone_id) or mine.zone_id if mine else "",
                over=mine is not None
                and (mine.done or mine.starts_at + QUARTER <= wired.clock.now()),
            )
        )
    return tuple(found)
