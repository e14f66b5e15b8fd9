"""Opens the checkouts of many carts in one transaction.

Does what :func:`cart.orders.checkout.open_checkout` does for one, with a handful of
statements for all; a cart that has a checkout, or no place, is left to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from cart.db.guarded import insert_new_many
from cart.db.rows import TEXT, AnyRow, run
from cart.kernel.clock import Clock
from cart.kernel.errors import UnknownLocation
from cart.kernel.ids import Ids
from cart.orders.checkout import OPEN
from cart.orders.tables import CheckoutRow
from cart.ports import Shop

_CARTS: Final = (
    "SELECT c.id, c.currency, (SELECT l.location_id FROM cart_line AS l WHERE l.cart_id = c.id"  # noqa: S608
    " AND l.quantity > 0 AND l.location_id IS NOT NULL ORDER BY l.added_at_us DESC LIMIT 1)"
    " FROM {rows} JOIN cart AS c ON c.id = d.id WHERE NOT EXISTS"
    f" (SELECT 1 FROM checkout AS o WHERE o.cart_id = c.id AND {OPEN})"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Whose cart is to be checked out; ``location_id`` None: where the newest line was scanned."""

    cart_id: str
    session_id: str
    locale: str
    location_id: str | None = None


def open_many(
    db: Session, clock: Clock, ids: Ids, shop: Shop, wanted: Sequence[Opening]
) -> list[CheckoutRow | None]:
    """Open the checkouts of these carts; None for one that is for ``open_checkout``."""
    carts = {
        row[0]: row for row in run(db, _CARTS, (("id", TEXT),), [(one.cart_id,) for one in wanted])
    }
    rows: dict[str, CheckoutRow] = {}
    for one in wanted:
        cart = carts.get(one.cart_id)
        if cart is not None and (one.location_id or cart[2]):
            rows.setdefault(one.cart_id, _row(clock, ids, one, cart))
    known = _known(db, shop, {row.location_id for row in rows.values()})
    made = [row for row in rows.values() if row.location_id in known]
    fresh = insert_new_many(db, made, keys=["cart_id"], back="id", where=OPEN)
    opened = {row.cart_id: row for row in made if row.id in fresh}
    # Of one cart asked for twice at once, the second is for the way for one: it finds the first.
    return [opened.pop(one.cart_id, None) for one in wanted]


def _row(clock: Clock, ids: Ids, one: Opening, cart: AnyRow) -> CheckoutRow:
    now = clock.now()
    return CheckoutRow(
        id=ids.new("checkout"),
        cart_id=one.cart_id,
        session_id=one.session_id,
        location_id=one.location_id or cart[2],
        currency=cart[1],
        locale=one.locale,
        created_at=now,
        changed_at=now,
    )


def _known(db: Session, shop: Shop, location_ids: set[str]) -> set[str]:
    found = set()
    for location_id in location_ids:
        try:
            found.add(shop.locations.facts(db, location_id).id)
        except UnknownLocation:
            continue
    return found
