"""Writes a journey as TOML, also one that is not right yet: what was typed stays what it was."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cart.journeys.model import Definition

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_VERSION: Final = re.compile(r"(?m)^version[ \t]*=[ \t]*[0-9]+")
_ALWAYS: Final = ("holdout_percent", "again_after_days", "goal_days")


def raw_of(one: Definition) -> dict[str, Any]:
    """Return a journey as its TOML says it, without what is left out there."""
    said = one.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    trigger, steps = said.pop("trigger"), said.pop("steps")
    shown = {name: getattr(one, name) for name in _ALWAYS}
    return {**said, **shown, "trigger": trigger, "steps": steps}


def written(raw: Mapping[str, Any]) -> str:
    """Return the TOML text of a journey: strings, whole numbers, tables of these."""
    plain = {name: one for name, one in raw.items() if not isinstance(one, Mapping | list)}
    blocks = ["\n".join(_lines(plain))]
    for name, one in raw.items():
        if isinstance(one, Mapping):
            blocks.append("\n".join((f"[{name}]", *_lines(one))))
        elif isinstance(one, list):
            blocks += ["\n".join((f"[[{name}]]", *_lines(each))) for each in one]
    return "\n\n".join(blocks) + "\n"


def numbered(source: str, version: int) -> str:
    """Return a text with another version in it, and otherwise as it was typed."""
    return _VERSION.sub(f"version = {version}", source, count=1)


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{_key(name)} = {_value(one)}" for name, one in table.items())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(one: Any) -> str:  # noqa: ANN401 - what TOML may hold
    if isinstance(one, Mapping):
        return "{ " + ", ".join(_lines(one)) + " }" if one else "{}"
    if isinstance(one, list | tuple):
        return "[" + ", ".join(_value(each) for each in one) + "]"
    return _text(one) if isinstance(one, str) else json.dumps(one)


def _text(one: str) -> str:
    # A basic string of TOML is one of JSON, but that it has no raw DEL.
    return json.dumps(one, ensure_ascii=False).replace("\x7f", "\\u007f")
