"""Mails about orders: written down here with their fact, sent by a workflow elsewhere.

An order without an e-mail address gets none. The id is made from the order, the
kind and a suffix, so the same fact asks for one letter however often it is told.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select
from sqlmodel.sql.sqltypes import UTCDateTime

from cart.db.rows import TEXT, Ask
from cart.kernel.clock import Clock
from cart.orders.tables import OrderLetterRow

_ASKED: Final = "carryover_letters_asked"
_ASK = text(
    "INSERT INTO order_letter (id, order_id, kind, state, requested_at, failure)"
    " SELECT :id, o.id, :kind, 'requested', :now, '' FROM placed_order AS o"
    " WHERE o.id = :order_id AND o.email <> '' ON CONFLICT (id) DO NOTHING"
).bindparams(bindparam("now", type_=UTCDateTime()))
_LETTERS: Final = (("id", TEXT), ("order_id", TEXT))
_ASK_MANY: Final = (
    "INSERT INTO order_letter (id, order_id, kind, state, requested_at, failure)"
    " SELECT d.id, d.order_id, :kind, 'requested', :now, '' FROM {rows} WHERE true"
    " ON CONFLICT (id) DO NOTHING"
)


class LetterKind(StrEnum):
    """What a letter is about."""

    RECEIPT = "receipt"  # paid: what was bought, the ticket, when it will be ready
    READY = "ready"  # it waits at the desk
    SHIPPED = "shipped"  # the carrier has it
    REMINDER = "reminder"  # it still waits
    UNCOLLECTED = "uncollected"  # nobody came: back on the shelf, refunded
    REFUND = "refund"  # money goes back


def letter_id(order_id: str, kind: str, suffix: str = "") -> str:
    """Return the id of a letter, which is its workflow's id, too."""
    return ":".join(filter(None, (order_id, kind, suffix)))


def ask(db: Session, clock: Clock, *, order_id: str, kind: str, suffix: str = "") -> None:
    """Ask for a letter about an order; again with the same suffix is the same letter.

    Nothing happens where the order has no e-mail address. ``suffix``: another
    one is another letter, such as a resend or a second refund.
    """
    db.flush()  # the order may have been written in this very unit of work
    written = db.connection().execute(
        _ASK,
        {
            "id": letter_id(order_id, LetterKind(kind), suffix),
            "order_id": order_id,
            "kind": LetterKind(kind).value,
            "now": clock.now(),
        },
    )
    if written.rowcount:
        db.info[_ASKED] = True


def were_asked(db: Session) -> bool:
    """Say whether a letter was asked for in this unit of work: whoever sends them may be told."""
    return bool(db.info.get(_ASKED))


def many_ask(db: Session, clock: Clock, order_ids: Sequence[str], kind: str) -> Ask:
    """Ask for a letter of one kind about each of these orders, which have an e-mail address.

    The answer is to be executed in this unit of work.
    """
    rows = [(letter_id(order_id, LetterKind(kind)), order_id) for order_id in order_ids]
    if rows:
        db.info[_ASKED] = True
    extra = {"kind": LetterKind(kind).value, "now": clock.now()}
    return Ask(_ASK_MANY, _LETTERS, rows, extra)


def waiting(db: Session, before: datetime, limit: int) -> list[str]:
    """Return letters asked for before ``before`` and not settled, oldest first."""
    found = db.exec(
        select(OrderLetterRow.id)
        .where(col(OrderLetterRow.state) == "requested", col(OrderLetterRow.requested_at) < before)
        .order_by(col(OrderLetterRow.requested_at), col(OrderLetterRow.id))
        .limit(limit)
    )
    return list(found.all())
