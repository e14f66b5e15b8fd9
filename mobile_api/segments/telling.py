"""Rules and verdicts in words, for whoever reads the page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cart.journeys.segments.rule import (
    All,
    Any,
    Bought,
    Consented,
    Did,
    DidNot,
    Goods,
    Group,
    InCart,
    InStock,
    Known,
    LastAt,
    Leaf,
    Not,
    NotBought,
    Seen,
    Speaks,
    Spent,
)
from cart.journeys.segments.weighing import Verdict
from cart.kernel.clock import from_us
from cart.kernel.money import Money
from cart.profile.consent.model import Purpose
from cart.profile.timeline.model import Kind
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words

EVIDENCE_MAX: Final = 5  # touches that are shown of a condition: the newest
KINDS: Final[Mapping[Kind, str]] = {
    Kind.SCANNED: N_("Scanned"),
    Kind.REMOVED: N_("Taken off the list"),
    Kind.TRIED: N_("Tried on"),
    Kind.SIZE_ASKED: N_("Another size asked for"),
    Kind.LOOK_KEPT: N_("A look kept"),
    Kind.LISTED: N_("A list saved"),
    Kind.LIST_MAILED: N_("A list mailed"),
    Kind.CHECKOUT_OPENED: N_("A checkout opened"),
    Kind.ORDERED: N_("Ordered"),
    Kind.READY: N_("Ready at the desk"),
    Kind.COLLECTED: N_("Collected"),
    Kind.CANCELLED: N_("Cancelled"),
    Kind.RETURNED: N_("Returned"),
    Kind.MAIL_SENT: N_("A mail sent"),
    Kind.MAIL_OPENED: N_("A mail opened"),
    Kind.SIGNED_IN: N_("Signed in"),
    Kind.MESSAGE_SENT: N_("A message sent"),
    Kind.CAME_BACK: N_("Came back by a message"),
}
PURPOSES: Final[Mapping[Purpose, str]] = {
    Purpose.MARKETING_EMAIL: N_("marketing by e-mail"),
    Purpose.REMINDERS: N_("reminders"),
    Purpose.LOCATION_IN_SHOP: N_("location in the shop"),
    Purpose.MIRROR_VIDEO: N_("video of the mirror"),
    Purpose.ANALYTICS: N_("analytics"),
    Purpose.AD_AUDIENCES: N_("audiences of advertisers"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a rule. ``depth``: of groups around it. ``met``: None where nobody is asked.

    ``evidence``: when it was that it rests on, the newest first.
    """

    text: str
    depth: int
    met: bool | None = None
    evidence: tuple[str, ...] = ()


def rule_lines(rule: Leaf | Group, spoken: Words, depth: int = 0) -> Iterator[Said]:
    """Yield a rule line by line, in words."""
    yield Said(_text(rule, spoken), depth)
    for one in _parts(rule):
        yield from rule_lines(one, spoken, depth + 1)


def verdict_lines(verdict: Verdict, spoken: Words, depth: int = 0) -> Iterator[Said]:
    """Yield a verdict line by line, with what it rests on."""
    evidence = tuple(
        f"{spoken.gettext(KINDS[Kind(one.kind)])}, {spoken.moment(from_us(one.at_us))}"
        for one in verdict.evidence[:EVIDENCE_MAX]
    )
    yield Said(_text(verdict.rule, spoken), depth, verdict.met, evidence)
    for one in verdict.parts:
        yield from verdict_lines(one, spoken, depth + 1)


def _parts(rule: Leaf | Group) -> tuple[Leaf | Group, ...]:
    if isinstance(rule, All | Any):
        return rule.rules
    return (rule.rule,) if isinstance(rule, Not) else ()


def _text(rule: Leaf | Group, spoken: Words) -> str:
    if isinstance(rule, All):
        return spoken.gettext("All of these:")
    if isinstance(rule, Any):
        return spoken.gettext("At least one of these:")
    if isinstance(rule, Not):
        return spoken.gettext("Not this:")
    return _LEAVES[type(rule)](rule, spoken)


