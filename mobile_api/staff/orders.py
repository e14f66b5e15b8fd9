"""An order as the desk sees it: what it holds, what can come back, and what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cart.kernel.errors import UnknownOrder
from cart.kernel.money import Money
from cart.orders.model import Method, OrderState, RefundState
from cart.orders.queries import OrderLine, OrderView, order_view
from cart.picking import queries
from cart.picking.model import ReturnReason
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.orders import receipt
from mobile_api.staff.cards import due
from mobile_api.staff.history import Told, told
from mobile_api.staff.looking import Looking
from mobile_api.staff.refunds import ShownRefund, of_order

RETURNED_SHOWN_MAX: Final = 999  # pieces of a line; a cart's limit
STATE_WORDS: Final[Mapping[OrderState, str]] = {
    OrderState.PLACED: N_("Waits to be picked"),
    OrderState.PICKING: N_("Is being picked"),
    OrderState.READY: N_("Ready at the desk"),
    OrderState.HANDED_OVER: N_("Handed over"),
    OrderState.SHIPPED: N_("Shipped"),
    OrderState.CANCELLED: N_("Cancelled and refunded"),
    OrderState.UNCOLLECTED: N_("Not collected: back on the shelf, refunded"),
}
RETURN_WORDS: Final[Mapping[ReturnReason, str]] = {
    ReturnReason.UNWANTED: N_("No longer wanted"),
    ReturnReason.UNSUITABLE: N_("Size or colour does not suit"),
    ReturnReason.DAMAGED: N_("It is damaged"),
    ReturnReason.WRONG: N_("Not what was ordered"),
    ReturnReason.OTHER: N_("Another reason"),
}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line. ``held``: pieces in the bag or with the shopper; ``missing``: never were.

    ``replaced``: pieces for which another line came.
    ``refunds``: what one, two, … pieces that come back are worth, in words.
    """

    line_id: str
    name: str
    variant: str
    picture: str | None
    held: int
    missing: int
    replaced: int
    returned: int
    returnable: int
    each: Money
    refunds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order in the reader's language and the shop's time.

    ``reachable``: there is an e-mail address to send a message to.
    """

    order_id: str
    session_id: str
    location_id: str
    ticket: str
    state: OrderState
    state_words: str
    method: Method
    shelf: str
    here: bool
    due: str
    handed_over_at: str
    reachable: bool
    address: str
    carrier: str
    tracking: str
    lines: tuple[ShownLine, ...]
    paid: Money
    refunded: Money
    kept: Money
    history: tuple[Told, ...]
    refunds: tuple[ShownRefund, ...]

    @property
    def owed(self) -> Money:
        """Return what of :attr:`refunded` the shopper does not have yet."""
        waits = (one.amount.minor for one in self.refunds if one.state is not RefundState.DONE)
        return Money(sum(waits), self.paid.currency)

    @property
    def arrived(self) -> Money:
        """Return what of :attr:`refunded` she has."""
        return Money(self.refunded.minor - self.owed.minor, self.paid.currency)

    @property
    def returnable(self) -> bool:
        """Say whether anything of it can come back."""
        return any(line.returnable for line in self.lines)

    @property
    def ships(self) -> bool:
        """Say whether it goes to a carrier."""
        return self.method is Method.SHIP


@dataclass(frozen=True, slots=True)
class Shelf:
    """An order that waits at the desk; ``ships``: for a carrier."""

    order_id: str
    ticket: str
    shelf: str
    pieces: int
    here: bool
    since: str
    ships: bool


def order(look: Looking, order_id: str, *, anywhere: bool = False) -> ShownOrder:
    """Return an order of her location; ``anywhere``: what another one sold may come back here.

    Raises:
        UnknownOrder: there is none of this id here.
    """
    view = order_view(look.db, order_id)
    if view.location_id != look.me.location_id and not anywhere:
        msg = "there is no such order here"
        raise UnknownOrder(msg, order_id=order_id[:80])
    spoken, zone = look.spoken, look.zone
    paid_minor = sum(one.amount_minor for one in view.paid)
    return ShownOrder(
        order_id=view.id,
        session_id=view.session_id,
        location_id=view.location_id,
        ticket=view.ticket,
        state=view.state,
        state_words=spoken.gettext(_state_words(view)),
        method=view.method,
        shelf=view.shelf,
        here=view.here_at is not None,
        due=due(spoken, view.promise_at, look.clock.now(), zone),
        handed_over_at=_moment(spoken, view.handed_over_at, zone),
        reachable=bool(view.email),
        address=receipt.address_line(view.address),
        carrier=view.parcel.carrier if view.parcel else "",
        tracking=view.parcel.tracking if view.parcel else "",
        lines=tuple(_line(one, view, spoken) for one in view.lines),
        paid=Money(paid_minor, view.currency),
        refunded=Money(view.refunded_minor, view.currency),
        kept=Money(paid_minor - view.refunded_minor, view.currency),
        history=told(look.db, view, spoken, zone),
        refunds=of_order(view, spoken),
    )


def shelves(look: Looking) -> tuple[Shelf, ...]:
    """Return what stands at the desk of her location, who is here first."""
    zone, now = look.zone, look.clock.now()
    return tuple(
        Shelf(
            order_id=one.order_id,
            ticket=one.ticket,
            shelf=one.shelf,
            pieces=one.pieces,
            here=one.here_at is not None,
            since=due(look.spoken, one.ready_at or now, now, zone),
            ships=one.method == Method.SHIP,
        )
        for one in queries.ready(look.db, look.me.location_id)
    )


def _state_words(view: OrderView) -> str:
    if view.state is OrderState.READY and view.method is Method.SHIP:
        return N_("Packed, and about to be sent")
    return STATE_WORDS[view.state]


def _moment(spoken: Words, moment: datetime | None, zone: str) -> str:
    return spoken.moment(moment, zone) if moment else ""


def _line(line: OrderLine, view: OrderView, spoken: Words) -> ShownLine:
    colour = spoken.of(line.colour_i18n, line.colour)
    returnable = line.handed_over - line.returned
    replaced = sum(one.quantity for one in view.lines if one.replaces == line.id)
    each = Money(line.price_minor, view.currency)
    return ShownLine(
        line_id=line.id,
        name=spoken.of(line.name_i18n, line.name),
        variant=" · ".join(part for part in (colour, line.size) if part),
        picture=line.picture,
        held=line.quantity - line.cancelled,
        missing=line.cancelled - replaced,
        replaced=replaced,
        returned=line.returned,
        returnable=returnable,
        each=each,
        refunds=tuple(
            spoken.money(each * pieces)
            for pieces in range(1, min(returnable, RETURNED_SHOWN_MAX) + 1)
        ),
    )
