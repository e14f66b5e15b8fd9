"""What a provider says is taken in by one transaction, and everyone who shows it is told.

The commit comes first, the doorbells after it, and only then does a provider
hear that we have its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.db import on_commit, unit_of_work
from cart.orders import buying, paying
from cart.orders.buying import Bought
from cart.orders.model import AttemptState
from cart.orders.settling import Settled
from cart.orders.tables import OrderRow
from cart.picking.tasks import open_many, open_task
from cart.ports import PaymentNews
from gateway.fanout import CartChanged, DeskChanged, OrderChanged
from mobile_api.edge.lane import Unusual
from mobile_api.payment import queries
from mobile_api.wiring import Parts


def take_news(parts: Parts, provider: str, news: PaymentNews) -> Settled:
    """Settle what a provider said; the same again changes nothing.

    Raises:
        Unavailable: the payment is not known yet; it may be in a moment.
    """
    with unit_of_work(parts.engine) as db:
        settled = paying.settle(
            db, parts.clock, parts.ids, parts.shop, provider=provider, news=news
        )
        finish(parts, db, settled)
        parts.marked("settling")
    parts.marked("settled")
    return settled


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider said, as it waits to be taken in."""

    provider: str
    news: PaymentNews


def take_one(parts: Parts, told: Told) -> None:
    """Settle what a provider said, by itself. Raises as :func:`take_news`."""
    take_news(parts, told.provider, told.news)


def take_together(parts: Parts, told: Sequence[Told]) -> list[Exception | None]:
    """Settle what providers said in one transaction; answer Unusual what is for :func:`take_news`.

    Raises:
        CarryoverError, SQLAlchemyError: nothing is settled; each is for :func:`take_news`.
    """
    answers: list[Exception | None] = [None] * len(told)
    with unit_of_work(parts.engine) as db:
        for provider in sorted({one.provider for one in told}):
            places = [place for place, one in enumerate(told) if one.provider == provider]
            bought = buying.settle_many(
                db,
                parts.clock,
                parts.ids,
                parts.shop,
                provider=provider,
                messages=[told[place].news for place in places],
            )
            for place, one in zip(places, bought, strict=True):
                if one is None:
                    answers[place] = Unusual("not a payment that came in time and in full")
            _finish_many(parts, db, [one for one in bought if one is not None])
        parts.marked("settling")
    parts.marked("settled")
    return answers


def _finish_many(parts: Parts, db: Session, bought: Sequence[Bought]) -> None:
    """Make the pick tasks of new orders, and ring for all that has changed."""
    open_many(db, parts.clock, parts.ids, parts.shop, [one.placed for one in bought])
    for one in bought:
        order = one.placed.order
        if one.changed is not None:
            parts.tell(db, CartChanged(one.changed.cart_id, one.changed.version))
        parts.tell(db, OrderChanged(order.id, order.version))
        parts.tell(db, OrderChanged(one.checkout_id, one.checkout_version))
    for location_id in sorted({one.placed.order.location_id for one in bought}):
        parts.tell(db, DeskChanged(location_id))


def finish(parts: Parts, db: Session, settled: Settled) -> None:
    """Make the pick task of a new order, and ring for all that has changed."""
    for change in settled.changed:
        parts.tell(db, CartChanged(change.cart_id, change.version))
    if settled.placed and settled.order_id is not None:
        open_task(db, parts.clock, parts.ids, parts.shop, settled.order_id)
        order = db.get_one(OrderRow, settled.order_id)
        parts.tell(db, OrderChanged(order.id, order.version))
        parts.tell(db, DeskChanged(order.location_id))
    ring(parts, db, settled.checkout_id)
    if settled.refunds:
        on_commit(db, parts.pay_bell)


def end(parts: Parts, db: Session, attempt_id: str, state: AttemptState, failure: str = "") -> bool:
    """End an attempt that bought nothing, and tell; False: it had ended already."""
    ended = paying.end_attempt(
        db, parts.clock, parts.shop, attempt_id=attempt_id, state=state, failure=failure
    )
    if ended:
        ring(parts, db, queries.checkout_of(db, attempt_id))
        on_commit(db, parts.pay_bell)  # a page is to be closed
    return ended


def ring(parts: Parts, db: Session, checkout_id: str) -> None:
    """Tell whoever shows a checkout, once this has committed."""
    parts.tell(db, OrderChanged(checkout_id, queries.version_of(db, checkout_id)))
