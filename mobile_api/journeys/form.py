"""The form of a journey: what was typed, as it was typed, and what it makes.

Everything is kept as text, so that nothing is lost of a journey that is not right yet. Whether it
is one says the model alone: the form writes TOML, and it is read like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from cart.db.columns import NAME_LENGTH_MAX as SEGMENT_LENGTH_MAX
from cart.journeys.model import (
    AGAIN_AFTER_DAYS,
    CHEAPER_PERCENT,
    GOAL_DAYS,
    HOLDOUT_PERCENT,
    NAME_LENGTH_MAX,
    SOURCE_LENGTH_MAX,
    STEPS_MAX,
    Channel,
    Definition,
    Fact,
    Template,
    TriggerKind,
    looked,
)
from cart.journeys.writing import numbered, raw_of, written

TITLE_LENGTH_MAX: Final = 80
NUMBER_LENGTH_MAX: Final = 7
ARMS: Final = 4  # of a split in the form; one with more is written as text
KINDS: Final = ("wait", "condition", "split", "message", "exit")
# Which parts of a row count, by its kind; what is not said of a step stays away from it.
_FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "wait": ("hours",),
    "condition": ("holds", "segment", "otherwise"),
    "split": ("shares",),
    "message": ("template", "channel"),
    "exit": (),
}
_Word = Annotated[str, Field(max_length=NAME_LENGTH_MAX)]
_Segment = Annotated[str, Field(max_length=SEGMENT_LENGTH_MAX)]
_Number = Annotated[str, Field(max_length=NUMBER_LENGTH_MAX)]
_Version = Annotated[int, Field(ge=0, lt=1_000_000)]


class Sent(BaseModel):
    """The form as it is posted. ``after``: the newest version its writer saw; 0: a new journey.

    ``way``: by which of the two it was written. ``do``: what the button says. Each step has one
    of each column, of ``to`` and ``percent`` ARMS; ``was``: its name when the page was made.
    """

    model_config = ConfigDict(extra="forbid")

    do: Annotated[str, Field(max_length=24)] = "check"
    way: Literal["form", "toml"] = "form"
    after: _Version = 0
    source: Annotated[str, Field(max_length=SOURCE_LENGTH_MAX + 1)] = ""
    name: _Word = ""
    title: Annotated[str, Field(max_length=TITLE_LENGTH_MAX)] = ""
    holdout: _Number = ""
    again: _Number = ""
    goal: _Number = ""
    trigger: _Word = ""
    after_hours: _Number = ""
    cheaper: _Number = ""
    kind: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    id: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    was: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    hours: Annotated[list[_Number], Field(max_length=STEPS_MAX)] = []
    holds: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    segment: Annotated[list[_Segment], Field(max_length=STEPS_MAX)] = []
    otherwise: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    template: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    channel: Annotated[list[_Word], Field(max_length=STEPS_MAX)] = []
    to: Annotated[list[_Word], Field(max_length=STEPS_MAX * ARMS)] = []
    percent: Annotated[list[_Number], Field(max_length=STEPS_MAX * ARMS)] = []


@dataclass(frozen=True, slots=True)
class Row:
    """A step as it was typed. ``arms``: ARMS pairs of a step's name and its share."""

    kind: str
    id: str = ""
    hours: str = ""
    holds: str = ""
    segment: str = ""
    otherwise: str = ""
    arms: tuple[tuple[str, str], ...] = (("", ""),) * ARMS
    channel: str = Channel.MAIL.value
    template: str = Template.REMINDER.value

    def raw(self) -> dict[str, Any]:
        """Return the step as TOML has it; numbers may be none."""
        said: dict[str, Any] = {"id": self.id.strip()} if self.id.strip() else {}
        said["kind"] = self.kind
        for name in _FIELDS.get(self.kind, ()):
            if name == "shares":
                said["shares"] = {to: _number(part) for to, part in self.arms if to or part}
            elif name == "hours":
                said["hours"] = _number(self.hours)
            elif name == "segment" and self.holds != Fact.IN_SEGMENT:
                continue
            elif name == "channel" and self.channel == Channel.MAIL:
                continue  # what is said of none goes by mail
            elif name == "template" and self.template == Template.REMINDER:
                continue
            elif (value := getattr(self, name).strip()) or name == "holds":
                said[name] = value
        return said


@dataclass(frozen=True, slots=True)
class Draft:
    """A journey as it was typed into the form."""

    name: str = ""
    title: str = ""
    holdout: str = str(HOLDOUT_PERCENT)
    again: str = str(AGAIN_AFTER_DAYS)
    goal: str = str(GOAL_DAYS)
    trigger: str = TriggerKind.CART_IDLE.value
    after_hours: str = "24"
    rows: tuple[Row, ...] = ()
    cheaper: str = str(CHEAPER_PERCENT)

    def source(self, version: int) -> str:
        """Return its TOML."""
        trigger: dict[str, Any] = {
            "kind": self.trigger,
            "after_hours": _number(self.after_hours),
        }
        if self.trigger == TriggerKind.PRICE_DROP:
            trigger["percent"] = _number(self.cheaper)
        raw = {
            "name": self.name.strip(),
            "version": version,
            "title": self.title.strip(),
            "holdout_percent": _number(self.holdout),
            "again_after_days": _number(self.again),
            "goal_days": _number(self.goal),
            "trigger": trigger,
            "steps": [row.raw() for row in self.rows],
        }
        return written(raw)

    def below(self, place: int) -> list[tuple[int, str]]:
        """Return the steps that a step may lead to: their places and names."""
        later = enumerate(self.rows[place + 1 :], start=place + 1)
        return [(at, row.id) for at, row in later if row.id]


