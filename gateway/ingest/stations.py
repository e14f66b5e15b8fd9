"""Statuses and acks: who is online, and which commands are settled. One transaction each batch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import CarryoverError, InvalidPayload
from gateway.binding.tapping import refused
from gateway.commands.service import settle
from gateway.dead_letters.service import Letter, bury
from gateway.findings.clones import Clones
from gateway.findings.places import elsewhere
from gateway.findings.service import note
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Fence, left_out
from gateway.ingest.read import Item, authorise
from gateway.ingest.taps import tell, tell_over
from gateway.mqtt import Incoming
from gateway.notices import DeskChanged, Notice
from gateway.registry.model import Seen
from gateway.registry.queries import devices_by_id
from gateway.registry.service import rotated, seen
from gateway.wire.codec import decode
from gateway.wire.downlink import Ack, AckOutcome, CommandType, Status
from gateway.wire.topics import Channel, DeviceAddress

logger = logging.getLogger(__name__)
Greeting = tuple[DeviceAddress, Status]


@dataclass(slots=True)
class Heard:
    """``online``: devices that have just come online; ``aside``: another process's to do.

    ``notices``, ``asked``, ``shown``: as of a batch, of visits that a device did not begin.
    """

    online: list[Greeting] = field(default_factory=list)
    aside: list[Incoming] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)


def stations_heard(
    engine: Engine,
    domain: Domain,
    fence: Fence,
    wanted: Sequence[Item],
    clones: Clones | None = None,
) -> Heard:
    """Note statuses and acks, as far as they are ours; ``clones`` looks for two that take turns."""
    with unit_of_work(engine) as db:
        items = fence.ours(db, wanted)
        devices = devices_by_id(db, {item.device_id for item in items})
        heard = Heard()
        turned: list[Seen] = []
        said: list[tuple[str, Status]] = []
        letters: list[Letter] = []
        now_us = to_us(domain.clock.now())
        for item in items:
            authorise(item, devices)
            try:
                if item.error is not None:
                    raise item.error
                status = _heard(db, domain, item, heard)
            except CarryoverError as error:
                letters.append(
                    Letter(item.device_id, item.message.topic, item.message.payload, error)
                )
                continue
            if status is not None and item.address is not None:
                said.append((item.device_id, status))
                turned.append(Seen(item.device_id, now_us, status.online))
                if status.online:
                    heard.online.append((item.address, status))
        seen(db, turned)
        refused = [item for item in items if item.error is not None]
        found = elsewhere(refused, devices) + (clones.look(said) if clones else [])
        note(db, domain.clock, found)
        bury(db, domain.clock, domain.ids, letters)
    heard.aside = left_out(wanted, items)
    return heard


def _heard(db: Session, domain: Domain, item: Item, heard: Heard) -> Status | None:
    payload = item.message.payload
    if item.channel is Channel.ACKS:
        ack = decode(Ack, payload)
        if ack.outcome is not AckOutcome.DONE:
            _not_greeted(db, domain, item.device_id, ack.command_id, heard)
        kind = settle(db, domain.clock, device_id=item.device_id, ack=ack)
        if kind == CommandType.ROTATE and ack.outcome is AckOutcome.DONE:
            rotated(db, domain.clock, device_id=item.device_id, kept=ack.detail)
        elif kind == CommandType.SET_UP_BAND:
            _set_up(db, domain, item, ack, heard)
        elif kind is None:
            logger.info("%s acknowledged %s, which was not open", item.device_id, ack.command_id)
        return None
    if item.channel is Channel.STATUS:
        # An empty retained message clears the topic; the broker forgets the device's state.
        return decode(Status, payload) if payload else None
    msg = f"nothing is heard on {item.message.topic}"
    raise InvalidPayload(msg)


def _set_up(db: Session, domain: Domain, item: Item, ack: Ack, heard: Heard) -> None:
    """A desk's receiver has set a band up, or not: the page there shows it."""
    if item.address is None or domain.bands is None:
        return
    here = item.address.location_id
    if ack.outcome is AckOutcome.DONE:
        number = domain.bands.set_up(db, location_id=here, command_id=ack.command_id)
        logger.info("%s has set up band %s", item.device_id, number or "with another secret")
    heard.notices.append(DeskChanged(here))


def _not_greeted(
    db: Session, domain: Domain, device_id: str, command_id: str, heard: Heard
) -> None:
    """A visit that its device did not begin is over; what it goes on with may be hers."""
    released = refused(db, domain.clock, domain.ids, device_id=device_id, command_id=command_id)
    tell_over(released.over, heard)
    if released.tapped is not None:
        tell(released.tapped, heard)
