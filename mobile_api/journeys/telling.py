"""A journey in words, as a path that can be drawn, and as what differs from another version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from cart.journeys.model import (
    Channel,
    Condition,
    Definition,
    Exit,
    Fact,
    Message,
    Split,
    Step,
    Template,
    Trigger,
    TriggerKind,
    Wait,
)
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words

TRIGGERS: Final[Mapping[TriggerKind, str]] = {
    TriggerKind.CART_IDLE: N_("Nothing was done with her cart for a while"),
    TriggerKind.LIST_SENT_NOT_BOUGHT: N_("She had a list mailed and did not buy it"),
    TriggerKind.TRIED_NOT_BOUGHT: N_("She tried something on and did not buy it"),
    TriggerKind.BACK_IN_STOCK: N_("Something wanted that is back in stock"),
    TriggerKind.PRICE_DROP: N_("Something put aside that costs less"),
    TriggerKind.READY_TO_COLLECT: N_("Her order waits at the desk"),
    TriggerKind.ORDERED: N_("She has ordered"),
}
CHANNELS: Final[Mapping[Channel, str]] = {
    Channel.MAIL: N_("E-mail"),
    Channel.PUSH: N_("Notification on the phone"),
    Channel.SMS: N_("SMS"),
    Channel.WHATSAPP: N_("WhatsApp"),
}
TEMPLATES: Final[Mapping[Template, str]] = {
    Template.REMINDER: N_("The reminder"),
    Template.CARE: N_("Thanks, and how to look after it"),
}
SENDS: Final[Mapping[Template, str]] = {
    Template.REMINDER: N_("Send the reminder"),
    Template.CARE: N_("Send thanks, and how to look after it"),
}
FACTS: Final[Mapping[Fact, str]] = {
    Fact.CUSTOMER: N_("she has an account"),
    Fact.CONSENTS: N_("she allows reminders"),
    Fact.HAS_THINGS: N_("what it is about is still there"),
    Fact.IN_STOCK: N_("some of it is in stock"),
    Fact.IN_SEGMENT: N_("she is in the segment"),
}
KINDS: Final[Mapping[str, str]] = {
    "wait": N_("Wait"),
    "condition": N_("Condition"),
    "split": N_("Split"),
    "message": N_("Message"),
    "exit": N_("Leave"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A step on the drawn path. ``leads``: where it goes besides on: a place and the words.

    ``lanes``: for each lane beside the path what is drawn there: ``from``, ``pass``, ``to``
    or nothing. ``ends``: nothing leads on from here.
    """

    number: int
    kind: str
    text: str
    name: str
    leads: tuple[tuple[int | None, str], ...]
    lanes: tuple[str, ...]
    ends: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A line of what differs. ``sign``: ``+`` new, ``-`` gone, or nothing: as before."""

    sign: str
    text: str


def trigger_text(one: Trigger, spoken: Words) -> str:
    """Return what starts a journey, in words."""
    kind = one.kind
    word = spoken.gettext(TRIGGERS[kind]) if kind in TRIGGERS else kind.value
    hours = spoken.ngettext("%(num)s hour later", "%(num)s hours later", one.after_hours)
    if kind is TriggerKind.PRICE_DROP:
        percent = spoken.number(one.least_percent)
        word = f"{word} · {spoken.gettext('by %(percent)s %% or more') % {'percent': percent}}"
    return f"{word} · {hours}"


def step_text(step: Step, spoken: Words) -> str:
    """Return what a step does, without where it leads."""
    match step:
        case Wait():
            return spoken.ngettext("Wait %(num)s hour", "Wait %(num)s hours", step.hours)
        case Condition():
            fact = spoken.gettext(FACTS.get(step.holds, step.holds.value))
            fact = f"{fact} {step.segment}" if step.segment else fact
            return spoken.gettext("Go on only if %(fact)s") % {"fact": fact}
        case Split():
            return spoken.gettext("Split by chance")
        case Message():
            said = spoken.gettext(SENDS[step.template])
            return f"{said} · {spoken.gettext(CHANNELS[step.channel])}"
        case Exit():
            return spoken.gettext("Leave the journey")


def path(one: Definition, spoken: Words) -> list[Node]:
    """Return the steps with the ways beside them."""
    jumps = [(place, to) for place, step in enumerate(one.steps) for to in _jumps(one, step)]
    lanes = _lanes(jumps)
    width = 1 + max(lanes.values(), default=-1)
    drawn: list[list[str]] = [[""] * width for _ in one.steps]
    for (start, end), lane in lanes.items():
        for place in range(start, end + 1):
            mark = "from" if place == start else "to" if place == end else "pass"
            # One way ends where another begins: both are drawn.
            drawn[place][lane] = f"{drawn[place][lane]} {mark}".strip()
    return [
        Node(
            place + 1,
            step.kind,
            step_text(step, spoken),
            step.id or "",
            tuple(_leads(one, step, spoken)),
            tuple(drawn[place]),
            isinstance(step, Exit | Split) or place + 1 == len(one.steps),
        )
        for place, step in enumerate(one.steps)
    ]


def _jumps(one: Definition, step: Step) -> Iterator[int]:
    if isinstance(step, Split):
        yield from (one.place_of(name) for name in step.shares)
    elif isinstance(step, Condition) and step.otherwise is not None:
        yield one.place_of(step.otherwise)


def _lanes(jumps: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Give each way a lane in which no other runs beside it; ways to one step share theirs."""
    found: dict[tuple[int, int], int] = {}
    for start, end in sorted(set(jumps), key=lambda one: (one[1] - one[0], one)):
        taken = {lane for (first, last), lane in found.items() if first <= end and last >= start}
        found[start, end] = next(n for n in range(len(jumps)) if n not in taken)
    return found


