"""A journey as it is written down: what starts it, its steps, who gets nothing. Pure.

A definition is TOML with a version. What a step leads to stands below it in the file, so every
run ends. A running run goes on with the version that it began with.
"""

import hashlib
import hmac
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cart.db.columns import NAME_LENGTH_MAX as SEGMENT_LENGTH_MAX
from cart.journeys.faults import (
    AGAIN,
    MESSAGES,
    NOT_BELOW,
    NOT_TOML,
    PERCENT,
    SEGMENT_MISSING,
    SEGMENT_UNASKED,
    SUM,
    TEMPLATE,
    TOO_LONG,
    TWICE,
    Fault,
    faults_in,
)
from cart.kernel.errors import InvalidInput

NAME_LENGTH_MAX: Final = 40
SOURCE_LENGTH_MAX: Final = 20_000  # characters of TOML: forty steps with comments have a tenth
STEPS_MAX: Final = 40  # more nobody reads on a page
MESSAGES_MAX: Final = 5  # of one run; the cap over all journeys allows fewer in most weeks
HOURS_MAX: Final = 24 * 60  # two months: by then nobody remembers the shop
HOLDOUT_PERCENT: Final = 10  # of everybody; enough to see a few points of difference in weeks
AGAIN_AFTER_DAYS: Final = 30
CHEAPER_PERCENT: Final = 5  # less nobody comes back for
GOAL_DAYS: Final = 14  # what is bought later has other reasons
PARTS: Final = 10_000  # a person falls into one of these, by a keyed hash

Name = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9-]{{0,{NAME_LENGTH_MAX - 1}}}$")]
SegmentName = Annotated[str, StringConstraints(min_length=1, max_length=SEGMENT_LENGTH_MAX)]
Hours = Annotated[int, Field(ge=1, le=HOURS_MAX)]


class TriggerKind(StrEnum):
    """What starts a run."""

    CART_IDLE = "cart_idle"  # nothing was done for a while; the time begins anew with each scan
    LIST_SENT_NOT_BOUGHT = "list_sent_not_bought"
    TRIED_NOT_BOUGHT = "tried_not_bought"
    BACK_IN_STOCK = "back_in_stock"  # what she wants was sold out where she was, and is back
    PRICE_DROP = "price_drop"  # what is in her cart or on her list costs less than it did then
    READY_TO_COLLECT = "ready_to_collect"  # her order waits at the desk
    ORDERED = "ordered"


# Those that no touch of hers starts: what changed is the shop's.
OF_GOODS: Final = frozenset({TriggerKind.BACK_IN_STOCK, TriggerKind.PRICE_DROP})
# Those about what is bought already: they end with the order, not with a purchase.
OF_ORDERS: Final = frozenset({TriggerKind.READY_TO_COLLECT, TriggerKind.ORDERED})


class Fact(StrEnum):
    """What a condition may ask of a person, as things are when the run comes to it."""

    CUSTOMER = "customer"  # she has an account
    CONSENTS = "consents"  # she allows reminders
    HAS_THINGS = "has_things"  # what the run is about is still there to be bought by her
    IN_STOCK = "in_stock"  # some of it is on a shelf
    IN_SEGMENT = "in_segment"  # she is in the segment that the condition names


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Trigger(_Strict):
    """What starts a run, and how long after it she enters unless she buys.

    ``percent``: of ``price_drop``, by how much less than when she put it there.
    """

    kind: Annotated[TriggerKind, Field(strict=False)]
    after_hours: Hours
    percent: Annotated[int, Field(ge=1, le=90)] | None = None

    @property
    def least_percent(self) -> int:
        """By how much a price has to fall."""
        return self.percent or CHEAPER_PERCENT

    def cheap_enough(self, then_minor: int | None, now_minor: int | None) -> bool:
        """Say whether a price is so much lower than another, in minor units of one currency."""
        if then_minor is None or now_minor is None:
            return False
        return now_minor * 100 <= then_minor * (100 - self.least_percent)


