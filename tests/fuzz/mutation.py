"""Changes to JSON that keep it JSON: bytes changed at random hardly ever get past the parser."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

MILD, ELSE = 0.7, 0.3  # changes that may still be taken, and changes of the form
AWKWARD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63) - 1, 1e308, 0.5, "", " ", "0", "\0",
    "\ud800", "\u202e", "a" * 300, "{}", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00+23:59", "2026-11-29T10:00:00", "04006381333931", "96385074",
    "/devices/DEVICE", "en", "xx-XX", "a@b.example", [], {}, [[]], [None] * 50, {"": 0},
)  # fmt: skip


def changed(payload: bytes, dice: Random) -> bytes | None:
    """Return the JSON with one to three places changed, None if it is none."""
    try:
        document = {"": json.loads(payload)}
    except (ValueError, RecursionError):
        return None
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        holder, key = dice.choice(list(_places(document)))
        _change(holder, key, dice)
    return json.dumps(document.get("")).encode()


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])


def _change(holder: Any, key: Any, dice: Random) -> None:  # noqa: ANN401 - JSON
    value, mild = holder[key], dice.random() < MILD
    if mild and isinstance(value, str) and value:
        place = dice.randrange(len(value))
        other = dice.choice(value) if dice.random() < MILD else chr(dice.randrange(1, 0x250))
        holder[key] = value[:place] + other + value[place + 1 :]
    elif mild and type(value) is int:
        holder[key] = value + dice.choice((-1, 1, 1_000, 2**31, -(2**31)))
    elif mild and isinstance(value, list):
        holder[key] = value * 2 if dice.random() < MILD else value[:-1]
    elif isinstance(holder, dict) and key and dice.random() < ELSE:
        if dice.random() < ELSE:
            holder[f"{key}_"] = value
        else:
            del holder[key]
    else:
        holder[key] = json.loads(json.dumps(dice.choice(AWKWARD)))
