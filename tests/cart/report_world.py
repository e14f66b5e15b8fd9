"""People for the report, and the same numbers counted the slow way: one person after another."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from math import ceil
from typing import Final

from sqlalchemy import delete

from cart.carts.service import give_key
from cart.carts.tables import ShopperSessionRow
from cart.db import unit_of_work
from cart.journeys.report.model import (
    ALL_SEEN,
    CHANNELS,
    COUNTED,
    EVERYWHERE,
    LOOKED,
    SPANS,
    Counted,
    Seen,
    Step,
    Window,
    windows,
)
from cart.profile.consent.model import Purpose
from cart.profile.timeline import service as timeline
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.tables import InteractionRow
from tests.cart.people_world import BERLIN, HARBOUR, People
from tests.fakes.clock import FakeClock

AMSTERDAM: Final = "Europe/Amsterdam"
ZONES: Final = {HARBOUR: AMSTERDAM, BERLIN: AMSTERDAM}
# Each session, and whose it is. "" is somebody who allows nothing.
HOMES: Final = {
    "anna": "anna",  # anonymous, allows it
    "bob": "",  # anonymous, says nothing
    "cleo": "cleo",  # a customer, allows it
    "cleo-before": "cleo",  # joined hers at her sign-in
    "dan": "",  # a customer, withdrew it
    "dan-before": "",  # joined his; allowed it before he withdrew
    "eve": "eve",  # her phone, which took a tablet's visit along
    "eve-visit": "eve",
    "finn": "finn",  # wears a wristband, no phone; allows it
}
ON_PHONE: Final = frozenset(HOMES) - {"finn"}


@dataclass
class Company:
    """Those people, in a shop of a ``People``."""

    people: People
    clock: FakeClock
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        people, ask = self.people, Purpose.ANALYTICS
        people.shops()
        for name in HOMES:
            people.session(name, customer=name in ("cleo", "dan"))
        with unit_of_work(people.engine) as db:
            for name in ("anna", "eve"):
                give_key(db, people.clock, people.ids, session_id=name)
            visit = db.get_one(ShopperSessionRow, "eve-visit")
            phone = db.get_one(ShopperSessionRow, "eve")
            phone.cart_id = visit.cart_id  # as a claim by an empty phone does
            db.add(phone)
        for name in ("anna", "eve", "finn", "dan-before"):
            people.decides(name, ask, granted=True)
        people.decides("cleo", ask, granted=True, customer=True)
        people.joins("cleo-before", "cleo")
        people.joins("dan-before", "dan")
        self.clock.advance(60)
        people.decides("dan", ask, granted=False, customer=True)

    def touch(
        self,
        who: str,
        kind: Kind,
        minute: int = 0,
        *,
        at: str = HARBOUR,
        channel: Channel = Channel.TABLET,
    ) -> Interaction:
        """Return a touch so many minutes from now."""
        number = next(self.numbers)
        return Interaction(
            id=f"t:{number:06}",
            session_id=who,
            kind=kind,
            channel=channel,
            at=self.people.clock.now() + timedelta(minutes=minute),
            location_id=at,
        )

    def told(self, touches: Sequence[Interaction]) -> None:
        """Let exactly these be on the timeline."""
        with unit_of_work(self.people.engine) as db:
            db.execute(delete(InteractionRow))
            timeline.keep(db, self.people.clock, touches)

    def today(self, zones: dict[str, str] | None = None) -> Sequence[Window]:
        """Return this day and the next nine."""
        first = self.people.clock.now().date()
        return windows(zones or ZONES, first, first + timedelta(days=9))


def fold(touches: Iterable[Interaction], chosen: Sequence[Window]) -> set[Counted]:
    """Count as the statement does, in the plainest way: order by time, then as they were told."""
    by_home: defaultdict[str, list[Interaction]] = defaultdict(list)
    first, last = min(one.since for one in chosen), max(one.until for one in chosen)
    for one in sorted(touches, key=lambda one: one.at):
        if HOMES[one.session_id] and one.kind in COUNTED and first <= one.at < last:
            by_home[HOMES[one.session_id]].append(one)
    groups: defaultdict[tuple[str, str], list[tuple[Step, timedelta | None]]] = defaultdict(list)
    for hers in by_home.values():
        places: defaultdict[str, list[Interaction]] = defaultdict(list)
        where = ""
        for one in hers:
            where = one.location_id or where
            window = next((each for each in chosen if each.location_id == where), None)
            if window and window.since <= one.at < window.until:
                places[where].append(one)
                places[EVERYWHERE].append(one)
        for place, there in places.items():
            seen = CHANNELS.get(there[0].channel, Seen.OTHER)
            result = max(_step(one) for one in there), _took(there)
            for device in (seen, ALL_SEEN):
                groups[place, device].append(result)
    return {_counted(place, seen, people) for (place, seen), people in groups.items()}


def _step(one: Interaction) -> Step:
    match one.kind:
        case Kind.COLLECTED:
            return Step.COLLECTED
        case Kind.ORDERED:
            return Step.ORDERED
        case Kind.CHECKOUT_OPENED:
            return Step.CHECKOUT
        case Kind.LISTED | Kind.LIST_MAILED:
            return Step.KEPT
        case Kind.SCANNED if one.session_id in ON_PHONE:
            return Step.KEPT
    return Step.SCANNED


def _took(there: Sequence[Interaction]) -> timedelta | None:
    scans = [one.at for one in there if one.kind in LOOKED]
    if not scans:
        return None
    bought = [one.at for one in there if one.kind is Kind.ORDERED and one.at >= scans[0]]
    return bought[0] - scans[0] if bought else None


def _counted(place: str, seen: str, people: Sequence[tuple[Step, timedelta | None]]) -> Counted:
    took = sorted(one for _, one in people if one is not None)
    ends = [one for one in SPANS.values() if one is not None]
    spans = [0] * len(SPANS)
    for one in took:
        spans[sum(one >= end for end in ends)] += 1

    def ranked(share: float) -> int | None:
        return int(took[ceil(share * len(took)) - 1].total_seconds()) if took else None

    return Counted(
        location_id=place,
        seen=seen,
        reached=tuple(sum(step >= one for step, _ in people) for one in Step),
        timed=len(took),
        median_s=ranked(0.5),
        p90_s=ranked(0.9),
        spans=tuple(spans),
    )
