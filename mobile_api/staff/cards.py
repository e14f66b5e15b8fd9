"""The queue as somebody of the staff sees it: cards by promise, with a bar that empties."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cart.picking import queries
from cart.picking.queries import QueueEntry
from mobile_api.look.words import Words
from mobile_api.staff.looking import Looking

Tone = Literal["fine", "soon", "late"]
# The bar is full half an hour before the promise: earlier, there is no hurry to show.
BAR: Final = timedelta(minutes=30)
SOON: Final = timedelta(minutes=7)  # a walk of five pieces takes about four
HOURS_FROM: Final = timedelta(minutes=90)  # farther off, minutes say nothing


@dataclass(frozen=True, slots=True)
class Card:
    """An order to be picked. ``share``: percent of the bar that is left; ``free``: claimable."""

    task_id: str
    order_id: str
    ticket: str
    promise_at: datetime
    due: str
    left: str
    share: int
    tone: Tone
    pieces: int
    here: bool
    ships: bool
    holder: str
    holder_id: str | None
    mine: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, what is mine, what colleagues pick; each by promise."""

    waiting: tuple[Card, ...]
    mine: tuple[Card, ...]
    others: tuple[Card, ...]


def queue(look: Looking) -> Queue:
    """Return the queue of her location."""
    now, zone = look.clock.now(), look.zone
    cards = [
        _card(entry, look, now, zone) for entry in queries.queue(look.db, look.me.location_id, now)
    ]
    return Queue(
        waiting=tuple(card for card in cards if not card.holder_id),
        mine=tuple(card for card in cards if card.mine),
        others=tuple(card for card in cards if card.holder_id and not card.mine),
    )


def _card(entry: QueueEntry, look: Looking, now: datetime, zone: str) -> Card:
    left, spoken = entry.promise_at - now, look.spoken
    return Card(
        task_id=entry.task_id,
        order_id=entry.order_id,
        ticket=entry.ticket,
        promise_at=entry.promise_at,
        due=due(spoken, entry.promise_at, now, zone),
        left=left_words(spoken, left),
        share=share(left),
        tone=tone(left),
        pieces=entry.left or entry.pieces,
        here=entry.here_at is not None,
        ships=entry.method == "ship",
        holder=entry.claimed_name if entry.claimed_by else "",
        holder_id=entry.claimed_by,
        mine=entry.claimed_by == look.me.id,
        free=entry.free,
    )


def share(left: timedelta) -> int:
    """Return how much of the bar is left, in percent."""
    return round(100 * min(1.0, max(0.0, left / BAR)))


def tone(left: timedelta) -> Tone:
    """Say how urgent it is."""
    if left < timedelta(0):
        return "late"
    return "soon" if left <= SOON else "fine"


def left_words(spoken: Words, left: timedelta) -> str:
    """Return ``12 min left``, ``in 3 h`` or ``4 min late``."""
    minutes = int(abs(left).total_seconds() // 60)
    if left < timedelta(0):
        return spoken.ngettext("%(num)s min late", "%(num)s min late", minutes)
    if left >= HOURS_FROM:
        return spoken.ngettext("in %(num)s h", "in %(num)s h", round(minutes / 60))
    return spoken.ngettext("%(num)s min left", "%(num)s min left", minutes)


def due(spoken: Words, moment: datetime, now: datetime, zone: str) -> str:
    """Return the time of day, with the weekday when it is not within half a day."""
    time = spoken.clock_time(moment, zone)
    if abs(moment - now) < timedelta(hours=12):
        return time
    return f"{spoken.weekday(moment, zone)} {time}"
