"""What the shop learns of looks, without pictures: what was tried on, and bought or not.

Of groups only: what fewer than GROUP_MIN shoppers did is not said, nor what would tell it by
taking one number from another. Of products: who tries a size on and buys another has bought it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery
from sqlmodel import Session, col, distinct, exists, func, select

from cart.looks.model import GROUP_MIN, State
from cart.looks.tables import LookItemRow, LookKeyRow, LookRow
from cart.orders.model import OrderState
from cart.orders.tables import OrderLineRow, OrderRow


@dataclass(frozen=True, slots=True)
class Tried:
    """A product that was tried on, by shoppers. None: fewer than GROUP_MIN, or nearly all.

    ``gtin``: one of its variants that were tried on, to show it by. ``product_id``: that GTIN,
    where the catalogue does not know it.
    """

    product_id: str
    gtin: str
    tried: int
    bought: int | None
    not_bought: int | None


def tried(
    db: Session, products: Subquery, location_id: str, since: datetime, limit: int
) -> list[Tried]:
    """Return what was tried on at a location, in looks that are still kept; most often first.

    ``products``: the catalogue's variants, as rows of ``gtin`` and ``product_id``. Bought is what
    was ordered after the look in any size or colour, and not cancelled.
    """
    shoppers = func.count(distinct(col(LookKeyRow.session_id)))
    product_id = func.coalesce(products.c.product_id, col(LookItemRow.gtin))
    here = (
        select(product_id, func.min(col(LookItemRow.gtin)), shoppers)
        .select_from(LookItemRow)
        .join(LookRow, col(LookRow.id) == LookItemRow.look_id)
        .join(LookKeyRow, col(LookKeyRow.id) == LookRow.key_id)
        .outerjoin(products, products.c.gtin == LookItemRow.gtin)
        .where(
            LookRow.location_id == location_id,
            LookRow.taken_at >= since,
            LookRow.state == State.KEPT,
        )
        .group_by(product_id)
    )
    sold = products.alias()
    bought_it = exists(
        select(OrderRow.id)
        .join(OrderLineRow, col(OrderLineRow.order_id) == col(OrderRow.id))
        .outerjoin(sold, sold.c.gtin == OrderLineRow.gtin)
        .where(
            col(OrderRow.session_id) == col(LookKeyRow.session_id),
            func.coalesce(sold.c.product_id, col(OrderLineRow.gtin)) == product_id,
            col(OrderRow.placed_at) >= col(LookRow.taken_at),
            OrderRow.state != OrderState.CANCELLED,
            OrderLineRow.quantity > OrderLineRow.cancelled,
        )
        .correlate(LookKeyRow, LookRow, LookItemRow, products)
    )
    often = here.having(shoppers >= GROUP_MIN).order_by(shoppers.desc(), product_id)
    found = db.exec(often.limit(limit)).all()
    names = [name for name, _, _ in found]
    bought = {
        name: number
        for name, _, number in db.exec(here.where(bought_it, product_id.in_(names))).all()
    }
    return [_row(name, gtin, number, bought.get(name, 0)) for name, gtin, number in found]


def _row(product_id: str, gtin: str, shoppers: int, bought: int) -> Tried:
    rest = shoppers - bought
    told = min(bought, rest) >= GROUP_MIN
    return Tried(product_id, gtin, shoppers, bought if told else None, rest if told else None)