class Wait(_Strict):
    """Do nothing for a while."""

    kind: Literal["wait"]
    id: Name | None = None
    hours: Hours


class Condition(_Strict):
    """Go on if it holds, else to ``otherwise``, a step further down; without one, leave.

    ``segment``: by id or name, of ``in_segment`` and of nothing else.
    """

    kind: Literal["condition"]
    id: Name | None = None
    holds: Annotated[Fact, Field(strict=False)]
    segment: SegmentName | None = None
    otherwise: Name | None = None


class Split(_Strict):
    """Send a share of people, in percent, to each of these steps; a person always to the same."""

    kind: Literal["split"]
    id: Name
    shares: Annotated[dict[Name, Annotated[int, Field(ge=1, le=99)]], Field(min_length=2)]


class Channel(StrEnum):
    """By which way a message goes."""

    MAIL = "mail"
    PUSH = "push"  # to the phones that she let remind her
    SMS = "sms"
    WHATSAPP = "whatsapp"


class Template(StrEnum):
    """What a message says."""

    REMINDER = "reminder"  # of what started the journey; of an order too
    CARE = "care"  # thanks, and how to look after what was bought


class Message(_Strict):
    """Send a message, if nothing stands against it at that moment."""

    kind: Literal["message"]
    id: Name
    template: Annotated[Template, Field(strict=False)] = Template.REMINDER
    channel: Annotated[Channel, Field(strict=False)] = Channel.MAIL


class Exit(_Strict):
    """Leave."""

    kind: Literal["exit"]
    id: Name | None = None


Step = Annotated[Wait | Condition | Split | Message | Exit, Field(discriminator="kind")]


class Definition(_Strict):
    """One version of a journey.

    ``holdout_percent``: who walks the same steps and gets nothing. ``again_after_days``: so long
    after somebody began she does not begin again. ``goal_days``: a purchase so soon counts.
    """

    name: Name
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    holdout_percent: Annotated[int, Field(ge=0, le=50)] = HOLDOUT_PERCENT
    again_after_days: Annotated[int, Field(ge=1, le=365)] = AGAIN_AFTER_DAYS
    goal_days: Annotated[int, Field(ge=1, le=60)] = GOAL_DAYS
    trigger: Trigger
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=STEPS_MAX, strict=False)]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """By which ways its messages go, each once, in the order of the steps."""
        return tuple(dict.fromkeys(one.channel for one in self.steps if isinstance(one, Message)))

    @property
    def templates(self) -> tuple[Template, ...]:
        """What its messages say, each once, in the order of the steps."""
        return tuple(dict.fromkeys(one.template for one in self.steps if isinstance(one, Message)))

    def template_of(self, step_id: str) -> Template:
        """Return what a message says, by its step."""
        step = self.steps[self.place_of(step_id)]
        return step.template if isinstance(step, Message) else Template.REMINDER

    def place_of(self, step_id: str) -> int:
        """Return where a step stands; it is there, which was checked when this was read."""
        return next(place for place, one in enumerate(self.steps) if one.id == step_id)


@lru_cache(maxsize=64)
def read(source: str) -> Definition:
    """Return the journey that a TOML text defines.

    Raises:
        InvalidInput: it is none; the message says where and why.
    """
    found, faults = looked(source)
    if found is None:
        raise InvalidInput("; ".join(one.text for one in faults))
    return found


