"""Source of looks: turns before a mirror that were kept, and what was worn in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cart.journeys.collecting.model import OVERLAP, At, Told
from cart.journeys.collecting.reading import Order, last_of, page
from cart.looks.model import GRANTED_FOR, State
from cart.looks.tables import LookItemRow, LookKeyRow, LookRow
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks that were kept. A look is there only once its pictures have come in."""

    name: str = "looks"
    kinds: frozenset[Kind] = frozenset({Kind.LOOK_KEPT, Kind.TRIED})
    overlap: timedelta = GRANTED_FOR + OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell looks in the order in which they were taken."""
        row = LookRow
        asked = (
            select(row, col(LookKeyRow.session_id))
            .join(LookKeyRow)
            .where(col(row.state) == State.KEPT.value)
        )
        rows = page(db, asked, Order(col(row.taken_at), col(row.id)), after, limit)
        first = origins(db, "look_key", [one[0].key_id for one in rows])
        worn = select(LookItemRow).where(col(LookItemRow.look_id).in_([one[0].id for one in rows]))
        items = list(db.execute(worn.order_by(col(LookItemRow.position))).scalars())
        found = [one for row in rows for one in _look(row, first, items)]
        return Told(found, last_of(rows), more=len(rows) == limit)


def _look(row: Any, first: dict[str, str], items: list[LookItemRow]) -> Iterator[Interaction]:  # noqa: ANN401 - a row of two
    look, session_id = row[0], row[1]
    shared = {
        "session_id": first.get(look.key_id, session_id),
        "channel": Channel.MIRROR,
        "at": look.taken_at,
        "location_id": look.location_id,
        "device_id": look.device_id,
        "ref": look.id,
    }
    yield Interaction(id=f"look:{look.id}", kind=Kind.LOOK_KEPT, **shared)
    for item in items:
        if item.look_id == look.id:
            yield Interaction(
                id=f"look:{look.id}:{item.gtin}",
                kind=Kind.TRIED,
                gtin=item.gtin,
                quantity=1,
                **shared,
            )
