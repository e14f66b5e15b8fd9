"""An order's history in words: what happened, when, and who did it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from cart.kernel.money import Money
from cart.orders.queries import Entry, OrderView
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.staff.queries import names

WORDS: Final[Mapping[str, str]] = {
    "placed": N_("Paid and placed"),
    "here": N_("The shopper is at the desk"),
    "claimed": N_("Picking begun"),
    "released": N_("Put back into the queue"),
    "reassigned": N_("Given to %(to)s"),
    "picked": N_("%(line)s: %(quantity)s picked"),
    "unpicked": N_("%(line)s: %(quantity)s put back"),
    "short": N_("%(line)s: %(quantity)s missing"),
    "offered": N_("Something else offered for %(line)s"),
    "substituted": N_("The shopper takes the replacement"),
    "staged": N_("On shelf %(shelf)s"),
    "ready_resent": N_("Ready message sent again"),
    "wrong_code": N_("A wrong code was tried"),
    "handed_over": N_("Handed over"),
    "shipped": N_("Shipped"),
    "collected_later": N_("Will be collected later"),
    "reminded": N_("Reminded to collect"),
    "uncollected": N_("Not collected in time"),
    "returned": N_("%(line)s: %(quantity)s came back"),
    "cancelled": N_("Cancelled and refunded"),
    "refunded": N_("%(amount)s refunded"),
    "refund_failed": N_("Refund of %(amount)s failed"),
    "refund_retried": N_("Refund of %(amount)s is tried again"),
}
OTHER: Final = N_("Something was noted")


@dataclass(frozen=True, slots=True)
class Told:
    """One entry in words. ``who``: by name, empty for shopper and system; ``note``: a reason."""

    at: datetime
    time: str
    words: str
    who: str
    note: str


def told(db: Session, view: OrderView, spoken: Words, zone: str) -> tuple[Told, ...]:
    """Return the history of an order, the oldest entry first."""
    ids = {entry.actor for entry in view.history}
    ids |= {str(entry.data["to"]) for entry in view.history if "to" in entry.data}
    people = names(db, ids)
    lines = {line.id: spoken.of(line.name_i18n, line.name) for line in view.lines}
    return tuple(
        Told(
            at=entry.at,
            time=spoken.clock_time(entry.at, zone),
            words=_words(entry, view, spoken, people, lines),
            who=people.get(entry.actor, ""),
            note=_note(entry, spoken, zone),
        )
        for entry in view.history
    )


def _note(entry: Entry, spoken: Words, zone: str) -> str:
    """Return what somebody wrote herself; other reasons are words of a list."""
    if entry.what == "collected_later":
        return " · ".join(
            filter(None, (str(entry.data.get("reason", "")), _until(entry, spoken, zone)))
        )
    if entry.what == "shipped":
        parcel = (entry.data.get("carrier", ""), entry.data.get("tracking", ""))
        return " · ".join(str(one) for one in parcel if one)
    return str(entry.data.get("proof", "")).partition(": ")[2]  # "lead: why"


def _until(entry: Entry, spoken: Words, zone: str) -> str:
    if "promise_at" not in entry.data:
        return ""
    moment = datetime.fromisoformat(str(entry.data["promise_at"]))
    day = spoken.day(moment.astimezone(ZoneInfo(zone)).date())
    return f"{day}, {spoken.clock_time(moment, zone)}"


def _words(
    entry: Entry,
    view: OrderView,
    spoken: Words,
    people: Mapping[str, str],
    lines: Mapping[str, str],
) -> str:
    data = entry.data
    text = spoken.gettext(WORDS.get(entry.what, OTHER))
    line = _first(data, "line_id", "order_line_id")
    amount = data.get("amount_minor")
    facts = {
        "to": people.get(str(data.get("to", "")), ""),
        "quantity": spoken.number(int(data.get("quantity", 1))),
        "line": lines.get(str(line), ""),
        "shelf": data.get("shelf", ""),
        "amount": spoken.money(Money(int(amount), view.currency)) if amount is not None else "",
    }
    return text % facts


def _first(data: Mapping[str, Any], *names_: str) -> object:
    return next((data[name] for name in names_ if name in data), "")
