"""Who somebody is, over all her identities, what she has bought, and what is left to buy.

Selects only. One person: her home session, those that joined it, her account, and whoever
bought with an address of hers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from cart.carts import queries as carts
from cart.carts.tables import (
    ListRequestRow,
    SavedListLineRow,
    SavedListRow,
    ShopperSessionRow,
)
from cart.db.rows import TEXT, run
from cart.journeys import wanting
from cart.journeys.model import OF_ORDERS, Trigger, TriggerKind
from cart.journeys.tables import JourneyRunRow
from cart.kernel.clock import to_us
from cart.kernel.errors import UnknownLocation
from cart.kernel.gtin import Gtin
from cart.orders.model import OrderState
from cart.orders.tables import OrderLineRow, OrderRow
from cart.ports import Shop
from cart.profile.consent import gate
from cart.profile.consent.model import Purpose, Subject
from cart.profile.queries import addresses_of
from cart.profile.timeline import queries as timeline


@dataclass(frozen=True, slots=True)
class Person:
    """``sessions``: her home and what joined it. ``customer_id``: empty for a stranger."""

    home: str
    sessions: tuple[str, ...]
    customer_id: str
    addresses: tuple[str, ...]
    cart_id: str
    locale: str

    @property
    def subject(self) -> Subject:
        """Whose decisions on consent hold."""
        if self.customer_id:
            return Subject(customer_id=self.customer_id)
        return Subject(session_id=self.home)


@dataclass(frozen=True, slots=True)
class Thing:
    """An article that somebody wanted. ``price_minor``: as it was then."""

    gtin: str
    sku: str
    quantity: int
    price_minor: int | None
    currency: str
    location_id: str


def homes_of(db: Session, session_ids: Collection[str]) -> dict[str, str]:
    """Return the home of each session, in one statement."""
    found = run(
        db,
        "SELECT d.id, COALESCE(j.to_session_id, d.id) FROM {rows}"
        " LEFT JOIN joining AS j ON j.from_session_id = d.id AND j.undone_at IS NULL",
        (("id", TEXT),),
        [(one,) for one in session_ids],
    )
    return {row[0]: row[1] for row in found}


def person_of(db: Session, session_id: str) -> Person:
    """Return whoever had this session, with all that is known to be hers now."""
    home = timeline.home_of(db, session_id)
    row = db.get_one(ShopperSessionRow, home, populate_existing=True)
    customer_id = row.customer_id or ""
    return Person(
        home,
        tuple(timeline.sessions_of(db, home)),
        customer_id,
        tuple(addresses_of(db, customer_id)) if customer_id else (),
        row.cart_id,
        row.locale,
    )


def consents(db: Session, person: Person) -> bool:
    """Say whether she allows reminders, at this moment."""
    return gate.granted(db, person.subject, Purpose.REMINDERS, signal=False)


def has_bought(
    db: Session,
    person: Person,
    since: datetime,
    gtins: Collection[str] | None = None,
    until: datetime | None = None,
) -> bool:
    """Say whether she has bought since a moment, on a phone, at a desk or at a till.

    ``gtins``: one of these; None: anything. What was cancelled whole was not bought.
    """
    hers = or_(
        col(OrderRow.session_id).in_(person.sessions),
        func.lower(OrderRow.email).in_(person.addresses),
    )
    asked = (
        select(OrderRow.id)
        .join(OrderLineRow, col(OrderLineRow.order_id) == col(OrderRow.id))
        .where(
            hers,
            OrderRow.placed_at >= since,
            OrderRow.state != "cancelled",
            OrderLineRow.quantity > OrderLineRow.cancelled,
        )
    )
    if until is not None:
        asked = asked.where(OrderRow.placed_at <= until)
    if gtins is not None:
        asked = asked.where(col(OrderLineRow.gtin).in_(gtins))
    return db.exec(asked.limit(1)).first() is not None


def things_of(
    db: Session, shop: Shop, kind: TriggerKind, run_row: JourneyRunRow, person: Person
) -> list[Thing]:
    """Return what a run is about, as it is now: her cart, the list, the article."""
    match kind:
        case TriggerKind.CART_IDLE:
            return [_thing(one) for one in carts.view(db, person.cart_id).lines]
        case TriggerKind.LIST_SENT_NOT_BOUGHT:
            lines = carts.saved_list_lines(db, _open_list(db, run_row.about))
            return [_thing(one) for one in lines]
        case TriggerKind.TRIED_NOT_BOUGHT:
            found = article(db, shop, run_row.about, run_row.location_id)
            return [] if found is None else [found]
        case TriggerKind.BACK_IN_STOCK | TriggerKind.PRICE_DROP:
            return _wanted(db, shop, run_row, person)
        case TriggerKind.READY_TO_COLLECT | TriggerKind.ORDERED:
            return _of_order(db, run_row.about)


def _of_order(db: Session, order_id: str) -> list[Thing]:
    """Return what of an order is still hers, or will be."""
    found = db.exec(
        select(OrderLineRow, OrderRow)
        .join(OrderRow, col(OrderRow.id) == col(OrderLineRow.order_id))
        .where(OrderLineRow.order_id == order_id)
        .order_by(col(OrderLineRow.position))
    )
    pieces = [(one, order, one.quantity - one.cancelled - one.returned) for one, order in found]
    return [
        Thing(one.gtin, one.sku, left, one.price_minor, order.currency, order.location_id)
        for one, order, left in pieces
        if left > 0
    ]


def order_over(db: Session, kind: TriggerKind, order_id: str) -> bool:
    """Say whether it is about an order of which there is nothing to say any more.

    One that waits was collected, or does not wait any longer; another was cancelled whole.
    """
    if kind not in OF_ORDERS:
        return False
    state = db.exec(select(OrderRow.state).where(OrderRow.id == order_id)).first()
    if kind is TriggerKind.READY_TO_COLLECT:
        return state != OrderState.READY
    return state in {None, OrderState.CANCELLED, OrderState.UNCOLLECTED}


def article(db: Session, shop: Shop, code: str, location_id: str) -> Thing | None:
    """Return one piece of an article as it is sold today; None: no longer."""
    gtin = str.__new__(Gtin, code)  # verified when it was read
    found = shop.lookup(db, [gtin], currency="EUR").get(gtin)
    if found is None or not found.active:
        return None
    return Thing(gtin, found.sku, 1, found.price_minor, "EUR", location_id)


def dearer(db: Session, shop: Shop, trigger: Trigger, things: Sequence[Thing]) -> bool:
    """Say whether it is about a lower price, and none of these costs so much less now."""
    return trigger.kind is TriggerKind.PRICE_DROP and not any(
        trigger.cheap_enough(one.price_minor, price_now(db, shop, one.gtin, one.currency))
        for one in things
    )


def price_now(db: Session, shop: Shop, code: str, currency: str) -> int | None:
    """Return what an article costs now, in minor units; None: it is not sold for that."""
    gtin = str.__new__(Gtin, code)  # verified when it was read
    found = shop.lookup(db, [gtin], currency=currency).get(gtin)
    return None if found is None or not found.active else found.price_minor


def _wanted(db: Session, shop: Shop, run_row: JourneyRunRow, person: Person) -> list[Thing]:
    """Return the article that a run is about, if she wants it still; where she does."""
    sold = article(db, shop, run_row.about, run_row.location_id)
    want = wanting.wanted(db, person.sessions, person.cart_id, run_row.about, run_row.started_at)
    if sold is None or want is None:
        return []
    if not want.kept:
        return [sold]
    said = (want.quantity, want.price_minor, want.currency)
    return [Thing(sold.gtin, sold.sku, *said, run_row.location_id)]


def cart_at(db: Session, person: Person, at: datetime) -> list[Thing]:
    """Return her cart as it was at a moment."""
    return [_thing(one) for one in carts.lines_at(db, person.cart_id, to_us(at))]


def _thing(one: carts.CartLineView | SavedListLineRow) -> Thing:
    return Thing(
        *(one.gtin, one.sku, one.quantity, one.price_minor, one.currency), one.location_id or ""
    )


def _open_list(db: Session, ref: str) -> str:
    """Return the id of the list that a mail was about, by its own id or the mail's."""
    request = db.get(ListRequestRow, ref)
    found = db.get(SavedListRow, request.list_id if request is not None else ref)
    return found.id if found is not None and found.deleted_at is None else ""