def _leads(one: Definition, step: Step, spoken: Words) -> Iterator[tuple[int | None, str]]:
    if isinstance(step, Split):
        for name, percent in step.shares.items():
            at = one.place_of(name) + 1
            said = {"percent": spoken.number(percent), "number": at, "name": name}
            yield at, spoken.gettext("%(percent)s %% go to step %(number)s, %(name)s") % said
    elif isinstance(step, Condition):
        if step.otherwise is None:
            yield None, spoken.gettext("otherwise she leaves")
        else:
            at = one.place_of(step.otherwise) + 1
            said = {"number": at, "name": step.otherwise}
            yield at, spoken.gettext("otherwise to step %(number)s, %(name)s") % said


def lines(one: Definition, spoken: Words) -> list[str]:
    """Return all that a version says, a line each; without its number."""
    _ = spoken.gettext
    said = [
        f"{_('Title')}: {one.title}",
        f"{_('What starts it')}: {trigger_text(one.trigger, spoken)}",
        f"{_('Held out for comparison, in percent')}: {spoken.number(one.holdout_percent)}",
        f"{_('Begins again after, in days')}: {spoken.number(one.again_after_days)}",
        f"{_('A purchase counts for, in days')}: {spoken.number(one.goal_days)}",
    ]
    for step in one.steps:
        # By name, not by number: a step that was put in before it changes nothing of a step.
        leads = "".join(f" · {text}" for text in _by_name(step, spoken))
        name = f" ({step.id})" if step.id else ""
        said.append(f"{step_text(step, spoken)}{name}{leads}")
    return said


def _by_name(step: Step, spoken: Words) -> Iterator[str]:
    if isinstance(step, Split):
        yield from (f"{name} {spoken.number(part)} %" for name, part in step.shares.items())
    elif isinstance(step, Condition):
        yield f"{spoken.gettext('Otherwise')}: {step.otherwise or spoken.gettext('she leaves')}"


def changes(before: Definition, after: Definition, spoken: Words) -> list[Change]:
    """Return what a version changes, and around it what stays; nothing if they say the same."""
    old, new = lines(before, spoken), lines(after, spoken)
    if old == new:
        return []
    found: list[Change] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Change("", text) for text in new[c:d]]
        else:
            found += [Change("-", text) for text in old[a:b]]
            found += [Change("+", text) for text in new[c:d]]
    return found
