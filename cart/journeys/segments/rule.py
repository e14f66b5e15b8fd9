"""A rule as JSON: what somebody did, bought, allowed, and what is there for her.

Outside data: bounded in size and depth, and every fault says where it is. A rule is a value;
another rule is another version. docs/segments.md tells each condition in words.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from cart.db.columns import ID_LENGTH_MAX, NAME_LENGTH_MAX
from cart.kernel.errors import InvalidInput
from cart.kernel.i18n import LOCALES
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind

DAYS_MAX: Final = 365  # as far back as a rule looks; who was not here for so long is in no segment
TIMES_MAX: Final = 1_000
DEPTH_MAX: Final = 4  # groups within groups: more than that nobody reads right
LEAVES_MAX: Final = 20  # conditions of one rule
BYTES_MAX: Final = 8_192  # of a rule as JSON: twenty conditions with long names
PLACES_MAX: Final = 50  # locations named one by one in a condition
KM_MAX: Final = 500
AMOUNT_MAX_MINOR: Final = 100_000_000
_FAULTS_MAX: Final = 5  # that are told at once

Days = Annotated[int, Field(ge=1, le=DAYS_MAX)]
Times = Annotated[int, Field(ge=1, le=TIMES_MAX)]
LocationIds = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX)], ...],
    Field(min_length=1, max_length=PLACES_MAX),
]
_Name = Annotated[str, Field(max_length=NAME_LENGTH_MAX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Goods(_Strict):
    """Which articles: all that is said must fit; nothing said is every article."""

    category: _Name = ""
    brand: _Name = ""
    product: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""
    gtin: Annotated[str, Field(pattern=r"^(\d{14})?$")] = ""

    @property
    def everything(self) -> bool:
        """Whether nothing is said."""
        return not (self.category or self.brand or self.product or self.gtin)


EVERYTHING: Final = Goods()


class Did(_Strict):
    """She did this at least ``times`` within the last ``days``."""

    if_: Literal["did"] = Field(alias="if")
    kind: Kind
    of: Goods = EVERYTHING
    times: Times = 1
    days: Days


class DidNot(_Strict):
    """She did not do this within the last ``days``."""

    if_: Literal["did_not"] = Field(alias="if")
    kind: Kind
    of: Goods = EVERYTHING
    days: Days


class Bought(_Strict):
    """At least ``pieces`` were ordered within the last ``days``, less what came back."""

    if_: Literal["bought"] = Field(alias="if")
    of: Goods = EVERYTHING
    pieces: Times = 1
    days: Days


class NotBought(_Strict):
    """Nothing of it was ordered within the last ``days``, or all of it came back."""

    if_: Literal["not_bought"] = Field(alias="if")
    of: Goods = EVERYTHING
    days: Days


class Spent(_Strict):
    """Orders of the last ``days``, less what came back, are worth at least this."""

    if_: Literal["spent"] = Field(alias="if")
    at_least_minor: Annotated[int, Field(ge=1, le=AMOUNT_MAX_MINOR)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    days: Days


class InCart(_Strict):
    """It lies in her cart now."""

    if_: Literal["in_cart"] = Field(alias="if")
    of: Goods = EVERYTHING


class Consented(_Strict):
    """She has allowed this purpose, and it holds."""

    if_: Literal["consented"] = Field(alias="if")
    to: Purpose


class Near(_Strict):
    """Locations within ``km`` of ``location``, itself too; "" is the one she was at last."""

    location: Annotated[str, Field(max_length=ID_LENGTH_MAX)] = ""
    km: Annotated[int, Field(ge=0, le=KM_MAX)]


class _Placed(_Strict):
    at: LocationIds | None = None
    near: Near | None = None

    @model_validator(mode="after")
    def _one(self) -> "_Placed":
        if (self.at is None) is (self.near is None):
            msg = "say either `at` or `near`"
            raise ValueError(msg)
        return self


class InStock(_Placed):
    """Something that she scanned or tried within the last ``days`` can be had there now."""

    if_: Literal["in_stock"] = Field(alias="if")
    of: Goods = EVERYTHING
    days: Days


class LastAt(_Placed):
    """The location that she was at last is one of these."""

    if_: Literal["last_at"] = Field(alias="if")

    @model_validator(mode="after")
    def _named(self) -> "LastAt":
        if self.near is not None and not self.near.location:
            msg = "near the location where she was last she always was: name one"
            raise ValueError(msg)
        return self


class Speaks(_Strict):
    """The language of her pages."""

    if_: Literal["speaks"] = Field(alias="if")
    locales: Annotated[tuple[str, ...], Field(min_length=1, max_length=len(LOCALES))]

    @model_validator(mode="after")
    def _known(self) -> "Speaks":
        if set(self.locales) - set(LOCALES):
            msg = f"languages are {', '.join(LOCALES)}"
            raise ValueError(msg)
        return self


class Seen(_Strict):
    """She touched the shop within the last ``days``, in whatever way."""

    if_: Literal["seen"] = Field(alias="if")
    days: Days


class Known(_Strict):
    """She has proved an e-mail address: she is a customer."""

    if_: Literal["known"] = Field(alias="if")


class All(_Strict):
    """Each of these."""

    if_: Literal["all"] = Field(alias="if")
    rules: Annotated[tuple["Rule", ...], Field(min_length=1, max_length=LEAVES_MAX)]


class Any(_Strict):
    """At least one of these."""

    if_: Literal["any"] = Field(alias="if")
    rules: Annotated[tuple["Rule", ...], Field(min_length=1, max_length=LEAVES_MAX)]


class Not(_Strict):
    """Not this."""

    if_: Literal["not"] = Field(alias="if")
    rule: "Rule"


Leaf: TypeAlias = (
    Did | DidNot | Bought | NotBought | Spent | InCart | Consented | InStock | LastAt
    | Speaks | Seen | Known
)  # fmt: skip
Rule: TypeAlias = Annotated[Leaf | All | Any | Not, Field(discriminator="if_")]
Group: TypeAlias = All | Any | Not
for _one in (All, Any, Not):
    _one.model_rebuild()
_ADAPTER: Final[TypeAdapter[Leaf | Group]] = TypeAdapter(Rule)


def read(text: str | bytes) -> Leaf | Group:
    """Return the rule that this JSON says.

    Raises:
        InvalidInput: too large, no JSON, or no rule; the message says where and what.
    """
    if len(text) > BYTES_MAX:
        msg = f"a rule has at most {BYTES_MAX} bytes"
        raise InvalidInput(msg)
    try:
        rule = _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise InvalidInput("; ".join(_faults(error))) from None
    if _depth(rule) > DEPTH_MAX:
        msg = f"groups stand in groups at most {DEPTH_MAX} deep"
        raise InvalidInput(msg)
    if len(list(leaves(rule))) > LEAVES_MAX:
        msg = f"a rule has at most {LEAVES_MAX} conditions"
        raise InvalidInput(msg)
    return rule


@lru_cache(maxsize=512)
def kept(text: str) -> Leaf | Group:
    """Return a rule that was read before and is kept as this text: parsed once in a process."""
    return _ADAPTER.validate_json(text)


def written(rule: Leaf | Group) -> str:
    """Return the rule as JSON, the same text for the same rule."""
    return _ADAPTER.dump_json(rule, by_alias=True, exclude_defaults=True).decode()


def leaves(rule: Leaf | Group) -> Iterator[Leaf]:
    """Yield the conditions of a rule, in their order."""
    if isinstance(rule, All | Any):
        for one in rule.rules:
            yield from leaves(one)
    elif isinstance(rule, Not):
        yield from leaves(rule.rule)
    else:
        yield rule


def _depth(rule: Leaf | Group) -> int:
    if isinstance(rule, All | Any):
        return 1 + max(_depth(one) for one in rule.rules)
    if isinstance(rule, Not):
        return 1 + _depth(rule.rule)
    return 0


def _faults(error: ValidationError) -> Iterator[str]:
    found = error.errors(include_url=False)
    # Of a list with a fault in it pydantic says also that it is too short.
    told = [one for one in found if len(found) == 1 or one["type"] != "too_short"] or found
    for one in told[:_FAULTS_MAX]:
        # pydantic puts the tag of a union into the path: a reader wants her own JSON's names.
        where = ".".join(str(part) for part in one["loc"] if part not in _TAGS)
        yield f"{where or 'rule'}: {one['msg'].removeprefix('Value error, ')}"


_TAGS: Final = frozenset(
    {"did", "did_not", "bought", "not_bought", "spent", "in_cart", "consented", "in_stock",
     "last_at", "speaks", "seen", "known", "all", "any", "not"}
)  # fmt: skip