def looked(source: str) -> tuple[Definition | None, tuple[Fault, ...]]:
    """Return the journey that a TOML text defines, or all that is wrong with it."""
    if len(source) > SOURCE_LENGTH_MAX:
        said = f"a journey has at most {SOURCE_LENGTH_MAX} characters"
        return None, (Fault(TOO_LONG, said, told={"most": SOURCE_LENGTH_MAX}),)
    try:
        found = Definition.model_validate(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        return None, (Fault(NOT_TOML, f"not TOML: {error}", told={"said": str(error)}),)
    except ValidationError as error:
        return None, faults_in(error)
    faults = tuple(_faults(found))
    return (None if faults else found), faults


def _faults(one: Definition) -> Iterator[Fault]:
    messages = sum(isinstance(step, Message) for step in one.steps)
    if messages > MESSAGES_MAX:
        said, told = f"{messages} messages: at most {MESSAGES_MAX}", {"most": MESSAGES_MAX}
        yield Fault(MESSAGES, said, field="steps", told=told)
    if one.trigger.percent is not None and one.trigger.kind is not TriggerKind.PRICE_DROP:
        said = f"trigger percent: {one.trigger.kind} has none"
        yield Fault(PERCENT, said, field="trigger.percent")
    if one.again_after_days < one.goal_days:
        said = "again_after_days is less than goal_days: one purchase would count twice"
        yield Fault(AGAIN, said, field="again_after_days")
    for place, step in enumerate(one.steps):
        yield from _faults_of(one, place, step)


def _faults_of(one: Definition, place: int, step: Step) -> Iterator[Fault]:
    if step.id is not None and step.id in {before.id for before in one.steps[:place]}:
        yield Fault(TWICE, f"two steps are called {step.id}", place, "id", {"name": step.id})
    if isinstance(step, Split) and (total := sum(step.shares.values())) != 100:  # noqa: PLR2004 - percent
        said = f"step {place + 1} shares: they come to {total}, not to 100"
        yield Fault(SUM, said, place, "shares", {"total": total})
    if isinstance(step, Condition) and (step.segment is None) is (step.holds is Fact.IN_SEGMENT):
        code = SEGMENT_MISSING if step.segment is None else SEGMENT_UNASKED
        said = f"step {place + 1} segment: in_segment has one, and no other condition"
        yield Fault(code, said, place, "segment")
    if isinstance(step, Message) and not _fits(step.template, one.trigger.kind):
        said = f"step {place + 1} template: {step.template} fits only the trigger ordered"
        yield Fault(TEMPLATE, said, place, "template")
    below = {later.id for later in one.steps[place + 1 :]}
    for name in _targets(step):
        if name not in below:
            said = f"step {place + 1}: no step called {name} stands below it"
            where = "shares" if isinstance(step, Split) else "otherwise"
            yield Fault(NOT_BELOW, said, place, where, {"name": name})


def _fits(template: Template, kind: TriggerKind) -> bool:
    """Say whether a message can say this of what started its journey.

    Nobody looks after what she did not buy. What waits at the desk is not in her hands: once it
    is, a journey that its waiting started is over. A reminder has words for everything.
    """
    return template is not Template.CARE or kind is TriggerKind.ORDERED


def _targets(step: Step) -> tuple[str, ...]:
    if isinstance(step, Split):
        return tuple(step.shares)
    if isinstance(step, Condition) and step.otherwise is not None:
        return (step.otherwise,)
    return ()


def part_of(secret: bytes, *names: str) -> int:
    """Return into which of PARTS somebody falls: always the same, and nobody can tell which.

    HMAC-SHA256 as in RFC 2104; of its first eight bytes the remainder is even to 1 in 10^15.
    """
    digest = hmac.digest(secret, "\0".join(("journey", *names)).encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) % PARTS


def held_out(secret: bytes, one: Definition, person: str) -> bool:
    """Say whether this person gets nothing of this journey, in whatever version."""
    return part_of(secret, one.name, "holdout", person) < one.holdout_percent * PARTS // 100


def arm_of(secret: bytes, one: Definition, split: Split, person: str) -> str:
    """Return the step to which a split sends this person."""
    part, reached = part_of(secret, one.name, split.id, person), 0
    for name, percent in split.shares.items():
        reached += percent * PARTS // 100
        if part < reached:
            return name
    return next(reversed(split.shares))
