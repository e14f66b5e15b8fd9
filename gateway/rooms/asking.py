"""What a mirror says of a fitting room: brought in, asked for, called off, over.

In the unit of work of ingest, which alone works for a device; so looking first and writing
then leaves no room for a rival.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select, update

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.kernel.errors import TooManySizeRequests, TooMuchTried
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids
from cart.ports import Sellable
from gateway.binding.queries import Bound
from gateway.commands.service import ask_size_answered, forget_size_answers
from gateway.rooms.model import ANSWER_WITHIN, OPEN, OPEN_MAX, SAID_FOR, TRIED_MAX, SizeState
from gateway.rooms.tables import SizeRequestRow, TriedItemRow
from gateway.wire.size_answer import SizeAnswer, SizeAnswerData


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted in a fitting room. ``at``: when, as far as the device's clock is right."""

    bound: Bound
    location_id: str
    request: str
    article: Sellable
    had: Gtin | None
    at: datetime


def ask(db: Session, clock: Clock, ids: Ids, wish: Wish) -> bool | None:
    """Keep a wish; the same again changes nothing and is None. Say whether its device is told.

    It is told at once where the wish is so old that nobody waits for it any more.

    Raises:
        TooManySizeRequests: OPEN_MAX of this visit are open.
    """
    mine = SizeRequestRow.binding_id == wish.bound.binding_id
    known = db.exec(select(SizeRequestRow.id).where(mine, SizeRequestRow.request == wish.request))
    if known.first() is not None:
        return None
    open_ones = select(func.count()).where(mine, col(SizeRequestRow.state).in_(_values(OPEN)))
    if db.exec(open_ones).one() >= OPEN_MAX:
        msg = f"{OPEN_MAX} things are on their way to {wish.bound.device_id} already"
        raise TooManySizeRequests(msg)
    now = clock.now()
    is_late = now - wish.at > ANSWER_WITHIN
    values = {
        "id": ids.new("size"),
        "binding_id": wish.bound.binding_id,
        "device_id": wish.bound.device_id,
        "location_id": wish.location_id,
        "request": wish.request,
        "gtin": wish.article.gtin,
        "sku": wish.article.sku,
        "product_id": wish.article.product_id,
        "had_gtin": wish.had,
        "state": (SizeState.LAPSED if is_late else SizeState.ASKED).value,
        "asked_at": min(wish.at, now),
        "ended_at": now if is_late else None,
    }
    insert_new(db, SizeRequestRow, values, keys=["binding_id", "request"])
    if is_late:
        answer = SizeAnswerData(
            visit=wish.bound.visit,
            request=wish.request,
            answer=SizeAnswer.LAPSED,
            until=now + SAID_FOR,
        )
        ask_size_answered(db, clock, ids, device_id=wish.bound.device_id, answer=answer)
    return is_late


def cancel(db: Session, clock: Clock, *, binding_id: str, request: str) -> bool:
    """Call a wish off, whoever may be on her way; say whether it was open."""
    gone = (
        update(SizeRequestRow)
        .where(
            col(SizeRequestRow.binding_id) == binding_id,
            col(SizeRequestRow.request) == request,
            col(SizeRequestRow.state).in_(_values(OPEN)),
        )
        .values(state=SizeState.CANCELLED.value, ended_at=clock.now())
    )
    return bool(write(db, gone))


def close(db: Session, clock: Clock, over: Collection[Bound]) -> set[str]:
    """Call off all that these visits, which are over, asked for; return where that was.

    What their devices were to be answered is forgotten: the next person there has not asked.
    """
    if not over:
        return set()
    gone = db.execute(
        update(SizeRequestRow)
        .where(
            col(SizeRequestRow.binding_id).in_({one.binding_id for one in over}),
            col(SizeRequestRow.state).in_(_values(OPEN)),
        )
        .values(state=SizeState.CANCELLED.value, ended_at=clock.now())
        .returning(col(SizeRequestRow.location_id))
        .execution_options(synchronize_session="fetch")
    )
    forget_size_answers(db, {one.device_id for one in over})
    return {row.location_id for row in gone.all()}


def bring_in(db: Session, *, binding_id: str, article: Sellable, reader: str, at: datetime) -> bool:
    """Note that something was brought into a fitting room; say whether it is new there.

    Raises:
        TooMuchTried: TRIED_MAX things were.
    """
    mine = TriedItemRow.binding_id == binding_id
    if db.get(TriedItemRow, (binding_id, article.gtin)) is not None:
        return False
    if db.exec(select(func.count()).where(mine)).one() >= TRIED_MAX:
        msg = f"{TRIED_MAX} things were brought into this fitting room already"
        raise TooMuchTried(msg)
    values = {
        "binding_id": binding_id,
        "gtin": article.gtin,
        "sku": article.sku,
        "reader": reader,
        "tried_at": at,
    }
    return insert_new(db, TriedItemRow, values, keys=["binding_id", "gtin"])


def _values(states: Collection[SizeState]) -> list[str]:
    return [one.value for one in states]
