"""What the shop learns of looks, without pictures: what was tried on, and bought or not.

Of groups only: what fewer than GROUP_MIN shoppers did is not said, nor what would tell it by
taking one number from another.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, distinct, exists, func, select

from cart.looks.model import GROUP_MIN, State
from cart.looks.tables import LookItemRow, LookKeyRow, LookRow
from cart.orders.tables import OrderLineRow, OrderRow


@dataclass(frozen=True, slots=True)
class Tried:
    """A product that was tried on, by shoppers. None: fewer than GROUP_MIN, or nearly all."""

    gtin: str
    tried: int
    bought: int | None
    not_bought: int | None


def tried(db: Session, location_id: str, since: datetime, limit: int) -> list[Tried]:
    """Return what was tried on at a location, in looks that are still kept; most often first."""
    shoppers = func.count(distinct(col(LookKeyRow.session_id)))
    here = (
        select(col(LookItemRow.gtin), shoppers)
        .join(LookRow, col(LookRow.id) == LookItemRow.look_id)
        .join(LookKeyRow, col(LookKeyRow.id) == LookRow.key_id)
        .where(
            LookRow.location_id == location_id,
            LookRow.taken_at >= since,
            LookRow.state == State.KEPT,
        )
        .group_by(col(LookItemRow.gtin))
    )
    bought_it = exists().where(
        col(OrderRow.session_id) == col(LookKeyRow.session_id),
        col(OrderLineRow.order_id) == col(OrderRow.id),
        col(OrderLineRow.gtin) == col(LookItemRow.gtin),
        col(OrderRow.placed_at) >= col(LookRow.taken_at),
    )
    often = here.having(shoppers >= GROUP_MIN).order_by(shoppers.desc(), col(LookItemRow.gtin))
    counts = dict(db.exec(often.limit(limit)).all())
    bought = dict(db.exec(here.where(bought_it, col(LookItemRow.gtin).in_(list(counts)))).all())
    return [_row(gtin, number, bought.get(gtin, 0)) for gtin, number in counts.items()]


def _row(gtin: str, shoppers: int, bought: int) -> Tried:
    rest = shoppers - bought
    told = min(bought, rest) >= GROUP_MIN
    return Tried(gtin, shoppers, bought if told else None, rest if told else None)
