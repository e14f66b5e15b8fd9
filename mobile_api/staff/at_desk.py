"""Who holds her wristband to the desk: her greeting, how much she has, how much it is.

Nothing else of her is shown here. Whether a purse can pay is said when it is tried.
"""

from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from cart.kernel.money import Money
from gateway.desks import queries
from gateway.desks.model import Standing
from gateway.desks.queries import AtDesk, Payer
from mobile_api.carts.basket import basket
from mobile_api.staff.looking import Looking

BASKETS_SHOWN_MAX: Final = 10  # desks of a location at which somebody stands at one moment


@dataclass(frozen=True, slots=True)
class ShownAtDesk:
    """What was held to one desk. ``totals``: one for each currency, as a rule one or none."""

    desk: str
    standing: str
    number: int = 0
    greeting: str = ""
    pieces: int = 0
    totals: tuple[Money, ...] = ()
    known: bool = False


def at_desks(look: Looking) -> list[ShownAtDesk]:
    """Return who stands at the desks of this location now."""
    found = queries.at_desks(look.db, look.me.location_id, look.clock.now())
    return [shown(look, one) for one in found[:BASKETS_SHOWN_MAX]]


def shown(look: Looking, one: AtDesk) -> ShownAtDesk:
    """Return what a colleague may see of whoever stands at a desk."""
    payer = payer_at(look.db, one)
    if payer is None:
        ended = one.standing is Standing.ONE
        return ShownAtDesk(one.desk, (Standing.NOBODY if ended else one.standing).value)
    found = basket(look.db, look.shop.lookup, look.spoken, payer.cart_id)
    return ShownAtDesk(
        desk=one.desk,
        standing=one.standing.value,
        number=payer.number,
        greeting=payer.greeting,
        pieces=found.pieces,
        totals=tuple(found.totals),
        known=payer.customer_id is not None,
    )


def payer_at(db: Session, one: AtDesk | None) -> Payer | None:
    """Return whose band stands there; None: nobody's, or of several nobody can say."""
    if one is None or one.standing is not Standing.ONE:
        return None
    return queries.payer(db, one.loan_id)