def empty() -> Draft:
    """Return what a new journey begins with: one reminder."""
    return Draft(rows=(Row("message", "message-1"),))


def typed(sent: Sent) -> Draft:
    """Return the form as it was posted. A step with another name keeps those that lead to it."""
    names = {was: now.strip() for was, now in zip(sent.was, sent.id, strict=False) if was}
    arms = [(names.get(to, to), part) for to, part in zip(sent.to, sent.percent, strict=False)]
    columns = (sent.kind, sent.id, sent.hours, sent.holds, sent.segment, sent.otherwise)
    mail, reminder = Channel.MAIL.value, Template.REMINDER.value
    usual = ([*sent.channel, *[mail] * STEPS_MAX], [*sent.template, *[reminder] * STEPS_MAX])
    rows = tuple(
        Row(
            *(kind, own, hours, holds, segment, names.get(otherwise, otherwise)),
            _four(arms, place),
            channel or mail,
            template or reminder,
        )
        for place, (kind, own, hours, holds, segment, otherwise, channel, template) in enumerate(
            zip(*columns, *usual, strict=False)
        )
    )
    return Draft(
        *(sent.name, sent.title, sent.holdout, sent.again, sent.goal, sent.trigger),
        *(sent.after_hours, rows, sent.cheaper or str(CHEAPER_PERCENT)),
    )


def _four(arms: Sequence[tuple[str, str]], place: int) -> tuple[tuple[str, str], ...]:
    found = tuple(arms[place * ARMS : (place + 1) * ARMS])
    return found + (("", ""),) * (ARMS - len(found))


def of_definition(one: Definition) -> Draft | None:
    """Return a journey as the form shows it; None if it has what the form cannot show."""
    raw = raw_of(one)
    rows = tuple(_row(step) for step in raw["steps"])
    draft = Draft(
        *(one.name, one.title, str(one.holdout_percent), str(one.again_after_days)),
        *(str(one.goal_days), one.trigger.kind.value, str(one.trigger.after_hours), rows),
        str(one.trigger.least_percent),
    )
    again, _ = looked(draft.source(one.version))
    return draft if again is not None and _said(again) == _said(one) else None


def _said(one: Definition) -> Definition:
    """Return the same journey with its percentage said, also where it is the usual one."""
    percent = {"percent": one.trigger.least_percent}
    return one.model_copy(update={"trigger": one.trigger.model_copy(update=percent)})


def _row(step: Mapping[str, Any]) -> Row:
    arms = tuple((to, str(part)) for to, part in step.get("shares", {}).items())
    own, hours = step.get("id", ""), str(step.get("hours", ""))
    named = (step.get("holds", ""), step.get("segment", ""), step.get("otherwise", ""))
    channel = step.get("channel", Channel.MAIL.value)
    template = step.get("template", Template.REMINDER.value)
    return Row(step["kind"], own, hours, *named, _four(arms, 0), channel, template)


def acted(draft: Draft, do: str) -> tuple[Draft, int]:
    """Do what a button of the list of steps says; return where the reader is led then.

    ``up-2``, ``down-2``, ``remove-2``, ``add-wait-2`` (behind the step 2; -1: before all), from 0.
    Who removed one is led to the step before it, -1 where it was the first.
    Anything else, and what is not possible, changes nothing.
    """
    verb, _, rest = do.partition("-")
    rows = list(draft.rows)
    kind, _, number = rest.partition("-") if verb == "add" else ("", "", rest)
    place = int(number) if number.removeprefix("-").isdecimal() else len(rows)
    if verb == "add" and kind in KINDS and len(rows) < STEPS_MAX:
        at = min(max(place + 1, 0), len(rows))
        rows.insert(at, Row(kind, _free(kind, rows), **_BEGINS.get(kind, {})))
        return replace(draft, rows=tuple(rows)), at
    if not 0 <= place < len(rows):
        return draft, 0
    if verb == "remove":
        del rows[place]
        return replace(draft, rows=tuple(rows)), place - 1
    to = place + {"up": -1, "down": 1}.get(verb, 0)
    if 0 <= to < len(rows):
        rows[place], rows[to] = rows[to], rows[place]
        return replace(draft, rows=tuple(rows)), to
    return draft, place


_BEGINS: Final[Mapping[str, Mapping[str, Any]]] = {
    "wait": {"hours": "24"},
    "condition": {"holds": "consents"},
    "split": {"arms": (("", "50"), ("", "50"), ("", ""), ("", ""))},
}


def _free(kind: str, rows: Sequence[Row]) -> str:
    """Return a name that no step has."""
    taken = {row.id for row in rows}
    return next(name for n in range(1, STEPS_MAX + 2) if (name := f"{kind}-{n}") not in taken)


def _number(text: str) -> int | str:
    """Return a number, or what stands there instead, which the model refuses by name."""
    said = text.strip()
    return int(said) if said.isascii() and said.isdecimal() else said


def source_of(sent: Sent) -> str:
    """Return the TOML of what was posted, by whichever of the two ways, as the next version."""
    if sent.way == "toml":
        return numbered(sent.source.replace("\r\n", "\n"), sent.after + 1)
    return typed(sent).source(sent.after + 1)
