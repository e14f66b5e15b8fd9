"""The form of a rule: rows of conditions, each of which says only what fits it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData, QueryParams

from cart.journeys.segments.rule import LEAVES_MAX
from cart.profile.consent.model import Purpose
from mobile_api.edge.problems import N_
from mobile_api.segments.telling import KINDS, PURPOSES

ROWS: Final = 3  # that an empty form shows
# What may be asked: the value in the form, the words, and which of the fields beside it count.
CONDITIONS: Final[Sequence[tuple[str, str, str]]] = (
    ("did:scanned", N_("Scanned"), "goods times days"),
    ("did:tried", N_("Tried on"), "goods times days"),
    ("did_not:scanned", N_("Not scanned"), "goods days"),
    ("bought", N_("Bought"), "goods times days"),
    ("not_bought", N_("Not bought"), "goods days"),
    ("in_cart", N_("In the cart now"), "goods"),
    ("in_stock", N_("In stock near where she was last"), "goods days km"),
    ("seen", N_("Seen"), "days"),
    ("not_seen", N_("Not seen"), "days"),
    ("known", N_("Has proved an e-mail address"), ""),
    *((f"consented:{one.value}", PURPOSES[one], "") for one in Purpose),
    *((f"did:{one.value}", KINDS[one], "goods times days") for one in KINDS
      if one.value not in {"scanned", "tried"}),
)  # fmt: skip
FIELDS: Final = {value: fields.split() for value, _, fields in CONDITIONS}
BY: Final = (
    ("category", N_("Category")),
    ("brand", N_("Brand")),
    ("product", N_("Product")),
    ("gtin", N_("Barcode number")),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was typed."""

    what: str = ""
    by: str = "category"
    value: str = ""
    times: str = "1"
    days: str = "14"
    km: str = "30"


def rows(sent: FormData | QueryParams) -> list[Row]:
    """Return the rows that were sent, at least as many as an empty form shows."""
    names = ("what", "by", "value", "times", "days", "km")
    columns = [[str(one) for one in sent.getlist(name)][:LEAVES_MAX] for name in names]
    found = [Row(*one) for one in zip(*columns, strict=False)]
    return found + [Row()] * (ROWS - len(found))


def as_rule(found: Sequence[Row], joint: str) -> Mapping[str, Any]:
    """Return the rule that the rows say, to be read as any other JSON; numbers may be none."""
    said = [_condition(one) for one in found if one.what]
    return said[0] if len(said) == 1 else {"if": "any" if joint == "any" else "all", "rules": said}


def _condition(row: Row) -> dict[str, Any]:
    word, _, detail = row.what.partition(":")
    fields = FIELDS.get(row.what, [])
    if word == "not_seen":
        return {"if": "not", "rule": {"if": "seen", "days": _number(row.days)}}
    said: dict[str, Any] = {"if": word}
    if word in {"did", "did_not"}:
        said["kind"] = detail
    if word == "consented":
        said["to"] = detail
    if "goods" in fields and row.value.strip():
        said["of"] = {row.by: row.value.strip()}
    if "times" in fields:
        said["pieces" if word == "bought" else "times"] = _number(row.times)
    if "days" in fields:
        said["days"] = _number(row.days)
    if "km" in fields:
        said["near"] = {"km": _number(row.km)}
    return said


def _number(text: str) -> int | str:
    """Return a number, or what stands there instead, which the rule's reader refuses by name."""
    return int(text) if text.isdecimal() else text
