"""The short code that staff call out: a letter and two digits.

It is unique among the open orders of a location.
The letters are far apart when they are said, one of each family that people mishear.
The codes come in a shuffled order, so that two tickets do not tell how many buy here.
"""

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, select

from cart.kernel.errors import LimitExceeded
from cart.orders.model import ORDER_OPEN
from cart.orders.tables import OrderRow

# B C D E G P T V Z rhyme, as do A H J K, M N, F S X, I Y, Q U; O looks like a zero.
LETTERS: Final = "FKLMQRTWY"
SHORT: Final = len(LETTERS) * 100
LONG: Final = len(LETTERS) * 1_000  # three digits, when the short ones are all out
LOOKED_AT_MAX: Final = 40  # of each length; a location has far fewer codes taken in a row
LOOKED_AT_FIRST: Final = 4  # as a rule the very next one is free
_NEXT: Final = text(
    "INSERT INTO ticket_sequence (location_id, given) VALUES (:location_id, :count)"
    " ON CONFLICT (location_id) DO UPDATE SET given = ticket_sequence.given + excluded.given"
    " RETURNING given"
)


def next_tickets(db: Session, location_id: str, count: int) -> list[str]:
    """Return the location's next free codes; its sequence is locked until the commit.

    Raises:
        LimitExceeded: too few of those that were tried are free.
    """
    bound = {"location_id": location_id, "count": count}
    first = int(db.connection().execute(_NEXT, bound).scalar_one()) - count + 1
    likely = [
        _code(location_id, number, SHORT, 2)
        for number in range(first, first + count - 1 + LOOKED_AT_FIRST)
    ]
    free = _free(db, location_id, likely)
    if len(free) < count:
        free = _free(db, location_id, codes(location_id, first, count))
    if len(free) < count:
        msg = f"{location_id} has too many open orders for a ticket to be free"
        raise LimitExceeded(msg, location_id=location_id)
    return free[:count]


def _free(db: Session, location_id: str, offered: Sequence[str]) -> list[str]:
    """Return those of these codes that no open order has."""
    out = set(
        db.connection()
        .execute(
            select(OrderRow.ticket).where(
                OrderRow.location_id == location_id,
                col(OrderRow.state).in_(ORDER_OPEN),
                col(OrderRow.ticket).in_(offered),
            )
        )
        .scalars()
    )
    return [code for code in offered if code not in out]


def codes(location_id: str, given: int, count: int = 1) -> list[str]:
    """Return the codes to try for a location's ``given``-th ticket, the short ones first.

    ``count``: of how many tickets that is the first.
    """
    tried = range(given, given + LOOKED_AT_MAX + count - 1)
    short = [_code(location_id, number, SHORT, 2) for number in tried]
    return short + [_code(location_id, number, LONG, 3) for number in tried]


def _code(location_id: str, number: int, size: int, digits: int) -> str:
    place = _shuffled(location_id, number // size, size)[number % size]
    letter, rest = divmod(place, 10**digits)
    return f"{LETTERS[letter]}{rest:0{digits}}"


@lru_cache(maxsize=256)
def _shuffled(location_id: str, turn: int, size: int) -> tuple[int, ...]:
    order = list(range(size))
    random.Random(f"{location_id} {turn}").shuffle(order)  # noqa: S311 - no secret, only no count
    return tuple(order)
