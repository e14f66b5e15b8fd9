"""Adds up what must be equal, and reports every difference. Changes nothing."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

LIMIT: Final = 100  # a report that a person reads; one difference is already one too many


@dataclass(frozen=True, slots=True)
class Difference:
    """Two numbers that should be equal. ``what``: order, tender, voucher or checkout."""

    what: str
    id: str
    expected_minor: int
    found_minor: int


# What was captured and not refunded is the worth of the pieces kept: cart.orders.model.worth.
_ORDERS: Final = """
SELECT 'order', o.id, l.goods + CASE WHEN l.kept > 0 THEN o.shipping_minor ELSE 0 END,
       COALESCE(t.money, 0)
FROM placed_order AS o
JOIN (SELECT order_id, SUM(quantity - cancelled - returned) AS kept,
             SUM((quantity - cancelled - returned) * price_minor) AS goods
      FROM order_line GROUP BY order_id) AS l ON l.order_id = o.id
LEFT JOIN (SELECT order_id, SUM(amount_minor - refunded_minor) AS money
           FROM tender WHERE state = 'captured' GROUP BY order_id) AS t ON t.order_id = o.id
WHERE l.goods + CASE WHEN l.kept > 0 THEN o.shipping_minor ELSE 0 END <> COALESCE(t.money, 0)
ORDER BY o.id LIMIT :limit
"""
# What a tender owes back is the sum of its refunds; money that bought nothing goes back whole.
_TENDERS: Final = """
SELECT 'tender', t.id,
       CASE WHEN t.state = 'captured' AND t.order_id IS NULL THEN t.amount_minor
            ELSE COALESCE(r.back, 0) END, t.refunded_minor
FROM tender AS t
LEFT JOIN (SELECT tender_id, SUM(amount_minor) AS back FROM refund GROUP BY tender_id) AS r
       ON r.tender_id = t.id
WHERE t.refunded_minor <> CASE WHEN t.state = 'captured' AND t.order_id IS NULL
                               THEN t.amount_minor ELSE COALESCE(r.back, 0) END
   OR t.refunded_minor <> COALESCE(r.back, 0)
ORDER BY t.id LIMIT :limit
"""
# What was issued, or came from another voucher, is what is left, held, spent and not refunded, or
# went to another; and every change has its entry.
_VOUCHERS: Final = """
SELECT 'voucher', v.id, v.issued_minor + COALESCE(e.moved, 0), v.balance_minor
FROM voucher AS v
LEFT JOIN (SELECT voucher_id, SUM(delta_minor) AS moved FROM voucher_entry GROUP BY voucher_id)
       AS e ON e.voucher_id = v.id
LEFT JOIN (SELECT voucher_id, SUM(amount_minor - refunded_minor) AS used FROM tender
           WHERE state <> 'released' GROUP BY voucher_id) AS t ON t.voucher_id = v.id
LEFT JOIN (SELECT voucher_id, SUM(delta_minor) AS came FROM voucher_entry
           WHERE reference LIKE 'moved:%' GROUP BY voucher_id) AS m ON m.voucher_id = v.id
WHERE v.balance_minor <> v.issued_minor + COALESCE(e.moved, 0)
   OR v.balance_minor <> v.issued_minor - COALESCE(t.used, 0) + COALESCE(m.came, 0)
ORDER BY v.id LIMIT :limit
"""
# A checkout is being paid exactly while its attempt is open.
_CHECKOUTS: Final = """
SELECT 'checkout', c.id, CASE WHEN c.state = 'paying' THEN 1 ELSE 0 END, COALESCE(a.tries, 0)
FROM checkout AS c
LEFT JOIN (SELECT checkout_id, COUNT(*) AS tries FROM pay_attempt
           WHERE state IN ('reserved', 'pending') GROUP BY checkout_id) AS a
       ON a.checkout_id = c.id
WHERE COALESCE(a.tries, 0) <> CASE WHEN c.state = 'paying' THEN 1 ELSE 0 END
ORDER BY c.id LIMIT :limit
"""


def differences(db: Session, limit: int = LIMIT) -> list[Difference]:
    """Return orders, tenders, vouchers and checkouts whose sums are not equal; [] is well."""
    found = []
    for statement in (_ORDERS, _TENDERS, _VOUCHERS, _CHECKOUTS):
        rows = db.connection().execute(text(statement), {"limit": limit})
        found += [Difference(row[0], row[1], int(row[2]), int(row[3])) for row in rows]
    return found[:limit]
