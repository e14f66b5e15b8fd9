"""An order as its shopper sees it: the ticket, what happens now, offers, the code, the receipt."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from sqlmodel import Session

from cart.kernel.money import Money
from cart.orders import terms
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.queries import OrderView, order_view
from cart.picking import desk, substitution
from cart.picking.handover import handover_code, handover_token
from mobile_api.checkouts.sums import Sums
from mobile_api.look.codes import qr
from mobile_api.look.words import Words
from mobile_api.orders import receipt
from mobile_api.orders.saying import Saying, Step
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """Where it was bought."""

    id: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """Another article instead of one that was not found; ``was``: what that one cost."""

    id: str
    name: str
    variant: str
    picture: str | None
    alt: str
    quantity: int
    price: Money
    was: Money | None
    why: str
    expires_at: datetime
    until_time: str


@dataclass(frozen=True, slots=True)
class Handover:
    """The code to say, and the same for a scanner."""

    code: str
    token: str
    qr: Markup


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """All that the page shows. ``own``: opened on the phone that bought it, not by a link."""

    order: OrderView
    own: bool
    now: datetime
    place: ShownPlace
    headline: str
    sub: str
    moved: str
    told_again: str
    steps: tuple[Step, ...]
    position: int | None
    ready_at: datetime | None
    here_time: str
    offers: tuple[ShownOffer, ...]
    handover: Handover | None
    lines: tuple[receipt.ShownLine, ...]
    sums: Sums
    cards: tuple[str, ...]
    placed: str
    address: str

    @property
    def open(self) -> bool:
        """Whether something is still to happen."""
        return self.order.state in ORDER_OPEN

    @property
    def resends(self) -> int:
        """How often the desk has sent the ready message again."""
        return sum(one.what == "ready_resent" for one in self.order.history)

    @property
    def can_cancel(self) -> bool:
        """Whether nobody has begun with it."""
        return self.order.state is OrderState.PLACED


def shown(wired: Parts, db: Session, w: Words, order_id: str, *, own: bool) -> ShownOrder:
    """Return an order in the reader's language.

    Raises:
        UnknownOrder: there is none of this id.
    """
    now = wired.clock.now()
    order = order_view(db, order_id)
    facts = wired.shop.locations.facts(db, order.location_id)
    place = ShownPlace(facts.id, w.of(facts.name_i18n, facts.name), facts.timezone)
    queued = desk.place_of(db, now, order_id)
    kept_for = timedelta(hours=terms.get(db, order.location_id).uncollected_hours)
    saying = Saying(w, order, place.timezone, now, queued, kept_for)
    return ShownOrder(
        order=order,
        own=own,
        now=now,
        place=place,
        headline=saying.headline(),
        sub=saying.sub(),
        moved=saying.moved(),
        told_again=saying.told_again(),
        steps=saying.steps(),
        position=queued.position if queued else None,
        ready_at=queued.ready_at if queued else None,
        here_time=w.clock_time(order.here_at, place.timezone) if order.here_at else "",
        offers=_offers(wired, db, w, order, place.timezone),
        handover=_handover(wired, order),
        lines=receipt.shown_lines(w, order),
        sums=receipt.sums(w, order),
        cards=receipt.cards(w, order, place.timezone),
        placed=saying.date(order.placed_at),
        address=receipt.address_line(order.address),
    )


def _handover(wired: Parts, order: OrderView) -> Handover | None:
    if order.state is not OrderState.READY or order.method is not Method.COLLECT:
        return None
    token = handover_token(wired.secret, order.id)
    return Handover(handover_code(wired.secret, order.id), token, qr(token))


def _offers(
    wired: Parts, db: Session, w: Words, order: OrderView, timezone: str
) -> tuple[ShownOffer, ...]:
    """Return what the shopper is asked now."""
    offers = substitution.offers(db, order.id) if order.state in ORDER_OPEN else []
    known = wired.lookup(db, [one.gtin for one in offers], currency=order.currency)
    lines = {line.id: line for line in order.lines}
    shown_offers = []
    for one in offers:
        line, sellable = lines[one.order_line_id], known.get(one.gtin)
        missing = receipt.full_name(w, line)
        colour = w.of(sellable.colour_i18n, sellable.colour) if sellable else ""
        size = sellable.size if sellable else ""
        dearer = line.price_minor > one.price_minor
        shown_offers.append(
            ShownOffer(
                id=one.id,
                name=w.of(sellable.name_i18n, sellable.name) if sellable else one.gtin.shortest,
                variant=" · ".join(filter(None, (colour, size))),
                picture=sellable.picture if sellable else None,
                alt=sellable.picture_alt if sellable else "",
                quantity=one.quantity,
                price=Money(one.price_minor, order.currency),
                was=Money(line.price_minor, order.currency) if dearer else None,
                why=w.gettext("We could not find %(name)s.") % {"name": missing},
                expires_at=one.expires_at,
                until_time=w.clock_time(one.expires_at, timezone),
            )
        )
    return tuple(shown_offers)
