"""What is wrong with a journey, in its writer's words and beside what she wrote.

The model speaks to whoever writes TOML, in English; here stand the same faults for everybody.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cart.journeys import faults as model
from cart.journeys.faults import Fault
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words

_LINE: Final = re.compile(r"line (\d+)")
WORDS: Final[Mapping[str, str]] = {
    "missing": N_("This is missing."),
    "int_type": N_("This has to be a whole number."),
    "greater_than_equal": N_("%(ge)s is the least."),
    "less_than_equal": N_("%(le)s is the most."),
    "string_pattern_mismatch": N_(
        "Small letters without accents, digits and hyphens, a letter first; 40 at most."
    ),
    "string_too_short": N_("This is missing."),
    "string_too_long": N_("%(max_length)s characters are the most."),
    "string_type": N_("This has to be a text."),
    "enum": N_("Choose one of those that are offered."),
    "literal_error": N_("Choose one of those that are offered."),
    "union_tag_invalid": N_("There is no such kind of step."),
    "union_tag_not_found": N_("Say which kind of step this is."),
    "extra_forbidden": N_("A journey has nothing of this name."),
    "too_short": N_("That is too few: %(min_length)s is the least."),
    "too_long": N_("That is too many: %(max_length)s is the most."),
    model.TOO_LONG: N_("The text is too long: %(most)s characters are the most."),
    model.NOT_TOML: N_("The text is not TOML: look at line %(line)s."),
    model.TWICE: N_("Another step is called %(name)s too. Give one of them another name."),
    model.MESSAGES: N_("That is too many messages: %(most)s is the most."),
    model.AGAIN: N_(
        "She would begin again before her purchase stops counting: it would count twice."
    ),
    model.SUM: N_("The shares come to %(total)s %%, not to 100 %%."),
    model.SEGMENT_MISSING: N_("Say which segment."),
    model.SEGMENT_UNASKED: N_("Only the condition on a segment has one."),
    model.PERCENT: N_("Only what costs less has a percentage."),
    model.TEMPLATE: N_("Thanks fit only a journey that begins when she has ordered."),
    "no_segment": N_("There is no active segment %(name)s."),
    "another_name": N_("A journey keeps its name: this one is called %(name)s."),
    "another_version": N_("This will be version %(version)s."),
    model.NOT_BELOW: N_("There is no step called %(name)s below this one."),
}
OTHER: Final = N_("This does not fit.")
LAST_LINE: Final = N_("The text is not TOML: it ends too early.")
# What a part is called on the page, by its name in the file.
FIELDS: Final[Mapping[str, str]] = {
    "name": N_("Short name"),
    "version": N_("Version"),
    "title": N_("Title"),
    "holdout_percent": N_("Held out for comparison, in percent"),
    "again_after_days": N_("Begins again after, in days"),
    "goal_days": N_("A purchase counts for, in days"),
    "trigger": N_("What starts it"),
    "trigger.kind": N_("What starts it"),
    "trigger.after_hours": N_("Hours until she enters"),
    "trigger.percent": N_("By how many percent less, at least"),
    "steps": N_("Steps"),
    "id": N_("Name of the step"),
    "hours": N_("Hours"),
    "holds": N_("Goes on only if"),
    "segment": N_("Segment"),
    "otherwise": N_("Otherwise"),
    "template": N_("What the message says"),
    "channel": N_("By which way"),
    "shares": N_("Shares"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A fault in words. ``place``: where it is, in words; ``anchor``: the id of its field."""

    step: int | None
    field: str
    text: str
    place: str
    anchor: str


def told(faults: Iterable[Fault], spoken: Words) -> list[Told]:
    """Return faults in words, in their order."""
    return [
        Told(one.step, one.field, _text(one, spoken), _place(one, spoken), anchor_of(one))
        for one in faults
    ]


def anchor_of(one: Fault) -> str:
    """Return the id of the field on the page that a fault is about."""
    if one.step is None:
        return one.field.replace(".", "-").replace("_", "-") or "steps"
    return f"step-{one.step}-{one.field}" if one.field else f"step-{one.step}"


def _text(one: Fault, spoken: Words) -> str:
    if one.code == model.NOT_TOML:
        line = _LINE.search(str(one.told["said"]))
        if line is None:
            return spoken.gettext(LAST_LINE)
        return spoken.gettext(WORDS[one.code]) % {"line": line[1]}
    return spoken.gettext(WORDS.get(one.code, OTHER)) % one.told


def _place(one: Fault, spoken: Words) -> str:
    name = spoken.gettext(FIELDS[one.field]) if one.field in FIELDS else one.field
    if one.step is None:
        return name
    step = spoken.gettext("Step %(number)s") % {"number": one.step + 1}
    return f"{step}, {name}" if name else step
