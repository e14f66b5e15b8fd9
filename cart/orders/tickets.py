"""The short code that staff call out: a letter and two digits.

It is unique among the open orders of a location.
The letters are far apart when they are said, one of each family that people mishear.
The codes come in a shuffled order, so that two tickets do not tell how many buy here.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from sqlmodel import Session

from cart.db.rows import INTEGER, TEXT, AnyRow, Ask, run
from cart.kernel.errors import LimitExceeded
from cart.orders.model import ORDER_OPEN

# B C D E G P T V Z rhyme, as do A H J K, M N, F S X, I Y, Q U; O looks like a zero.
LETTERS: Final = "FKLMQRTWY"
SHORT: Final = len(LETTERS) * 100
LONG: Final = len(LETTERS) * 1_000  # three digits, when the short ones are all out
LOOKED_AT_MAX: Final = 40  # of each length; a location has far fewer codes taken in a row
LOOKED_AT_FIRST: Final = 4  # as a rule the very next one is free
_NEXT: Final = (
    "INSERT INTO ticket_sequence (location_id, given) SELECT d.location_id, d.wanted FROM {rows}"
    " WHERE true ORDER BY d.location_id"
    " ON CONFLICT (location_id) DO UPDATE SET given = ticket_sequence.given + excluded.given"
    " RETURNING location_id, given"
)
_OPEN: Final = ", ".join(f"'{state.value}'" for state in ORDER_OPEN)
_OUT: Final = (
    "SELECT o.ticket FROM {rows} JOIN placed_order AS o ON o.location_id = d.location_id"  # noqa: S608
    f" AND o.ticket = d.ticket AND o.state IN ({_OPEN})"
)


def sequence_ask(wanted: Mapping[str, int]) -> Ask:
    """Ask for so many tickets of each location; their sequences are locked until the commit."""
    return Ask(_NEXT, (("location_id", TEXT), ("wanted", INTEGER)), [*wanted.items()])


def tickets_of(
    db: Session, rows: Iterable[AnyRow], wanted: Mapping[str, int]
) -> dict[str, list[str]]:
    """Return the next free codes of each location, of what was found for :func:`sequence_ask`.

    Raises:
        LimitExceeded: too few of those that were tried are free.
    """
    return {row[0]: _tickets(db, row[0], row[1], wanted[row[0]]) for row in rows}


def _tickets(db: Session, location_id: str, given: int, count: int) -> list[str]:
    first = given - count + 1
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
    rows = [(location_id, code) for code in offered]
    out = {row[0] for row in run(db, _OUT, (("location_id", TEXT), ("ticket", TEXT)), rows)}
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
