"""Selects and state changes of wishes for a mail, for the mail workflow."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, update

from cart.carts.queries import waiting_requests
from cart.carts.tables import ListRequestRow
from cart.db import unit_of_work
from cart.journeys.tables import JourneyMessageRow
from cart.orders.tables import OrderLetterRow
from cart.profile.subscriptions.tables import TopicLetterRow
from cart.profile.tables import AccountLetterRow, SignInCodeRow
from mobile_api.mail.model import Attempt, Outcome

Wish = (
    type[ListRequestRow]
    | type[OrderLetterRow]
    | type[SignInCodeRow]
    | type[AccountLetterRow]
    | type[TopicLetterRow]
    | type[JourneyMessageRow]
)
Waiting = Callable[[Session, datetime, int], Sequence[str]]


def settle(
    engine: Engine, request_id: str, attempt: Attempt, now: datetime, wish: Wish = ListRequestRow
) -> None:
    """Write what became of a wish; what is settled stays as it is."""
    sent = attempt.outcome is Outcome.SENT
    with unit_of_work(engine) as db:
        db.exec(
            update(wish)
            .where(col(wish.id) == request_id, col(wish.state) == "requested")
            .values(
                state="sent" if sent else "failed",
                sent_at=now if sent else None,
                failure="" if sent else attempt.reason,
            )
        )


def to_start(
    db: Session,
    before: datetime,
    started: Collection[str],
    most: int,
    waiting: Waiting = waiting_requests,
) -> list[str]:
    """Return at most ``most`` wishes asked for before ``before`` that are not in ``started``.

    Those that were started wait here too while their mail server is away; they
    must not stand in the way of the others.
    """
    found = waiting(db, before, most + len(started))
    return [one for one in found if one not in started][:most]


def erase_addresses(db: Session, before: datetime) -> int:
    """Empty the addresses of wishes that were settled, and asked for before ``before``."""
    done = db.exec(
        update(ListRequestRow)
        .where(
            col(ListRequestRow.state) != "requested",
            col(ListRequestRow.email) != "",
            col(ListRequestRow.requested_at) < before,
        )
        .values(email="")
    )
    return int(done.rowcount)
