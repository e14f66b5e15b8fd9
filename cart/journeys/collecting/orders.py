"""Sources of sales: checkouts that were opened, and what an order's history says of its lines."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import String, cast, select
from sqlmodel import Session, col, literal

from cart.journeys.collecting.model import OVERLAP, At, Told
from cart.journeys.collecting.reading import Order, last_of, page, told
from cart.orders.history import EVENTS_MAX, SHOPPER
from cart.orders.model import Method, OrderState, TenderKind
from cart.orders.tables import CheckoutRow, OrderEventRow, OrderLineRow, OrderRow, TenderRow
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.queries import origins

PLACED: Final = "placed"
STAGED: Final = "staged"
SHORT: Final = "short"
SUBSTITUTED: Final = "substituted"
RETURNED: Final = "returned"
GIVEN: Final = (OrderState.HANDED_OVER.value, OrderState.SHIPPED.value)
ENDED: Final = (OrderState.CANCELLED.value, OrderState.UNCOLLECTED.value)
TOLD: Final = (PLACED, STAGED, SHORT, SUBSTITUTED, RETURNED, *GIVEN, *ENDED)


@dataclass(frozen=True, slots=True)
class Checkouts:
    """Checkouts that somebody opened."""

    name: str = "checkouts"
    kinds: frozenset[Kind] = frozenset({Kind.CHECKOUT_OPENED})
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell checkouts in the order in which they were opened."""
        row = CheckoutRow
        order = Order(col(row.created_at), col(row.id), literal("checkout:").concat(col(row.id)))
        rows = page(db, select(row), order, after, limit)
        first = origins(db, "checkout", [one[0].id for one in rows])
        return told(rows, limit, lambda one: _checkout(one[0], first))


def _checkout(row: CheckoutRow, first: Mapping[str, str]) -> Interaction:
    return Interaction(
        id=f"checkout:{row.id}",
        session_id=first.get(row.id, row.session_id),
        kind=Kind.CHECKOUT_OPENED,
        channel=Channel.PHONE,
        at=row.created_at,
        location_id=row.location_id,
        ref=row.id,
    )


@dataclass(frozen=True, slots=True)
class Orders:
    """Lines that were bought, collected, cancelled and returned: the histories of orders."""

    name: str = "orders"
    kinds: frozenset[Kind] = frozenset(
        {Kind.ORDERED, Kind.READY, Kind.COLLECTED, Kind.CANCELLED, Kind.RETURNED}
    )
    overlap: timedelta = OVERLAP

    def read(self, db: Session, after: At, limit: int) -> Told:
        """Tell entries of histories in the order in which they were written."""
        row = OrderEventRow
        asked = (
            select(row, OrderRow)
            .join(OrderRow, col(OrderRow.id) == col(row.order_id))
            .where(col(row.what).in_(TOLD))
        )
        name = col(row.order_id).concat(literal(":")).concat(cast(row.number, String))
        rows = page(db, asked, Order(col(row.at), name), after, limit)
        found = _Sales.of(db, [(one[0], one[1]) for one in rows])
        return Told(list(found.tell()), last_of(rows), more=len(rows) == limit)


@dataclass(frozen=True, slots=True)
class _Sales:
    """What the entries of a page are told with."""

    entries: Sequence[tuple[OrderEventRow, OrderRow]]
    lines: Mapping[str, Mapping[str, OrderLineRow]]
    taken_off: Mapping[str, Sequence[OrderEventRow]]
    first: Mapping[str, str]
    by_band: frozenset[str]

    @classmethod
    def of(cls, db: Session, entries: Sequence[tuple[OrderEventRow, OrderRow]]) -> "_Sales":
        ids = sorted({order.id for _, order in entries})
        lines: defaultdict[str, dict[str, OrderLineRow]] = defaultdict(dict)
        asked = select(OrderLineRow).where(col(OrderLineRow.order_id).in_(ids))
        for (line,) in db.execute(asked):
            lines[line.order_id][line.id] = line
        over = [event.order_id for event, _ in entries if event.what in ENDED]
        taken_off: defaultdict[str, list[OrderEventRow]] = defaultdict(list)
        earlier = select(OrderEventRow).where(
            col(OrderEventRow.order_id).in_(over), col(OrderEventRow.what).in_([SHORT, SUBSTITUTED])
        )
        for (event,) in db.execute(earlier.limit(EVENTS_MAX * max(1, len(over)))):
            taken_off[event.order_id].append(event)
        bands = select(col(TenderRow.order_id)).where(
            col(TenderRow.order_id).in_(ids), col(TenderRow.kind) == TenderKind.WRISTBAND.value
        )
        return cls(
            entries,
            lines,
            taken_off,
            origins(db, "order", ids),
            frozenset(row[0] for row in db.execute(bands)),
        )

    def tell(self) -> Iterator[Interaction]:
        for event, order in self.entries:
            if event.what == STAGED and order.method != Method.COLLECT:
                continue  # it waits for a carrier, not for her
            for kind, line, quantity in self._pieces(event):
                if quantity:
                    yield self._one(event, order, kind, line, quantity)

    def _pieces(self, event: OrderEventRow) -> Iterator[tuple[Kind, OrderLineRow, int]]:
        lines, data = self.lines[event.order_id], event.data
        if event.what == PLACED:
            for line in lines.values():
                if line.replaces is None:
                    yield Kind.ORDERED, line, line.quantity
        elif event.what in {STAGED, *GIVEN}:
            yield from _given(lines.values(), ready=event.what == STAGED)
        elif event.what in ENDED:
            for line in lines.values():
                yield Kind.CANCELLED, line, line.cancelled - self._before(event, line)
        else:
            kind = Kind.RETURNED if event.what == RETURNED else Kind.CANCELLED
            yield kind, lines[data["line_id"]], data["quantity"]
            if event.what == SUBSTITUTED:
                yield Kind.ORDERED, lines[data["by"]], data["quantity"]

    def _before(self, event: OrderEventRow, line: OrderLineRow) -> int:
        """Return how many pieces of a line were taken off before its order ended."""
        return sum(
            one.data["quantity"]
            for one in self.taken_off[event.order_id]
            if one.number < event.number and one.data["line_id"] == line.id
        )

    def _one(
        self, event: OrderEventRow, order: OrderRow, kind: Kind, line: OrderLineRow, quantity: int
    ) -> Interaction:
        return Interaction(
            id=f"order:{order.id}:{event.number}:{line.id}",
            session_id=self.first.get(order.id, order.session_id),
            kind=kind,
            channel=self._channel(event, order, kind),
            at=event.at,
            gtin=line.gtin,
            sku=line.sku,
            quantity=quantity,
            amount_minor=quantity * line.price_minor,
            currency=order.currency,
            location_id=order.location_id,
            ref=order.id,
        )

    def _channel(self, event: OrderEventRow, order: OrderRow, kind: Kind) -> Channel:
        if kind is Kind.ORDERED and event.what == PLACED:
            return Channel.BAND if order.id in self.by_band else Channel.PHONE
        if kind is Kind.RETURNED or event.what == OrderState.HANDED_OVER:
            return Channel.DESK
        return Channel.PHONE if event.actor == SHOPPER else Channel.SHOP


def _given(
    lines: Iterable[OrderLineRow], *, ready: bool
) -> Iterator[tuple[Kind, OrderLineRow, int]]:
    """Yield what waits at the desk, or was given out."""
    for line in lines:
        if ready:
            yield Kind.READY, line, line.quantity - line.cancelled
        else:
            yield Kind.COLLECTED, line, line.handed_over
