"""What open checkouts depend on, loaded for many at once: lines, prices, pieces, terms, times."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from cart.db.rows import TEXT, AnyRow, Ask, run_together
from cart.kernel.gtin import Gtin
from cart.orders import slots, terms
from cart.orders.model import LINES_MAX
from cart.orders.pricing import LineFacts
from cart.orders.slots import Calendar, Slot
from cart.orders.tables import CheckoutRow, VoucherRow
from cart.orders.terms import Terms
from cart.ports import LocationFacts, Sellable, Shop

# How long the desk would need for a number of pieces of this checkout; None where nobody knows.
Estimate = Callable[[CheckoutRow, int], timedelta | None]
_CARTS: Final = (("checkout_id", TEXT), ("cart_id", TEXT))
_LINES: Final = (
    "SELECT d.checkout_id, l.gtin, l.sku, l.quantity, l.price_minor, a.price_minor FROM {rows}"
    " JOIN cart_line AS l ON l.cart_id = d.cart_id AND l.quantity > 0"
    " LEFT JOIN agreed_price AS a ON a.checkout_id = d.checkout_id AND a.gtin = l.gtin"
    " ORDER BY d.checkout_id, l.added_at_us, l.gtin"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the view of one open checkout is made of."""

    terms: Terms
    place: LocationFacts
    lines: tuple[LineFacts, ...]
    calendar: Calendar
    voucher: VoucherRow | None


@dataclass(frozen=True, slots=True)
class _Line:
    gtin: Gtin
    sku: str
    quantity: int
    scanned_minor: int | None
    agreed_minor: int | None


def load(
    db: Session,
    shop: Shop,
    checkouts: Sequence[CheckoutRow],
    *,
    estimate: Estimate,
    now: datetime,
) -> dict[str, Facts]:
    """Return the facts of open checkouts by id. Statements: three, and three for each location.

    Raises:
        UnknownLocation: the location of one is gone.
    """
    found_lines, found_terms = run_together(
        db,
        Ask(_LINES, _CARTS, [(one.id, one.cart_id) for one in checkouts]),
        terms.with_taxes_ask({one.location_id for one in checkouts}),
    )
    lines, on_terms = _lines(checkouts, found_lines), terms.with_taxes(found_terms)
    sold = _sold(db, shop, checkouts, lines)
    by_location: defaultdict[str, list[CheckoutRow]] = defaultdict(list)
    for one in checkouts:
        by_location[one.location_id].append(one)
    found: dict[str, Facts] = {}
    for location_id, here in sorted(by_location.items()):
        known, taxes = on_terms[location_id]
        place = shop.locations.facts(db, location_id)
        skus = {line.sku for one in here for line in lines[one.id]}
        left = shop.stock.available(db, location_id=location_id, skus=skus)
        lead = timedelta(minutes=known.lead_minutes)
        ready = {
            one.id: now + max(lead, estimate(one, _pieces(lines[one.id])) or timedelta())
            for one in here
        }
        capacity = known.orders_per_quarter
        taken = {} if capacity is None else slots.taken(db, place.id, min(ready.values()))
        hours, zone = place.opening_hours, place.timezone
        offers: dict[datetime, tuple[Slot, ...]] = {}
        for one in here:
            found[one.id] = Facts(
                terms=known,
                place=place,
                lines=_priced(lines[one.id], sold[one.currency], left, (known, taxes)),
                calendar=Calendar(hours, zone, ready[one.id], capacity, taken, offers),
                voucher=_voucher(db, one.voucher_id),
            )
    return found


def _lines(checkouts: Iterable[CheckoutRow], rows: Iterable[AnyRow]) -> dict[str, list[_Line]]:
    found: dict[str, list[_Line]] = {one.id: [] for one in checkouts}
    for row in rows:
        mine = found[row[0]]
        if len(mine) < LINES_MAX:
            # The GTIN was verified before it was kept.
            mine.append(_Line(str.__new__(Gtin, row[1]), *row[2:]))
    return found


def _sold(
    db: Session,
    shop: Shop,
    checkouts: Iterable[CheckoutRow],
    lines: Mapping[str, Sequence[_Line]],
) -> dict[str, dict[Gtin, Sellable]]:
    wanted: defaultdict[str, set[Gtin]] = defaultdict(set)
    for one in checkouts:
        wanted[one.currency] |= {line.gtin for line in lines[one.id]}
    return {
        currency: shop.lookup(db, gtins, currency=currency) if gtins else {}
        for currency, gtins in wanted.items()
    }


def _pieces(lines: Iterable[_Line]) -> int:
    return sum(line.quantity for line in lines)


def _priced(
    lines: Iterable[_Line],
    sold: Mapping[Gtin, Sellable],
    left: Mapping[str, int],
    rates: tuple[Terms, Mapping[str, int]],
) -> tuple[LineFacts, ...]:
    known, taxes = rates
    priced = []
    for line in lines:
        sellable = sold.get(line.gtin)
        shown = tuple(p for p in (line.scanned_minor, line.agreed_minor) if p is not None)
        rate = taxes.get(sellable.category if sellable else "", known.tax_rate_bp)
        there = left.get(line.sku)
        priced.append(LineFacts(line.gtin, line.sku, line.quantity, shown, sellable, there, rate))
    return tuple(priced)


def _voucher(db: Session, voucher_id: str | None) -> VoucherRow | None:
    if voucher_id is None:
        return None
    return db.get_one(VoucherRow, voucher_id, populate_existing=True)
