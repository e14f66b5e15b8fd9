"""What staff say to a size request: take it, come, offer another, not here, brought.

Every step is one guarded update: of two who take it at once one has it, and whoever comes too
late changes nothing. The glass is told in the same transaction.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, case, literal
from sqlmodel import Session, col, or_, select, update
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.kernel.clock import Clock
from cart.kernel.errors import (
    InsufficientStock,
    InvalidInput,
    SizeRequestOver,
    SizeRequestTaken,
    UnknownSizeRequest,
)
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.picking.model import Staff
from cart.ports import Shop
from gateway.binding.tables import BindingRow
from gateway.commands.service import ask_size_answered
from gateway.rooms import choices
from gateway.rooms.model import (
    ANSWERS,
    OPEN,
    SAID_FOR,
    STEPS,
    UNANSWERED,
    SizeState,
    differs,
)
from gateway.rooms.tables import SizeRequestRow
from gateway.wire.size_answer import Differs, SizeAnswer, SizeAnswerData

_SAID: Final = {
    SizeState.COMING: SizeAnswer.COMING,
    SizeState.ALTERNATIVE: SizeAnswer.ALTERNATIVE,
    SizeState.NOT_HERE: SizeAnswer.NOT_HERE,
    SizeState.BROUGHT: SizeAnswer.BROUGHT,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that was done.

    ``device_id``: who is to be told, empty for nobody. ``answered_s``, ``brought_s``: seconds
    since she asked, where this step was the answer, or brought it.
    """

    location_id: str
    device_id: str = ""
    answered_s: float | None = None
    brought_s: float | None = None


def step(
    db: Session, clock: Clock, ids: Ids, *, staff: Staff, request_id: str, to: SizeState
) -> Moved | None:
    """Bring a request to this state; None if she has done so before.

    ``to``: any but ALTERNATIVE, for which see :func:`offer`. A lead may go on with what a
    colleague has taken.

    Raises:
        UnknownSizeRequest: none of her location.
        SizeRequestTaken: a colleague has it.
        SizeRequestOver: it, or the visit, is over; or nobody has taken what was brought.
    """
    moved = _move(db, clock, staff=staff, request_id=request_id, to=to)
    return _told(db, clock, ids, moved, to) if moved is not None else None


def offer(
    db: Session,
    clock: Clock,
    ids: Ids,
    shop: Shop,
    *,
    staff: Staff,
    request_id: str,
    gtin: Gtin,
) -> Moved | None:
    """Offer another variant of the product instead; None if she has done so before.

    Raises:
        UnknownSizeRequest, SizeRequestTaken, SizeRequestOver: as in :func:`step`.
        InvalidInput: it is no other variant of this product that the location has.
        InsufficientStock: it has, and none of it is left.
    """
    row = _found(db, staff, request_id)
    chosen = next((one for one in choices.of(db, shop, row) if one.article.gtin == gtin), None)
    if chosen is None:
        msg = "this cannot be offered instead"
        raise InvalidInput(msg, gtin=gtin)
    if not chosen.pieces and row.state in _values(OPEN):
        msg = f"no piece of {chosen.article.sku} is left"
        raise InsufficientStock(msg, sku=chosen.article.sku, left=0)
    to = SizeState.ALTERNATIVE
    moved = _move(db, clock, staff=staff, request_id=request_id, to=to, offered_gtin=gtin)
    if moved is None:
        return None
    wanted = choices.wanted(db, shop, row)
    other = (chosen.article.colour, chosen.article.size)
    how = differs((wanted.colour, wanted.size), other) if wanted is not None else None
    return _told(db, clock, ids, moved, to, gtin=gtin, how=how)


def _found(db: Session, staff: Staff, request_id: str) -> SizeRequestRow:
    row = db.get(SizeRequestRow, request_id, populate_existing=True)
    if row is None or row.location_id != staff.location_id:
        msg = f"{staff.location_id} has no size request {request_id}"
        raise UnknownSizeRequest(msg)
    return row


def _move(
    db: Session,
    clock: Clock,
    *,
    staff: Staff,
    request_id: str,
    to: SizeState,
    **more: object,
) -> Row[Any] | None:
    now = clock.now()
    values: dict[str, object] = {"state": to.value, "taken_by": staff.id, **more}
    if to is SizeState.TAKEN:
        values["taken_at"] = now
    if to is SizeState.COMING:
        values["coming_at"] = now
    if to in ANSWERS:
        values["answered_at"] = case(
            (col(SizeRequestRow.state).in_(_values(UNANSWERED)), literal(now, UTCDateTime())),
            else_=col(SizeRequestRow.answered_at),
        )
    if to not in OPEN:
        values["ended_at"] = now
    free = or_(col(SizeRequestRow.taken_by).is_(None), SizeRequestRow.taken_by == staff.id)
    goes_on = select(BindingRow.id).where(
        BindingRow.id == SizeRequestRow.binding_id, col(BindingRow.ended_at).is_(None)
    )
    moved = db.execute(
        update(SizeRequestRow)
        .where(
            col(SizeRequestRow.id) == request_id,
            col(SizeRequestRow.location_id) == staff.location_id,
            col(SizeRequestRow.state).in_(_values(STEPS[to])),
            *([] if staff.is_lead else [free]),
            goes_on.exists(),
        )
        .values(**values)
        .returning(
            *map(
                col,
                (
                    SizeRequestRow.binding_id,
                    SizeRequestRow.device_id,
                    SizeRequestRow.location_id,
                    SizeRequestRow.request,
                    SizeRequestRow.asked_at,
                    SizeRequestRow.answered_at,
                ),
            )
        )
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        _refuse(_found(db, staff, request_id), staff, to, more)
    return moved


def _refuse(row: SizeRequestRow, staff: Staff, to: SizeState, more: dict[str, object]) -> None:
    """Say why nothing moved; say nothing if it was done before by the same person."""
    same = all(getattr(row, name) == value for name, value in more.items())
    if row.state == to and row.taken_by == staff.id and same:
        return
    if row.state in _values(OPEN) and row.taken_by not in (None, staff.id):
        msg = "a colleague has it"
        raise SizeRequestTaken(msg)
    msg = f"it is {row.state}, or the visit is over"
    raise SizeRequestOver(msg)


def _told(
    db: Session,
    clock: Clock,
    ids: Ids,
    moved: Row[Any],
    to: SizeState,
    *,
    gtin: Gtin | None = None,
    how: Differs | None = None,
) -> Moved:
    """Tell the glass what it has to know, and say what was done."""
    now = clock.now()
    if to not in _SAID:
        return Moved(moved.location_id)
    answer = SizeAnswerData(
        visit=db.exec(select(BindingRow.visit).where(BindingRow.id == moved.binding_id)).one(),
        request=moved.request,
        answer=_SAID[to],
        gtin=gtin,
        differs=how,
        until=now + SAID_FOR,
    )
    ask_size_answered(db, clock, ids, device_id=moved.device_id, answer=answer)
    waited_s = max(0.0, (now - moved.asked_at).total_seconds())
    return Moved(
        moved.location_id,
        moved.device_id,
        answered_s=waited_s if moved.answered_at == now else None,
        brought_s=waited_s if to is SizeState.BROUGHT else None,
    )


def _values(states: tuple[SizeState, ...]) -> list[str]:
    return [one.value for one in states]
