"""What a wristband that was held to a device comes to, and its end when she has gone.

Owns the bindings that a band made: only they end when the band goes away. Sends nothing: what
the device is told is kept as commands in the same transaction, who else is concerned is told by
whoever called.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from cart.carts.apply import CartChange
from cart.kernel.clock import Clock, from_us, to_us
from cart.kernel.ids import Ids
from gateway.binding import queries
from gateway.binding.model import EndReason, TapAnswer, TapState, is_stale, judge_tap
from gateway.binding.queries import Bound
from gateway.binding.service import release, take
from gateway.binding.tables import BindingRow
from gateway.commands.service import (
    ask_greeting,
    ask_tap_answered,
    forget_greetings,
    greeting_of,
    unanswered_greetings,
)
from gateway.ports import Holder
from gateway.registry.model import DeviceRecord
from gateway.wire.downlink import GREETING_LENGTH_MAX, GreetData, TapData, TapOutcome
from gateway.wire.events import Presented

# A device that is there answers within a second. After this she stands there no more, or has
# held her band to it once again.
ANSWER_WITHIN: Final = timedelta(seconds=15)
# What begins nothing, and is said to her.
_SAID: Final = {
    TapAnswer.BUSY: TapOutcome.BUSY,
    TapAnswer.AMBIGUOUS: TapOutcome.AMBIGUOUS,
    TapAnswer.UNKNOWN: TapOutcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Tapped:
    """What came of it.

    ``bound``: the visit that is hers now or was before, None when there is none. ``changes``: carts
    that the visit's lines were added to; ``claim_id`` names that for an undo. ``over``: her visits
    at other devices, and one that could not go on, as they are now.
    """

    answer: TapAnswer
    device_id: str
    bound: Bound | None = None
    claim_id: str = ""
    changes: tuple[CartChange, ...] = ()
    over: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """Visits that ended because their device did not greet, and what it goes on with instead."""

    over: list[Bound] = field(default_factory=list)
    tapped: Tapped | None = None


def present(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    tablet: DeviceRecord,
    holders: Sequence[Holder],
    strangers: int,
    at: datetime,
    by: Presented,
) -> Tapped:
    """Do what a wristband held to ``tablet`` asks for, in this unit of work.

    ``holders``: who has the bands that were near, the strongest first; ``strangers``: how many
    were nobody's. ``at``: when, by the reader's clock.
    """
    now = clock.now()
    if is_stale(at, now):
        return Tapped(TapAnswer.STALE, tablet.id)
    known: dict[str, Holder] = {}
    for one in holders:
        session_id = queries.session_now(db, one.session_id, one.customer_id)
        if session_id is None:
            strangers += 1
        else:
            known.setdefault(session_id, replace(one, session_id=session_id))
    live = queries.held_for_tap(db, tablet.id, known)
    state = TapState(live.session_id, live.claimed_at_us is not None) if live else TapState()
    answer = judge_tap(state, known, strangers, pressed=by is Presented.NEWS)
    if answer in _SAID:
        said = TapData(outcome=_SAID[answer], until=now + ANSWER_WITHIN)
        ask_tap_answered(db, clock, ids, device_id=tablet.id, answer=said)
        return Tapped(answer, tablet.id)
    if live is None:
        (holder,) = known.values()
        live = _begin(db, clock, ids, tablet=tablet, holder=holder, at=at)
        tapped = Tapped(answer, tablet.id)
        return _hers(db, clock, ids, tapped=tapped, live=live, holder=holder, begin=True)
    tapped = Tapped(answer, tablet.id)
    holder = known.get(live.session_id) or next(iter(known.values()))
    if answer is TapAnswer.TAKEN:
        tapped = _taken(db, clock, live, holder.session_id, holder.loan_id)
    return _hers(db, clock, ids, tapped=tapped, live=live, holder=holder, begin=False)


def _begin(
    db: Session, clock: Clock, ids: Ids, *, tablet: DeviceRecord, holder: Holder, at: datetime
) -> BindingRow:
    now_us = to_us(clock.now())
    made = BindingRow(
        id=ids.new("binding"),
        device_id=tablet.id,
        visit=ids.new("visit"),
        session_id=holder.session_id,
        location_id=tablet.address.location_id,
        started_at_us=min(to_us(at), now_us),
        last_event_at_us=now_us,
        claimed_at_us=now_us,
        band_loan_id=holder.loan_id,
    )
    db.add(made)
    db.flush()
    return made


def _taken(db: Session, clock: Clock, live: BindingRow, session_id: str, loan_id: str) -> Tapped:
    claim = take(db, clock, live, session_id, band_loan_id=loan_id)
    return Tapped(TapAnswer.TAKEN, live.device_id, claim_id=claim.binding_id, changes=claim.changes)


def _hers(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    tapped: Tapped,
    live: BindingRow,
    holder: Holder,
    begin: bool,
) -> Tapped:
    """Greet her; a band is at one place, so what it opened elsewhere is over."""
    greeting = GreetData.model_validate(
        {
            "visit": live.visit,
            "greeting": holder.greeting[:GREETING_LENGTH_MAX],
            "locale": holder.locale,
            "until": clock.now() + ANSWER_WITHIN,
        }
    )
    key = (live.device_id, live.visit)
    ask_greeting(db, clock, ids, device_id=live.device_id, greeting=greeting, begin=begin)
    elsewhere = [one for one in queries.by_band(db, loan_id=holder.loan_id) if one != key]
    over = _let_go(db, clock, ids, elsewhere, EndReason.LEFT)
    return replace(tapped, bound=queries.visits(db, [key]).get(key), over=tuple(over))


def leave(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    session_id: str | None = None,
    loan_id: str | None = None,
    device_ids: Collection[str] | None = None,
    location_id: str | None = None,
    reason: str = EndReason.LEFT,
) -> list[Bound]:
    """End what a band made hers at these devices, or at all of a location, or anywhere.

    Who she is says the loan of her band, or the session: with the loan it is found also where
    she has signed in since. The devices are asked to clear themselves; return the visits as they
    are now. What a phone claimed goes on. A second time nothing is left to end.
    """
    keys = queries.by_band(
        db,
        loan_id=loan_id,
        session_id=session_id,
        device_ids=device_ids,
        location_id=location_id,
    )
    return _let_go(db, clock, ids, keys, reason)


def refused(db: Session, clock: Clock, ids: Ids, *, device_id: str, command_id: str) -> Released:
    """Let go of a visit that its device did not begin or does not have.

    Another one may go on there whose start came after the tap, or was on its way: if it is
    nobody's, it is hers, as if it had been known when she held her band there. Call before
    the command is settled.
    """
    greeting = greeting_of(db, device_id, command_id)
    if greeting is None:
        return Released()
    queries.held_for_tap(db, device_id)
    binding = queries.of_visit(db, device_id, greeting.visit)
    if binding is None or binding.band_loan_id is None:
        return Released()
    session_id, loan_id = binding.session_id, binding.band_loan_id
    was_live, why = binding.ended_at is None, binding.end_reason
    over = _let_go(db, clock, ids, [(device_id, greeting.visit)] if was_live else [])
    if clock.now() > greeting.until or not (was_live or why == EndReason.SUPERSEDED):
        return Released(over)
    live = queries.held_for_tap(db, device_id, [session_id])
    if live is None:
        live = _reopened(db, device_id, from_us(binding.last_event_at_us))
    if live is None or live.claimed_at_us is not None:
        return Released(over)
    tapped = _taken(db, clock, live, session_id, loan_id)
    key = (device_id, live.visit)
    again = greeting.model_copy(update={"visit": live.visit})
    ask_greeting(db, clock, ids, device_id=device_id, greeting=again, begin=False)
    return Released(over, replace(tapped, bound=queries.visits(db, [key]).get(key)))


def unanswered(db: Session, clock: Clock, ids: Ids) -> list[Bound]:
    """Let go of visits with which a device was to greet and did not say that it did.

    For the sweep; what it was to say is forgotten. Return the visits as they are now.
    """
    asked = unanswered_greetings(db, clock)
    keys: list[queries.VisitKey] = []
    for device_id, visit in sorted({(device_id, said.visit) for device_id, said in asked}):
        binding = queries.of_visit(db, device_id, visit)
        if binding is not None and binding.band_loan_id is not None and binding.ended_at is None:
            keys.append((device_id, visit))
    over = _let_go(db, clock, ids, keys)
    forget_greetings(db, [device_id for device_id, _ in asked], void_at=clock.now())
    return over


def _reopened(db: Session, device_id: str, since: datetime) -> BindingRow | None:
    """Let the visit live that was taken for one from before: its device is still with it."""
    late = queries.latest_late(db, device_id, since)
    if late is not None:
        late.ended_at, late.end_reason = None, ""
        db.add(late)
        db.flush()
    return late


def _let_go(
    db: Session,
    clock: Clock,
    ids: Ids,
    keys: Collection[queries.VisitKey],
    reason: str = EndReason.UNMET,
) -> list[Bound]:
    over = queries.visits(db, keys)
    forget_greetings(db, [device_id for device_id, _ in over])
    for device_id, visit in over:
        release(db, clock, ids, device_id=device_id, visit=visit, reason=reason)
    return [replace(bound, live=False) for bound in over.values()]
