"""What somebody in a fitting room asked to be brought, as pure rules: no clock, no file.

Owns what the glass shows of each wish, from the touch to the answer, and when it gives one up
by itself. Tuples are in the order in which she asked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from cart.kernel.gtin import Gtin
from gateway.wire.events import RequestId, SizeRequested
from gateway.wire.size_answer import (
    ANSWER_WITHIN,
    BRING_WITHIN,
    OPEN_MAX,
    Differs,
    SizeAnswer,
    SizeAnswerData,
)

GRACE: Final = timedelta(seconds=20)
"""The server ends what lasts too long, and says so; only without it the glass does by itself."""
SHOWN_FOR: Final = timedelta(minutes=5)
"""An answer that nobody touches goes by itself: it would be of no use any more."""

WishState = Literal[
    "asked", "coming", "brought", "alternative", "not_here", "lapsed", "late", "too_many", "unknown"
]
"""``lapsed``: the server says that nobody could come in time; ``late``: this device says so,
without having heard of it. ``too_many``, ``unknown``: the shop refused to take it."""

OPEN: Final[tuple[WishState, ...]] = ("asked", "coming")
_HEARS: Final[dict[WishState, tuple[SizeAnswer, ...]]] = {
    "asked": tuple(SizeAnswer),
    "late": tuple(SizeAnswer),
    "coming": tuple(answer for answer in SizeAnswer if answer is not SizeAnswer.COMING),
}
"""Which answers change anything; any other is older than what is shown."""
_STATES: Final[dict[SizeAnswer, WishState]] = {
    SizeAnswer.COMING: "coming",
    SizeAnswer.BROUGHT: "brought",
    SizeAnswer.ALTERNATIVE: "alternative",
    SizeAnswer.NOT_HERE: "not_here",
    SizeAnswer.LAPSED: "lapsed",
}


class SizeWish(BaseModel):
    """One wish. ``since``: of its state, by the server's clock; ``offered``: an alternative."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request: RequestId
    gtin: Gtin
    had: Gtin | None
    event_id: str
    sequence: int
    asked_at: datetime
    since: datetime
    state: WishState = "asked"
    offered: Gtin | None = None
    differs: Differs | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody is, or should be, at work for it."""
        return self.state in OPEN


Wishes = tuple[SizeWish, ...]


def any_open(wishes: Wishes) -> bool:
    """Say whether she waits for something."""
    return any(wish.is_open for wish in wishes)


def open_for(wishes: Wishes, gtin: Gtin) -> SizeWish | None:
    """Return the open wish for this article."""
    return next((wish for wish in wishes if wish.is_open and wish.gtin == gtin), None)


def is_full(wishes: Wishes) -> bool:
    """Say whether no more may be asked for before one of them is over."""
    return sum(wish.is_open for wish in wishes) >= OPEN_MAX


def asked(wishes: Wishes, event: SizeRequested) -> Wishes:
    """Return them with the wish of ``event``; what it takes the place of goes."""
    data = event.data
    wish = SizeWish(
        request=data.request,
        gtin=data.gtin,
        had=data.had,
        event_id=event.id,
        sequence=event.sequence,
        asked_at=event.time,
        since=event.time,
    )
    others = (one for one in wishes if one.is_open or data.gtin not in (one.gtin, one.offered))
    return (*others, wish)


def without(wishes: Wishes, request: str) -> Wishes:
    """Return them without this one."""
    return tuple(wish for wish in wishes if wish.request != request)


def answered(wishes: Wishes, data: SizeAnswerData, now: datetime) -> Wishes | None:
    """Return them with this answer; None where it is about none of them, or older than one shown.

    The same answer again changes nothing.
    """
    wish = next((one for one in wishes if one.request == data.request), None)
    if wish is None:
        return None
    if wish.state == _STATES[data.answer]:
        return wishes
    if data.answer not in _HEARS.get(wish.state, ()):
        return None
    state = _STATES[data.answer]
    told = {"state": state, "since": now, "offered": data.gtin, "differs": data.differs}
    return _changed(wishes, wish, told)


def rejected(wishes: Wishes, event_id: str, code: str) -> Wishes | None:
    """Return them after the server refused the event of one; None: it was another event."""
    wish = next((one for one in wishes if one.event_id == event_id), None)
    if wish is None:
        return None
    state: WishState = "too_many" if code == "too_many_size_requests" else "unknown"
    return _changed(wishes, wish, {"state": state})


def aged(wishes: Wishes, now: datetime) -> Wishes:
    """Return them at this moment of the server's clock: given up, or gone, where it is time."""
    kept = []
    for wish in wishes:
        if wish.is_open:
            limit = ANSWER_WITHIN if wish.state == "asked" else BRING_WITHIN
            if now - wish.since > limit + GRACE:
                kept.append(wish.model_copy(update={"state": "late", "since": now}))
            else:
                kept.append(wish)
        elif now - wish.since <= SHOWN_FOR:
            kept.append(wish)
    return tuple(kept)


def waited_min(wish: SizeWish, now: datetime) -> int:
    """Return for how many whole minutes she has waited for it."""
    return max(0, int((now - wish.asked_at).total_seconds() // 60))


def _changed(wishes: Wishes, wish: SizeWish, told: Mapping[str, object]) -> Wishes:
    fresh = wish.model_copy(update=told)
    return tuple(fresh if one is wish else one for one in wishes)