def to_be_had(
    db: Session, shop: Shop, kind: TriggerKind, things: Sequence[Thing], location_id: str
) -> dict[str, int]:
    """Return by GTIN how many pieces she can have: of an order, those that are hers."""
    if kind in OF_ORDERS:
        return {one.gtin: one.quantity for one in things}
    return pieces_left(db, shop, things, location_id)


def place_of(db: Session, run_row: JourneyRunRow, person: Person) -> str:
    """Return where a run was begun; at home, the shop that she was in last; empty: in none."""
    return run_row.location_id or wanting.last_place(db, person.sessions)


def pieces_left(
    db: Session, shop: Shop, things: Sequence[Thing], location_id: str
) -> dict[str, int]:
    """Return by GTIN how many pieces are to be had where she was, of that very size and colour.

    ``location_id``: of :func:`place_of`. Of whoever was in no shop yet, wherever it is sold.
    """
    places: dict[str, set[str]] = {}
    for one in things:
        places.setdefault(one.location_id or location_id, set()).add(one.sku)
        places.setdefault(location_id, set()).add(one.sku)
    nowhere = places.get("", set()) if not location_id else set()
    left = shop.stock.most(db, skus=nowhere) if nowhere else {}
    for place, skus in sorted(places.items()):
        if place:
            for sku, pieces in shop.stock.available(db, location_id=place, skus=skus).items():
                left[sku] = max(left.get(sku, 0), pieces)
    return {one.gtin: left.get(one.sku, 0) for one in things}


def zone_of(db: Session, shop: Shop, location_id: str) -> str:
    """Return the time zone of the shop that she was in; UTC where nobody knows it."""
    try:
        return shop.locations.facts(db, location_id).timezone if location_id else "UTC"
    except UnknownLocation:
        return "UTC"
