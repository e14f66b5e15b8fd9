"""How a source pages through its table: by the time a fact was written, and then by its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, or_
from sqlmodel import Session, col

from cart.journeys.collecting.model import At, Told
from cart.kernel.clock import from_us, to_us
from cart.profile.timeline.model import Interaction
from cart.profile.timeline.tables import InteractionRow


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a table's facts.

    ``written``: column of the time, in microseconds where ``in_us``; ``name``: what tells facts
    of one time apart. ``id``: of the one interaction of a fact, so that what is told already is
    not read again; None where a fact has several.
    """

    written: Any  # columns and expressions of SQL have no type in common
    name: Any
    id: Any = None
    in_us: bool = False


def page(
    db: Session,
    asked: "Select[*tuple[Any, ...]]",
    order: Order,
    after: At,
    limit: int,
) -> Sequence[Any]:
    """Return the next rows of ``asked``; after its own columns each has time and name."""
    moment: int | datetime = after.written_us if order.in_us else from_us(after.written_us)
    written, name = order.written, order.name
    later = or_(written > moment, and_(written == moment, name > after.name))
    # The plain bound first: it is what an index is asked for.
    found = asked.add_columns(written, name).where(written >= moment, later)
    if order.id is not None:
        found = found.where(~exists().where(col(InteractionRow.id) == order.id))
    return db.execute(found.order_by(written, name).limit(limit)).all()


def told(rows: Sequence[Any], limit: int, tell: Callable[[Any], Interaction | None]) -> Told:
    """Return what the rows of a page tell, one interaction each or none."""
    found = [one for row in rows if (one := tell(row)) is not None]
    return Told(found, last_of(rows), more=len(rows) == limit)


def last_of(rows: Sequence[Any]) -> At | None:
    """Return the place of a page's last row."""
    if not rows:
        return None
    written, name = rows[-1][-2:]
    return At(written if isinstance(written, int) else to_us(written), name)