def _goods(of: Goods, spoken: Words) -> str:
    said = [one for one in (of.category, of.brand, of.product, of.gtin) if one]
    return " · ".join(said) or spoken.gettext("everything")


def _days(days: int, spoken: Words) -> str:
    return spoken.ngettext("within %(num)s day", "within %(num)s days", days)


def _did(leaf: Did, spoken: Words) -> str:
    times = spoken.ngettext("at least %(num)s time", "at least %(num)s times", leaf.times)
    kind = spoken.gettext(KINDS[leaf.kind])
    return f"{kind}: {_goods(leaf.of, spoken)}, {times}, {_days(leaf.days, spoken)}"


def _did_not(leaf: DidNot, spoken: Words) -> str:
    kind = spoken.gettext(KINDS[leaf.kind])
    never = spoken.gettext("not once")
    return f"{kind}: {_goods(leaf.of, spoken)}, {never}, {_days(leaf.days, spoken)}"


def _bought(leaf: Bought, spoken: Words) -> str:
    pieces = spoken.ngettext("at least %(num)s piece", "at least %(num)s pieces", leaf.pieces)
    word = spoken.gettext("Bought")
    return f"{word}: {_goods(leaf.of, spoken)}, {pieces}, {_days(leaf.days, spoken)}"


def _not_bought(leaf: NotBought, spoken: Words) -> str:
    word = spoken.gettext("Not bought")
    return f"{word}: {_goods(leaf.of, spoken)}, {_days(leaf.days, spoken)}"


def _spent(leaf: Spent, spoken: Words) -> str:
    amount = spoken.money(Money(leaf.at_least_minor, leaf.currency))
    word = spoken.gettext("Spent at least %(amount)s") % {"amount": amount}
    return f"{word}, {_days(leaf.days, spoken)}"


def _in_cart(leaf: InCart, spoken: Words) -> str:
    return f"{spoken.gettext('In the cart now')}: {_goods(leaf.of, spoken)}"


def _consented(leaf: Consented, spoken: Words) -> str:
    return f"{spoken.gettext('Has allowed')}: {spoken.gettext(PURPOSES[leaf.to])}"


def _where(leaf: InStock | LastAt, spoken: Words) -> str:
    if leaf.near is None:
        return ", ".join(leaf.at or ())
    around = leaf.near.location or spoken.gettext("where she was last")
    return spoken.gettext("within %(km)s km of %(place)s") % {
        "km": spoken.number(leaf.near.km),
        "place": around,
    }


def _in_stock(leaf: InStock, spoken: Words) -> str:
    word = spoken.gettext("In stock, of what she scanned or tried")
    goods = _goods(leaf.of, spoken)
    return f"{word}: {goods}, {_days(leaf.days, spoken)}, {_where(leaf, spoken)}"


def _last_at(leaf: LastAt, spoken: Words) -> str:
    return f"{spoken.gettext('Was last at')}: {_where(leaf, spoken)}"


def _speaks(leaf: Speaks, spoken: Words) -> str:
    return f"{spoken.gettext('Language')}: {', '.join(leaf.locales)}"


def _seen(leaf: Seen, spoken: Words) -> str:
    return f"{spoken.gettext('Seen')}, {_days(leaf.days, spoken)}"


def _known(_leaf: Known, spoken: Words) -> str:
    return spoken.gettext("Has proved an e-mail address")


_LEAVES: Final[Mapping[type, Callable[..., str]]] = {
    Did: _did,
    DidNot: _did_not,
    Bought: _bought,
    NotBought: _not_bought,
    Spent: _spent,
    InCart: _in_cart,
    Consented: _consented,
    InStock: _in_stock,
    LastAt: _last_at,
    Speaks: _speaks,
    Seen: _seen,
    Known: _known,
}
