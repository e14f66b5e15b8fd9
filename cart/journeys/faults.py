"""What is wrong with a journey that was written down, and where. Pure.

A fault has a code, for whoever says it in her language, and a text for whoever writes TOML.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

TOO_LONG: Final = "text_too_long"
NOT_TOML: Final = "not_toml"
TWICE: Final = "called_twice"
MESSAGES: Final = "too_many_messages"
AGAIN: Final = "again_before_goal"
SUM: Final = "shares_not_100"
NOT_BELOW: Final = "not_below"
SEGMENT_MISSING: Final = "segment_missing"
SEGMENT_UNASKED: Final = "segment_unasked"
PERCENT: Final = "percent_unasked"
TEMPLATE: Final = "template_unfit"
_KINDS: Final = frozenset({"wait", "condition", "split", "message", "exit"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``code``: one of ours, or pydantic's type of an error.

    ``step``: from 0; None for what is no step's. ``field``: as in the file, ``trigger.kind`` for
    the trigger's; empty for the whole. ``told``: numbers and names that words about it need.
    """

    code: str
    text: str
    step: int | None = None
    field: str = ""
    told: Mapping[str, int | str] = dataclasses.field(default_factory=dict)


def faults_in(error: ValidationError) -> tuple[Fault, ...]:
    """Return what pydantic found."""
    found = error.errors(include_url=False)
    # Of a list with a fault in it pydantic says also that it is too short.
    told = [one for one in found if one["type"] != "too_short" or not _within(one["loc"], found)]
    return tuple(
        _fault(one["loc"], one["type"], one["msg"], one.get("ctx", {}), one.get("input"))
        for one in told
    )


def _within(loc: tuple[int | str, ...], found: Sequence[ErrorDetails]) -> bool:
    """Say whether another fault is inside of this place."""
    return any(one["loc"][: len(loc)] == loc and len(one["loc"]) > len(loc) for one in found)


def _fault(
    loc: tuple[int | str, ...],
    kind: str,
    said: str,
    about: Mapping[str, object],
    given: object,
) -> Fault:
    told = {name: one for name, one in about.items() if isinstance(one, int | str)}
    code = "missing" if given == "" else kind
    if not loc or loc[0] != "steps" or len(loc) == 1:
        where = " ".join(str(one) for one in loc) or "the file"
        return Fault(code, f"{where}: {said}", None, ".".join(str(one) for one in loc), told)
    rest = [str(one) for one in loc[2:]]
    named = rest[1:] if rest and rest[0] in _KINDS else rest
    where = " ".join((f"step {int(loc[1]) + 1}", *named))
    return Fault(code, f"{where}: {said}", int(loc[1]), named[0] if named else "", told)
