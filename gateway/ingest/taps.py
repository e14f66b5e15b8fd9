"""Wristbands held to a reader: whose they are and where it was is asked, what follows is told."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal, Protocol

from sqlmodel import Session

from cart.kernel.clock import Clock, from_us
from cart.kernel.ids import Ids
from gateway.binding import queries
from gateway.binding.model import TapAnswer, is_stale
from gateway.binding.news import changed
from gateway.binding.queries import Bound
from gateway.binding.tapping import Tapped, present
from gateway.commands.service import ask_signal
from gateway.desks import service as desks
from gateway.ingest.read import Item
from gateway.notices import CartChanged, DeskChanged, DeviceAsked, Notice
from gateway.plans import service as plans
from gateway.ports import Bands, Holder
from gateway.registry.queries import devices_by_id
from gateway.wire.band import identifier_in
from gateway.wire.band_asked import SignalData
from gateway.wire.events import Presented, PresentedData

logger = logging.getLogger(__name__)

KINDS: Final = frozenset({"tablet", "mirror"})  # what a tap can open; readers stand elsewhere too
# She looks at her wrist while she holds it there; a light that comes later says nothing.
SHINES_WITHIN: Final = timedelta(seconds=5)


class Told(Protocol):
    """What is said of a transaction once it is committed."""

    notices: list[Notice]
    asked: set[str]
    shown: set[str]


def follow(
    db: Session, clock: Clock, ids: Ids, bands: Bands, *, item: Item, presented: PresentedData
) -> Tapped | None:
    """Do what a tap asks for; None where the reader stands at no tablet or mirror here."""
    device_id = bands.stands_at(db, item.device_id)
    tablet = devices_by_id(db, [device_id]).get(device_id) if device_id else None
    here = item.address.location_id if item.address else ""
    if tablet is None or tablet.revoked or tablet.kind not in KINDS:
        logger.info("%s stands at no tablet and no mirror", item.device_id)
        return None
    if tablet.address.location_id != here:
        logger.warning("%s stands at %s, which is elsewhere", item.device_id, tablet.id)
        return None
    shown = _shown(db, bands, presented)
    if shown is None:
        return None
    tapped = present(
        db,
        clock,
        ids,
        tablet=tablet,
        holders=[one for one in shown if one is not None],
        strangers=shown.count(None),
        at=from_us(item.at_us),
        by=presented.by,
    )
    if tapped.answer is TapAnswer.STALE:
        logger.info("a tap at %s came too late, or from the future", tablet.id)
    return tapped


def _shown(db: Session, bands: Bands, presented: PresentedData) -> list[Holder | None] | None:
    """Return who has the bands that were shown; None: nothing was meant by it.

    A frame that has changed may be its battery, or that it was put on. That is nobody's wish.
    """
    found = [bands.whose(db, heard.frame) for heard in presented.heard]
    if presented.by is Presented.NEWS and not any(one.pressed for one in found):
        return None
    return [one.holder for one in found]


def _shine(
    db: Session,
    clock: Clock,
    item: Item,
    frames: Sequence[bytes],
    light: Literal["blue", "green"],
) -> None:
    """Have the nearest of these bands shine: blue is heard, and not known. Nobody waits for it.

    Only at a door: a device has a screen that says it, and a connection would take a band off the
    air for as long as it lasts, as if she had gone, and keep the reader's radio busy.
    """
    identifiers = [one for frame in frames if (one := identifier_in(frame)) is not None]
    if not identifiers:
        return
    ask_signal(
        db,
        clock,
        command_id=_light_of(item),
        device_id=item.device_id,
        signal=SignalData(
            identifiers=(identifiers[0].hex(),), light=light, until=clock.now() + SHINES_WITHIN
        ),
    )


def _light_of(item: Item) -> str:
    said = hashlib.sha256(f"{item.device_id}\0{item.event_id}".encode())
    return "lit_" + said.hexdigest()[:32]


def at_desk(
    db: Session, clock: Clock, bands: Bands, *, item: Item, presented: PresentedData
) -> list[Notice] | None:
    """Note a band that was held to a desk's reader; None where the reader stands at no desk."""
    found = bands.desk_of(db, item.device_id)
    if found is None:
        return None
    location_id, desk = found
    here = item.address.location_id if item.address else ""
    if location_id != here or is_stale(from_us(item.at_us), clock.now()):
        logger.info("a tap at desk %s is of elsewhere, too late, or from the future", desk)
        return []
    shown = _shown(db, bands, presented)
    if shown is None:
        return []
    desks.present(
        db,
        clock,
        location_id=location_id,
        desk=desk,
        holders=[one for one in shown if one is not None],
        strangers=shown.count(None),
        at=from_us(item.at_us),
        pressed=presented.by is Presented.NEWS,
    )
    return [DeskChanged(location_id)]


def at_gate(
    db: Session, clock: Clock, bands: Bands, *, item: Item, presented: PresentedData
) -> list[Notice] | None:
    """Let her have come who held her band to a door; None where the reader stands at no door.

    She says so herself, as with "I am here" on her page, so nobody has to be allowed to follow
    her. Her band shines green, one that is nobody's blue; of several nothing is said.
    """
    location_id = bands.gate_of(db, item.device_id)
    if location_id is None:
        return None
    here = item.address.location_id if item.address else ""
    if location_id != here or is_stale(from_us(item.at_us), clock.now()):
        logger.info("a tap at a door of %s is of elsewhere, too late, or from the future", here)
        return []
    shown = _shown(db, bands, presented)
    if shown is None or len(shown) > 1:
        return []
    (holder,) = shown
    session_id = queries.session_now(db, holder.session_id, holder.customer_id) if holder else None
    _shine(db, clock, item, [presented.heard[0].frame], "green" if session_id else "blue")
    told: list[Notice] = [DeviceAsked(item.device_id)]
    if session_id is not None:
        told += plans.came_in(db, clock, session_id=session_id, location_id=location_id)
    return told


def tell(tapped: Tapped, told: Told) -> None:
    """Add what is to be said of a tap: to its device, to where she was before, to her phone."""
    if tapped.answer is not TapAnswer.STALE:
        told.asked.add(tapped.device_id)
    told.notices += [CartChanged(one.cart_id, one.version) for one in tapped.changes]
    if tapped.bound is not None:
        told.notices.append(changed(tapped.bound))
        told.shown.add(tapped.bound.cart_id)
    tell_over(tapped.over, told)


def tell_over(over: tuple[Bound, ...] | list[Bound], told: Told) -> None:
    """Add what is to be said of visits that were ended from here."""
    told.notices += map(changed, over)
    told.asked |= {one.device_id for one in over}
