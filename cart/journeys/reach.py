"""Where a message would go, by its way: her address, her phones, her number. Selects.

We know no number that a person has proved to be hers. The one that she gave for the driver of an
order is asked for only where the operator says so.
"""

import re
from typing import Final

from sqlmodel import Session, col, select

from cart.journeys.model import Channel
from cart.journeys.people import Person
from cart.journeys.ports import World
from cart.orders.tables import OrderRow
from cart.profile.push import service as phones
from cart.profile.subscriptions.model import Reason

ORDERS_LOOKED_AT_MAX: Final = 20  # her newest; an older number may be somebody else's by now
_FILLING: Final = re.compile(r"[\s()./-]")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164
# That mail does not arrive says nothing of another way. Whoever complained wants none at all.
OF_MAIL_ALONE: Final = frozenset({Reason.HARD_BOUNCE, Reason.SOFT_BOUNCES})


def address_for(db: Session, world: World, person: Person, channel: Channel) -> str:
    """Return where a message goes by this way; empty: nowhere. Of phones to ring, one of them."""
    match channel:
        case Channel.MAIL:
            return person.addresses[0] if person.addresses else ""
        case Channel.PUSH:
            return next(iter(phones.reminded(db, person.home)), "")
        case Channel.SMS | Channel.WHATSAPP:
            return number_of(db, person) if world.order_phones else ""


def suppressed(db: Session, world: World, person: Person, channel: Channel, address: str) -> str:
    """Return why nothing is sent to her by this way; empty: nothing stands against it."""
    if channel is Channel.MAIL:
        return world.suppressed(db, address) if address else ""
    said = [world.suppressed(db, one) for one in person.addresses]
    if channel is not Channel.PUSH and address:
        said.append(world.suppressed(db, address))
    return next((why for why in said if why and why not in OF_MAIL_ALONE), "")


def number_of(db: Session, person: Person) -> str:
    """Return the number that she gave with her newest order that has one: E.164, or empty."""
    asked = (
        select(OrderRow.address)
        .where(col(OrderRow.session_id).in_(person.sessions))
        .order_by(col(OrderRow.placed_at).desc(), col(OrderRow.id))
        .limit(ORDERS_LOOKED_AT_MAX)
    )
    typed = (one.get("phone", "") for one in db.exec(asked))
    return next((number for one in typed if (number := normalised(one))), "")


def normalised(typed: str) -> str:
    """Return a number in E.164, with its country; empty: it is none, or the country is missing."""
    digits = _FILLING.sub("", typed)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    return digits if _NUMBER.fullmatch(digits) else ""
