"""Where a run goes next. Pure: facts in, one move out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from cart.journeys.model import (
    OF_GOODS,
    OF_ORDERS,
    Condition,
    Definition,
    Exit,
    Fact,
    Message,
    Split,
    TriggerKind,
    Wait,
    arm_of,
)


class End(StrEnum):
    """Why a run is over."""

    DONE = "done"  # it came to its last step
    EXIT = "exit"  # a step says so
    CONDITION = "condition"  # what had to hold did not
    SEGMENT_GONE = "segment_gone"  # nor could it: the segment that was asked for is over
    BOUGHT = "bought"  # she has bought: nothing more is to be said
    NOTHING_LEFT = "nothing_left"  # she took it off her list herself
    OVER = "over"  # what the shop had to say was no longer so; an order was collected, or is none
    JOINED = "joined"  # another identity of hers is on the same way
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is so when a run is looked at. ``over``: what started it is no longer so.

    ``facts``: those that hold. ``inside``: the segments that she is in, as conditions name them;
    ``gone``: those that are over.
    """

    bought: bool
    over: bool = False
    facts: frozenset[Fact] = field(default_factory=frozenset)
    inside: frozenset[str] = field(default_factory=frozenset)
    gone: frozenset[str] = field(default_factory=frozenset)

    def holds(self, one: Condition) -> bool:
        """Say whether a condition holds."""
        return one.segment in self.inside if one.segment is not None else one.holds in self.facts


@dataclass(frozen=True, slots=True)
class Move:
    """What is done: go to ``step`` and look again at ``due_at``; ``message`` or ``end`` first.

    ``noted``: what is to be kept of why it came this way.
    """

    step: int
    due_at: datetime
    message: Message | None = None
    end: End | None = None
    noted: End | None = None


def entry_refused(one: Definition, standing: Standing) -> End | None:
    """Say why somebody does not even enter, if so."""
    if standing.bought:
        return End.BOUGHT
    sold_out = one.trigger.kind in OF_GOODS and Fact.IN_STOCK not in standing.facts
    if standing.over or sold_out:
        return End.OVER
    if one.trigger.kind is TriggerKind.CART_IDLE and Fact.HAS_THINGS not in standing.facts:
        return End.NOTHING_LEFT
    return None


def go_on(
    one: Definition,
    step: int,
    standing: Standing,
    now: datetime,
    arm: Callable[[Split], str],
) -> Move:
    """Return the next move of a run that is due at ``step``. Whoever has bought is done."""
    if (ended := _ended(one, standing)) is not None:
        return Move(step, now, end=ended)
    noted: End | None = None
    while step < len(one.steps):
        here = one.steps[step]
        match here:
            case Wait():
                return Move(step + 1, now + timedelta(hours=here.hours), noted=noted)
            case Message():
                return Move(step, now, message=here, noted=noted)
            case Exit():
                return Move(step, now, end=End.EXIT)
            case Condition():
                if standing.holds(here):
                    step += 1
                    continue
                is_gone = here.segment in standing.gone
                if here.otherwise is None:
                    return Move(step, now, end=End.SEGMENT_GONE if is_gone else End.CONDITION)
                noted = End.SEGMENT_GONE if is_gone else noted
                step = one.place_of(here.otherwise)
            case Split():
                step = one.place_of(arm(here))
            case _:
                assert_never(here)
    return Move(step, now, end=End.DONE)


def _ended(one: Definition, standing: Standing) -> End | None:
    """Say whether nothing more is to be said, wherever a run stands."""
    if standing.bought:
        return End.BOUGHT
    return End.OVER if standing.over and one.trigger.kind in OF_ORDERS else None


def arm_for(secret: bytes, one: Definition, person: str) -> Callable[[Split], str]:
    """Return how splits of this journey send this person."""
    return lambda split: arm_of(secret, one, split, person)
