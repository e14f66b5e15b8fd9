"""What the payment workflows do, step by step; each may be done again after a crash.

A call to the provider names a key, a change of ours is a guarded UPDATE: so
doing it twice is doing it once. ``parts.marked`` is called at each boundary.
Knows nothing of workflows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypedDict

from sqlmodel import Session

from cart.db import reading, unit_of_work
from cart.kernel.errors import Refused, Unavailable, UnknownOrder
from cart.kernel.i18n import of_language
from cart.orders import paying, refunding
from cart.orders.attempts import Made, note_many
from cart.orders.model import AttemptState, RefundState, TenderState
from cart.orders.tables import OrderRow, TenderRow
from cart.ports import HostedPayment, LocationFacts, PaymentNews, PaymentWish, RefundNews
from gateway.fanout import DeskChanged, OrderChanged
from mobile_api.payment import queries
from mobile_api.payment.awaiting import Page
from mobile_api.payment.settling import end, take_news
from mobile_api.wiring import Parts

# Before anything was asked of a provider, and after it has answered for good.
NOT_ASKED, NOT_REACHED = "the payment could not be started", "the payment provider did not answer"
FAILURE_LENGTH_MAX: Final = 500


class Wish(TypedDict):
    """A :class:`PaymentWish` as a workflow records it, with the provider that is to be asked."""

    provider: str
    amount_minor: int
    currency: str
    description: str
    locale: str
    checkout_id: str
    expires_at: str
    email: str


class Answer(TypedDict):
    """What a call to a provider came to. ``outcome``: done, later or refused."""

    outcome: str
    ref: str
    url: str
    reason: str


def _done(ref: str = "", url: str = "") -> Answer:
    return Answer(outcome="done", ref=ref, url=url, reason="")


def _not_done(error: Refused | Unavailable) -> Answer:
    outcome = "later" if isinstance(error, Unavailable) else "refused"
    return Answer(outcome=outcome, ref="", url="", reason=error.message[:FAILURE_LENGTH_MAX])


def wish(parts: Parts, db: Session, attempt_id: str) -> Wish | None:
    """Return what to ask for; None where nothing is to be asked, or it was asked before."""
    return worded(parts, db, paying.wish_of(db, attempt_id))


def worded(parts: Parts, db: Session, found: paying.Wish | None) -> Wish | None:
    """Return a wish that is still to be asked, with the words that the provider shows."""
    if found is None or found.provider_ref is not None:
        return None
    return in_words(parts, found, parts.shop.locations.facts(db, found.location_id))


def in_words(parts: Parts, found: paying.Wish, place: LocationFacts) -> Wish:
    """Return what to ask for on behalf of an attempt at a place."""
    return Wish(
        provider=parts.payments.active.name,
        amount_minor=found.amount_minor,
        currency=found.currency,
        description=of_language(place.name_i18n, place.name, found.locale),
        locale=found.locale,
        checkout_id=found.checkout_id,
        expires_at=found.expires_at.isoformat(),
        email=found.email,
    )


def page(parts: Parts, attempt_id: str, wanted: Wish) -> Answer:
    """Ask the provider for the payment and its page, and keep them.

    One step: the provider knows the attempt's id, so that asking it again, when keeping
    it was cut short, gives the same payment.
    """
    answer = create(parts, attempt_id, wanted)
    if answer["outcome"] == "done":
        note(parts, [(attempt_id, wanted, answer)])
    return answer


def create(parts: Parts, attempt_id: str, wanted: Wish) -> Answer:
    """Ask the provider for the payment and its page."""
    here = f"{parts.settings.base_url}/checkout/{wanted['checkout_id']}"
    parts.marked("asking")
    try:
        made = parts.payments.named(wanted["provider"]).create(
            PaymentWish(
                reference=attempt_id,
                amount_minor=wanted["amount_minor"],
                currency=wanted["currency"],
                description=wanted["description"],
                locale=wanted["locale"],
                success_url=f"{here}/back",
                cancel_url=here,
                expires_at=datetime.fromisoformat(wanted["expires_at"]),
                email=wanted["email"],
            )
        )
    except (Refused, Unavailable) as error:
        return _not_done(error)
    parts.marked("created")
    return _done(made.provider_ref, made.redirect_url)


def note(parts: Parts, made: Sequence[tuple[str, Wish, Answer]]) -> None:
    """Keep payments that were made: from here on the shoppers can go to their pages."""
    parts.marked("noting")
    with unit_of_work(parts.engine) as db:
        noted = note_many(
            db,
            parts.clock,
            [
                Made(
                    attempt_id,
                    wanted["checkout_id"],
                    wanted["provider"],
                    HostedPayment(answer["ref"], answer["url"]),
                )
                for attempt_id, wanted, answer in made
            ],
        )
        for attempt_id, wanted, _ in made:
            parts.tell(db, OrderChanged(wanted["checkout_id"], noted[attempt_id].version))
    parts.marked("noted")
    for attempt_id, _, answer in made:
        kept = noted[attempt_id]
        parts.awaited.tell(attempt_id, Page(kept.version, answer["url"]) if kept.waits else None)


def give_up(parts: Parts, attempt_id: str, reason: str) -> None:
    """Free everything: the provider makes no page."""
    parts.marked("giving up")
    with unit_of_work(parts.engine) as db:
        end(parts, db, attempt_id, AttemptState.FAILED, reason)
    parts.marked("given up")
    parts.awaited.tell(attempt_id)


def cancel(parts: Parts, attempt_id: str) -> Answer:
    """Close the page of an attempt that is over; money that came first is settled.

    Returns done once it is closed or settled.
    """
    with reading(parts.engine) as db:
        payment = queries.payment_of(db, attempt_id)
    if payment is None or payment.provider_ref is None or payment.state != TenderState.HELD:
        return _done()
    provider = payment.provider or ""
    parts.marked("cancelling")
    try:
        news = parts.payments.named(provider).cancel(payment.provider_ref)
    except (Refused, Unavailable) as error:
        return _not_done(error)
    parts.marked("cancelled")
    _close(parts, provider, payment, news)
    parts.marked("closed")
    return _done()


def _close(parts: Parts, provider: str, payment: TenderRow, news: PaymentNews) -> None:
    if news.outcome == "captured":
        take_news(parts, provider, news)
        return
    with unit_of_work(parts.engine) as db:
        paying.tender_closed(db, tender_id=payment.id)


def refund(parts: Parts, refund_id: str) -> Answer:
    """Give money back at the provider."""
    with reading(parts.engine) as db:
        facts = refunding.refund_facts(db, refund_id)
    if facts.state is not RefundState.DUE:
        return _done()
    parts.marked("refunding")
    try:
        ref = parts.payments.named(facts.provider or "").refund(
            facts.payment_ref or "",
            amount_minor=facts.amount_minor,
            currency=facts.currency,
            key=facts.key,
        )
    except (Refused, Unavailable) as error:
        return _not_done(error)
    parts.marked("refunded")
    return _done(ref)


def note_refund(parts: Parts, refund_id: str, answer: Answer) -> None:
    """Keep what became of a refund; what is settled stays as it is."""
    parts.marked("noting refund")
    with unit_of_work(parts.engine) as db:
        if answer["outcome"] == "done":
            refunding.refund_done(db, parts.clock, refund_id=refund_id, provider_ref=answer["ref"])
        else:
            refunding.refund_failed(db, parts.clock, refund_id=refund_id, failure=answer["reason"])
        _tell_order(parts, db, refund_id)
    parts.marked("refund noted")


def refund_failed_later(parts: Parts, news: RefundNews) -> None:
    """Take in that a refund did not arrive after all; the same again changes nothing.

    A refund that is not ours is none of our business.
    """
    with unit_of_work(parts.engine) as db:
        try:
            moved = refunding.refund_came_back(
                db,
                parts.clock,
                refund_id=news.refund_id,
                provider_ref=news.provider_ref,
                failure=news.failure,
            )
        except UnknownOrder:
            return
        if moved:
            _tell_order(parts, db, news.refund_id)


def _tell_order(parts: Parts, db: Session, refund_id: str) -> None:
    facts = refunding.refund_facts(db, refund_id)
    if facts.order_id is not None:
        order = db.get_one(OrderRow, facts.order_id, populate_existing=True)
        parts.tell(db, OrderChanged(facts.order_id, order.version))
    parts.tell(db, DeskChanged(facts.location_id))  # it shows refunds that failed
