"""Which pages there are, what each shows, and its text: for the page and for the live stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from mobile_api.look.templates import render
from mobile_api.operator.fleet import device, devices
from mobile_api.operator.letters import letter, letters
from mobile_api.operator.looking import OperatorLooking
from mobile_api.operator.overview import overview

View = Literal["overview", "devices", "device", "letters", "letter"]


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
