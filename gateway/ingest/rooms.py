"""What is said from fitting rooms, in the order in which it was said; after carts and ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from sqlmodel import Session

from cart.kernel.clock import Clock, from_us
from cart.kernel.errors import CarryoverError, UnknownGtin
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.ports import CatalogueLookup, Sellable
from gateway.binding import queries
from gateway.binding.begin import CURRENCY
from gateway.binding.queries import Bound
from gateway.ingest.read import Item
from gateway.notices import Notice, RoomsChanged
from gateway.registry.model import DeviceRecord
from gateway.rooms import asking
from gateway.wire.events import (
    EVENTS_OF_KIND,
    EventType,
    ItemTried,
    SizeCancelled,
    SizeRequested,
)

RoomEvent = ItemTried | SizeRequested | SizeCancelled
# Whose visits may have asked for something.
KINDS: Final = frozenset(
    kind for kind, said in EVENTS_OF_KIND.items() if EventType.SIZE_REQUESTED in said
)


class _Done(Enum):
    KNOWN = "known"  # nothing has changed
    SHOWN = "shown"  # staff see something else now
    LATE = "late"  # nobody waits for it any more; the glass is told


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said, in which visit, where."""

    item: Item
    bound: Bound
    location_id: str


class Told(Protocol):
    """What is said of a transaction once it is committed."""

    notices: list[Notice]
    asked: set[str]


def follow(
    db: Session,
    clock: Clock,
    ids: Ids,
    lookup: CatalogueLookup,
    *,
    fresh: Sequence[Item],
    devices: Mapping[str, DeviceRecord],
    over: Collection[Bound],
    told: Told,
) -> None:
    """Do what a batch says of fitting rooms; what cannot be done is a dead letter.

    ``over``: visits that this batch ended. What a visit asks for that has ended is not kept:
    nobody waits there.
    """
    ended = [one for one in over if devices[one.device_id].kind in KINDS]
    places = asking.close(db, clock, ended)
    said = [item for item in fresh if isinstance(item.event, RoomEvent)]
    if said:
        bounds = queries.visits(db, {item.visit for item in said if item.visit})
        known = lookup(db, _codes(said), currency=CURRENCY)
        for item in said:
            bound = bounds.get(item.visit) if item.visit else None
            if bound is None or item.address is None or bound.erased or not bound.live:
                continue
            try:
                done = _do(db, clock, ids, _Said(item, bound, item.address.location_id), known)
            except CarryoverError as error:
                item.error = error
                continue
            if done is _Done.LATE:
                told.asked.add(bound.device_id)
            if done is _Done.SHOWN:
                places.add(item.address.location_id)
    told.notices += [RoomsChanged(place) for place in sorted(places)]


def _codes(said: Sequence[Item]) -> set[Gtin]:
    codes: set[Gtin] = set()
    for item in said:
        if isinstance(item.event, ItemTried | SizeRequested):
            codes.add(item.event.data.gtin)
    return codes


def _do(db: Session, clock: Clock, ids: Ids, said: _Said, known: Mapping[Gtin, Sellable]) -> _Done:
    """Do one; say what it comes to."""
    bound = said.bound
    at = min(from_us(said.item.at_us), clock.now())
    match said.item.event:
        case SizeRequested(data=data):
            wish = asking.Wish(
                bound, said.location_id, data.request, _article(known, data.gtin), data.had, at
            )
            is_late = asking.ask(db, clock, ids, wish)
            if is_late:
                return _Done.LATE
            changed = is_late is not None
        case SizeCancelled(data=data):
            changed = asking.cancel(db, clock, binding_id=bound.binding_id, request=data.request)
        case ItemTried(data=data):
            article = _article(known, data.gtin)
            changed = asking.bring_in(
                db, binding_id=bound.binding_id, article=article, reader=data.reader, at=at
            )
        case _:
            changed = False
    return _Done.SHOWN if changed else _Done.KNOWN


def _article(known: Mapping[Gtin, Sellable], gtin: Gtin) -> Sellable:
    article = known.get(gtin)
    if article is None:
        msg = f"no article in the catalogue has the code {gtin.shortest}"
        raise UnknownGtin(msg, gtin=gtin)
    return article
