"""Recounts stock against its ledger and against what is promised. Reads only."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from inventory_api.stock.queries import Pair


@dataclass(frozen=True, slots=True)
class Difference:
    """A stock row that does not add up.

    ``ledger…``: the sums of its movements. ``promised_…``: the sums of its reservations.
    """

    location_id: str
    sku: str
    on_hand: int
    reserved: int
    allocated: int
    ledger: int
    ledger_reserved: int
    ledger_allocated: int
    promised_reserved: int
    promised_allocated: int

    @property
    def promises_agree(self) -> bool:
        """Whether the stock says what its reservations say."""
        return (self.reserved, self.allocated) == (self.promised_reserved, self.promised_allocated)

    @property
    def ledger_deltas(self) -> tuple[int, int, int]:
        """What the ledger lacks: pieces on hand, reserved, allocated."""
        return (
            self.on_hand - self.ledger,
            self.reserved - self.ledger_reserved,
            self.allocated - self.ledger_allocated,
        )

    @property
    def reasons(self) -> list[str]:
        """What is wrong, in words."""
        found = []
        if self.ledger != self.on_hand:
            found.append(f"the ledger says {self.ledger}, on hand are {self.on_hand}")
        for word, number, ledger, promised in (
            ("reserved", self.reserved, self.ledger_reserved, self.promised_reserved),
            ("allocated", self.allocated, self.ledger_allocated, self.promised_allocated),
        ):
            if ledger != number:
                found.append(f"the ledger says {ledger} {word}, the stock {number}")
            if promised != number:
                found.append(f"reservations say {promised} {word}, the stock {number}")
        if min(self.reserved, self.allocated, self.on_hand) < 0:
            found.append("a number is below zero")
        if self.reserved + self.allocated > self.on_hand:
            promised = self.reserved + self.allocated
            found.append(f"{promised} are promised, on hand are {self.on_hand}")
        return found


def differences(
    db: Session, limit: int, *, after: Pair = ("", ""), only: Pair | None = None
) -> list[Difference]:
    """Recount: return rows after ``after`` whose numbers do not add up, at most ``limit``.

    One statement, so it sees one moment: a movement, its promise and its stock row
    together. ``only``: look at this one pair.
    """
    which, key = "(location_id, sku) > (:location_id, :sku)", after
    if only is not None:
        which, key = "location_id = :location_id AND sku = :sku", only
    found = db.connection().execute(
        text(
            "WITH s AS (SELECT location_id, sku, on_hand, reserved, allocated FROM stock"  # noqa: S608
            f" WHERE {which}),"
            " l AS (SELECT location_id, sku, sum(delta) AS on_hand,"
            " sum(reserved_delta) AS reserved, sum(allocated_delta) AS allocated"
            f" FROM movement WHERE {which} GROUP BY location_id, sku),"
            " p AS (SELECT location_id, sku, sum(reserved) AS reserved,"
            f" sum(allocated) AS allocated FROM reservation WHERE {which}"
            " GROUP BY location_id, sku),"
            " n AS (SELECT s.location_id, s.sku, s.on_hand, s.reserved, s.allocated,"
            " coalesce(l.on_hand, 0) AS l_on_hand, coalesce(l.reserved, 0) AS l_reserved,"
            " coalesce(l.allocated, 0) AS l_allocated, coalesce(p.reserved, 0) AS p_reserved,"
            " coalesce(p.allocated, 0) AS p_allocated FROM s"
            " LEFT JOIN l ON l.location_id = s.location_id AND l.sku = s.sku"
            " LEFT JOIN p ON p.location_id = s.location_id AND p.sku = s.sku)"
            " SELECT * FROM n WHERE on_hand <> l_on_hand OR reserved <> l_reserved"
            " OR allocated <> l_allocated OR reserved <> p_reserved OR allocated <> p_allocated"
            " OR on_hand < 0 OR reserved < 0 OR allocated < 0 OR reserved + allocated > on_hand"
            " ORDER BY location_id, sku LIMIT :limit"
        ),
        {"location_id": key[0], "sku": key[1], "limit": limit},
    )
    return [Difference(row[0], row[1], *map(int, row[2:])) for row in found]
