"""Which pages there are, what each shows, and its text: for the page and for the live stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from cart.audit.model import Action, On
from cart.picking.model import Staff
from cart.picking.staff import as_who
from mobile_api.look.templates import render
from mobile_api.operator.audit import log
from mobile_api.operator.fleet import device, devices
from mobile_api.operator.letters import letter, letters
from mobile_api.operator.looking import OPERATOR, OperatorLooking
from mobile_api.operator.overview import overview
from mobile_api.staff.signed_in import note_seen
from mobile_api.wiring import Parts

View = Literal["overview", "devices", "device", "letters", "letter", "audit"]


@dataclass(frozen=True, slots=True)
class Shows:
    """Under which tab a page stands, and what makes what it shows."""

    tab: str
    make: Callable[[OperatorLooking, str], Any]


VIEWS: Final[dict[View, Shows]] = {
    "overview": Shows("overview", overview),
    "devices": Shows("devices", devices),
    "device": Shows("devices", device),
    "letters": Shows("letters", letters),
    "letter": Shows("letters", letter),
    "audit": Shows("audit", log),
}


def shown(look: OperatorLooking, view: View, key: str) -> Any:  # noqa: ANN401 - what its template shows
    """Return what a page shows now.

    Raises:
        NotFound: there is no such device or letter.
    """
    return VIEWS[view].make(look, key)


def part(look: OperatorLooking, view: View, key: str) -> str:
    """Return the page's part as HTML.

    Raises:
        NotFound: there is no such device or letter.
    """
    context = {"shown": shown(look, view, key), "key": key}
    return render(look.spoken.locale, f"_operator_{view}.html", context)


def note_view(parts: Parts, me: Staff, view: View, key: str) -> None:
    """Note who reads what may name somebody: a dead letter, the audit log itself."""
    seen = {
        "letter": (Action.LETTER_SEE, On("letter", key)),
        "audit": (Action.AUDIT_SEE, On("staff", key)),
    }.get(view)
    if seen is not None:
        note_seen(parts, as_who(me, OPERATOR), *seen)
