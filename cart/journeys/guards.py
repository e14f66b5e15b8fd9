"""What may stand against a message, at the moment of sending. Pure; each guard by itself.

Facts are fetched just before. A guard answers with its refusal or with nothing. A refusal with
``until`` puts the message off; any other is for good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cart.journeys.model import Channel

QUIET_FROM: Final = time(21)  # of her day; nobody is to be woken by a shop
QUIET_UNTIL: Final = time(9)
# Over all journeys together: a third mail in a week is one that gets us reported as spam.
MESSAGES_MAX: Final = 2
MESSAGES_WITHIN: Final = timedelta(days=7)


class Reason(StrEnum):
    """Why a message was not sent."""

    SWITCHED_OFF = "switched_off"
    BOUGHT = "bought"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    NO_PHONE = "no_phone"  # she let none of her phones remind her
    NO_NUMBER = "no_number"
    SUPPRESSED = "suppressed"
    NOTHING_LEFT = "nothing_left"  # she took it off her list
    OUT_OF_STOCK = "out_of_stock"  # of nothing on it a piece in her size and colour is there
    PRICE_ROSE = "price_rose"  # it costs again what it did
    ORDER_OVER = "order_over"  # it was collected, or does not wait any longer
    TOO_MANY = "too_many"
    QUIET_HOURS = "quiet_hours"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not; ``until``: not now, but then."""

    reason: Reason
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """An article that the message would show, and how many pieces are to be had."""

    gtin: str
    available: int


@dataclass(frozen=True, slots=True)
class Facts:
    """How things are. ``sent_lately``: messages within MESSAGES_WITHIN, of all journeys.

    ``zone``: of the shop that she was in last. ``suppressed``: why her address gets no mail.
    """

    now: datetime
    active: bool
    held_out: bool
    bought: bool
    consents: bool
    address: str
    suppressed: str
    pieces: tuple[Piece, ...]
    sent_lately: int
    zone: ZoneInfo
    channel: Channel = Channel.MAIL
    dearer: bool = False  # it was to be about a price that is gone
    order_over: bool = False  # it was to be about an order that is over


Guard = Callable[[Facts], Refusal | None]


NOWHERE: Final[Mapping[Channel, Reason]] = {
    Channel.MAIL: Reason.NO_ADDRESS,
    Channel.PUSH: Reason.NO_PHONE,
    Channel.SMS: Reason.NO_NUMBER,
    Channel.WHATSAPP: Reason.NO_NUMBER,
}


def is_on(facts: Facts) -> Refusal | None:
    """The journey is switched on."""
    return None if facts.active else Refusal(Reason.SWITCHED_OFF)


def still_not_bought(facts: Facts) -> Refusal | None:
    """Nobody of her identities has bought it, here or at a till."""
    return Refusal(Reason.BOUGHT) if facts.bought else None


def consent(facts: Facts) -> Refusal | None:
    """She allows it now."""
    return None if facts.consents else Refusal(Reason.NO_CONSENT)


def address(facts: Facts) -> Refusal | None:
    """There is somewhere to send it."""
    return None if facts.address else Refusal(NOWHERE[facts.channel])


def not_suppressed(facts: Facts) -> Refusal | None:
    """Her address has not bounced, or complained."""
    return Refusal(Reason.SUPPRESSED) if facts.suppressed else None


def something_left(facts: Facts) -> Refusal | None:
    """There is something to remind of."""
    return None if facts.pieces else Refusal(Reason.NOTHING_LEFT)


def in_stock(facts: Facts) -> Refusal | None:
    """Of one article at least a piece is there, in the very size and colour that she had."""
    there = not facts.pieces or any(one.available > 0 for one in facts.pieces)
    return None if there else Refusal(Reason.OUT_OF_STOCK)


def still_cheaper(facts: Facts) -> Refusal | None:
    """The price that it would speak of still holds."""
    return Refusal(Reason.PRICE_ROSE) if facts.dearer else None


def order_stands(facts: Facts) -> Refusal | None:
    """The order that it would speak of is not over."""
    return Refusal(Reason.ORDER_OVER) if facts.order_over else None


def not_held_out(facts: Facts) -> Refusal | None:
    """She is not one of those by whom the journey is measured."""
    return Refusal(Reason.HELD_OUT) if facts.held_out else None


def not_too_many(facts: Facts) -> Refusal | None:
    """She has had few messages lately."""
    return Refusal(Reason.TOO_MANY) if facts.sent_lately >= MESSAGES_MAX else None


def not_at_night(facts: Facts) -> Refusal | None:
    """It is day where she is; else it waits for the morning."""
    here = facts.now.astimezone(facts.zone)
    if QUIET_UNTIL <= here.time() < QUIET_FROM:
        return None
    day = here.date() + timedelta(days=1) if here.time() >= QUIET_FROM else here.date()
    morning = datetime.combine(day, QUIET_UNTIL, tzinfo=facts.zone)
    return Refusal(Reason.QUIET_HOURS, morning.astimezone(facts.now.tzinfo))


def day_left(now: datetime, zone: ZoneInfo) -> timedelta:
    """Return for how long it is day yet where she is: what arrives later would wake her."""
    here = now.astimezone(zone)
    evening = datetime.combine(here.date(), QUIET_FROM, tzinfo=zone)
    return max(evening.astimezone(now.tzinfo) - now, timedelta())


# In the order in which they are asked: what refuses for good before what only puts off. Whoever
# is held out comes behind all others, so that she is counted where the rest would get a message.
GUARDS: Final[tuple[Guard, ...]] = (
    *(is_on, still_not_bought, order_stands, consent, address, not_suppressed),
    *(something_left, still_cheaper, in_stock, not_too_many, not_at_night, not_held_out),
)


def refusal(facts: Facts) -> Refusal | None:
    """Return the first thing that stands against sending, if any does."""
    return next((said for guard in GUARDS if (said := guard(facts)) is not None), None)
