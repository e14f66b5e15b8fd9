"""Statuses and acks: who is online, and which commands are settled. One transaction each batch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import Session

from cart.db import unit_of_work
from cart.kernel.clock import to_us
from cart.kernel.errors import CarryoverError, InvalidPayload
from gateway.commands.service import settle
from gateway.dead_letters.service import Letter, bury
from gateway.ingest.batch import Domain
from gateway.ingest.fence import Fence, left_out
from gateway.ingest.read import Item, authorise
from gateway.mqtt import Incoming
from gateway.registry.model import Seen
from gateway.registry.queries import devices_by_id
from gateway.registry.service import seen
from gateway.wire.codec import decode
from gateway.wire.downlink import Ack, Status
from gateway.wire.topics import Channel, DeviceAddress

logger = logging.getLogger(__name__)
Greeting = tuple[DeviceAddress, Status]


@dataclass(slots=True)
class Heard:
    """``online``: devices that have just come online; ``aside``: another process's to do."""

    online: list[Greeting] = field(default_factory=list)
    aside: list[Incoming] = field(default_factory=list)


def stations_heard(engine: Engine, domain: Domain, fence: Fence, wanted: Sequence[Item]) -> Heard:
    """Note statuses and acks, as far as they are ours."""
    with unit_of_work(engine) as db:
        items = fence.ours(db, wanted)
        devices = devices_by_id(db, {item.device_id for item in items})
        online: list[Greeting] = []
        turned: list[Seen] = []
        letters: list[Letter] = []
        now_us = to_us(domain.clock.now())
        for item in items:
            authorise(item, devices)
            try:
                if item.error is not None:
                    raise item.error
                status = _heard(db, domain, item)
            except CarryoverError as error:
                letters.append(
                    Letter(item.device_id, item.message.topic, item.message.payload, error)
                )
                continue
            if status is not None and item.address is not None:
                turned.append(Seen(item.device_id, now_us, status.online))
                if status.online:
                    online.append((item.address, status))
        seen(db, turned)
        bury(db, domain.clock, domain.ids, letters)
    return Heard(online, left_out(wanted, items))


def _heard(db: Session, domain: Domain, item: Item) -> Status | None:
    payload = item.message.payload
    if item.channel is Channel.ACKS:
        ack = decode(Ack, payload)
        if not settle(db, domain.clock, device_id=item.device_id, ack=ack):
            logger.info("%s acknowledged %s, which was not open", item.device_id, ack.command_id)
        return None
    if item.channel is Channel.STATUS:
        # An empty retained message clears the topic; the broker forgets the device's state.
        return decode(Status, payload) if payload else None
    msg = f"nothing is heard on {item.message.topic}"
    raise InvalidPayload(msg)
