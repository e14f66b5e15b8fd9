"""Words of the registry of personal data. Pure: no database.

A :class:`Holding` says of one table what it keeps of a person, by which of her ids her
rows are found, what an export gives of them and what an erasure does. Every table has
one, also those that keep nothing of anybody: leaving one out is no decision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Scope(StrEnum):
    """What rows of a person are found by."""

    CUSTOMER = "customer"
    ADDRESS = "address"  # e-mail, in its normal form
    SESSION = "session"
    CART = "cart"
    LIST = "list"
    CHECKOUT = "checkout"
    ATTEMPT = "attempt"
    TENDER = "tender"
    PAYMENT = "payment"  # the provider's own name of it
    ORDER = "order"
    ORDER_LINE = "order line"
    TASK = "pick task"
    JOINING = "joining"
    CONSENT_SUBJECT = "subject of consents"
    VISIT = "visit"  # of a device
    BINDING = "binding"  # the row of such a visit
    LOAN = "loan of a wristband"
    LOOK_KEY = "key that looks are sealed to"
    LOOK = "look"
    LOOK_UPLOAD = "upload of a look"
    PUSH_PHONE = "phone that may be rung"
    JOURNEY_RUN = "run of a journey"


class Erasure(StrEnum):
    """What becomes of a person's rows."""

    NONE = "nothing: no row is a person's"
    DELETE = "deleted"
    BLANK = "personal columns emptied"
    KEEP = "kept"


@dataclass(frozen=True, slots=True)
class Reveals:
    """A column of a person's row that holds another of her ids.

    ``while_null``: only in rows in which this column is empty. ``within``: the column of
    what the id is unique in; the id that is found is both, see :func:`joint`.
    """

    column: str
    scope: Scope
    while_null: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """A column of bytes in which an id of hers may stand, as JSON has it.

    ``within``: as in :class:`Reveals`; then the id is the value of ``key`` in the JSON.
    """

    column: str
    scope: Scope
    within: str = ""
    key: str = ""


def joint(within: str, one: str) -> str:
    """Return the id of something that is unique only within something else."""
    return f"{within} {one}"


@dataclass(frozen=True, slots=True)
class Emptied:
    """What an erasure writes into a JSON column: these keys; all others stay as they are."""

    keys: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Holding:
    """One table.

    ``holds``: what of a person, in words; empty: nothing. ``found``: columns and the ids
    that they are compared with; one that fits is enough. ``inside``: columns of bytes in
    which an id stands somewhere. ``mentions``: columns of an address that may stand in rows
    of somebody else, who once typed it; with a key, in a JSON column: only that is emptied.
    ``shown``: columns that an export gives; ``hidden``: the others, which say nothing about
    her (keys, names of staff, marks of work in progress). ``blanks``: what an erasure writes
    by column. ``plain``: columns that sound personal and are not. ``why``: the reason of what
    stays, or for which nothing is personal. ``kept``: for how long and why.
    """

    table: str
    holds: str = ""
    found: tuple[tuple[str, Scope], ...] = ()
    inside: tuple[Inside, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()
    reveals: tuple[Reveals, ...] = ()
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    erasure: Erasure = Erasure.NONE
    blanks: Mapping[str, Any] = field(default_factory=dict)
    plain: tuple[str, ...] = ()
    why: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Something outside of the tables that holds, or might hold, what is a person's."""

    what: str
    holds: str
    erasure: str
    kept: str


# Parts of a column's name that make somebody ask whose it is.
SOUNDS_PERSONAL: Final = (
    *("email", "address", "name", "note", "payload", "text", "author", "phone"),
    *("body", "data", "detail", "wanted", "customer", "url"),
)
SOUNDS_PERSONAL_WHOLE: Final = frozenset({"ip", "device", "number"})


def sounds_personal(column: str) -> bool:
    """Say whether a column's name asks for a decision."""
    parts = column.split("_")
    return column in SOUNDS_PERSONAL_WHOLE or any(one in parts for one in SOUNDS_PERSONAL)


def faults(holdings: Iterable[Holding], columns: Mapping[str, Iterable[str]]) -> list[str]:
    """Return what is missing or wrong, against ``columns`` by table as they are."""
    known: dict[str, Holding] = {}
    said = []
    for one in holdings:
        if one.table in known:
            said.append(f"{one.table}: registered twice")
        known[one.table] = one
    said += [f"{name}: not registered" for name in columns if name not in known]
    for name, one in known.items():
        if name not in columns:
            said.append(f"{name}: there is no such table")
        else:
            said += [f"{name}: {fault}" for fault in _faults(one, set(columns[name]))]
    return said


def _faults(one: Holding, columns: set[str]) -> list[str]:
    used = {column for column, _ in (*one.found, *one.mentions)} | set(one.blanks)
    used |= {*one.plain, *one.shown, *one.hidden}
    used |= {column for each in one.inside for column in (each.column, each.within) if column}
    used |= {reveal.column for reveal in one.reveals}
    said = _of_a_person(one, columns) if one.holds else _of_nobody(one, columns)
    found = {
        f"no such column: {sorted(used - columns)}": bool(used - columns),
        "does not say why it stays": one.erasure in (Erasure.KEEP, Erasure.NONE) and not one.why,
        "what is emptied and what an erasure does are not the same": bool(one.blanks)
        is not (one.erasure is Erasure.BLANK),
    }
    return said + [fault for fault, is_so in found.items() if is_so]


def _of_a_person(one: Holding, columns: set[str]) -> list[str]:
    missing = columns - {*one.shown, *one.hidden}
    twice = set(one.shown) & set(one.hidden)
    found = {
        f"neither shown nor hidden: {sorted(missing)}": bool(missing),
        f"both shown and hidden: {sorted(twice)}": bool(twice),
        "does not say how a person's rows are found": not (one.found or one.inside),
        "does not say what an erasure does": one.erasure is Erasure.NONE,
        "does not say for how long it is kept": not one.kept,
    }
    return [fault for fault, is_so in found.items() if is_so]


def _of_nobody(one: Holding, columns: set[str]) -> list[str]:
    undecided = {column for column in columns if sounds_personal(column)} - set(one.plain)
    said = [f"sounds personal: {sorted(undecided)}"] if undecided else []
    if one.erasure is not Erasure.NONE or one.found or one.inside:
        said.append("holds nothing, so there is nothing to find or erase")
    return said
