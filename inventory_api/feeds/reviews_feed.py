"""Review rows to reviews. The same person, day and words are the same review."""

import hashlib

from sqlmodel import Session

from cart.db.rows import INTEGER, TEXT, run
from cart.kernel.clock import Clock
from inventory_api.catalogue import service
from inventory_api.feeds.applying import Applied, Firsts, Lines
from inventory_api.feeds.report import Problem
from inventory_api.feeds.rows import ReviewRow
from inventory_api.feeds.upsert import Table

_REVIEW = Table(
    "review",
    1,
    (
        ("id", TEXT),
        ("product_id", TEXT),
        ("author", TEXT),
        ("rating", INTEGER),
        ("text", TEXT),
        ("language", TEXT),
        ("written_on", "date"),
    ),
)


class ReviewsFeed:
    """One reviews file."""

    model = ReviewRow

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = Firsts("")

    def judge(self, line: int, row: ReviewRow) -> list[Problem]:
        """Refuse the same review a second time."""
        twice = self._ids.problem(line, _id(row), "the same review")
        return [twice] if twice else []

    def apply(self, db: Session, lines: Lines[ReviewRow]) -> Applied:
        """Bring a chunk in; reviews of products that the catalogue lacks are left out."""
        service.lock(db)
        found = run(
            db,
            "SELECT p.id FROM {rows} JOIN product AS p ON p.id = d.id",
            (("id", TEXT),),
            [(product_id,) for product_id in {row.product_id for _, row in lines}],
        )
        known = {row[0] for row in found}
        problems = [
            Problem(line, "product_id", f"the catalogue has no product {row.product_id}")
            for line, row in lines
            if row.product_id not in known
        ]
        changed = _REVIEW.upsert(
            db,
            (
                (
                    _id(row),
                    row.product_id,
                    row.author,
                    row.rating,
                    row.text,
                    row.language,
                    row.written_on.isoformat(),
                )
                for _, row in lines
                if row.product_id in known
            ),
        )
        if changed:
            service.bump(db, self._clock)
        return Applied(len(changed), problems)


def _id(row: ReviewRow) -> str:
    parts = (row.product_id, row.author, row.written_on.isoformat(), row.language, row.text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
