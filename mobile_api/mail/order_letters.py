"""Writes letters about an order: receipt, ready, shipped, reminder, uncollected, refund.

Each says one thing, then what was bought and what it came to, and leads to the
order's own page, where everything is as it is now.
"""

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from sqlmodel import Session

from cart.kernel.i18n import choose
from cart.kernel.money import Money
from cart.orders import terms
from cart.orders.letters import LetterKind
from cart.orders.model import Method
from cart.orders.queries import OrderView, order_view
from cart.orders.tables import OrderLetterRow
from inventory_api.catalogue.tables import LocationRow
from mobile_api.checkouts.sums import Sums
from mobile_api.edge.links import order_link
from mobile_api.look.words import Words, words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.orders import receipt
from mobile_api.orders.saying import Saying
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class OrderLetter:
    """The content of one letter, in the reader's words. ``address``: of the shop, or the parcel."""

    words: Words
    subject: str
    heading: str
    lead: str
    ticket: str
    place: str
    address: str
    lines: tuple[receipt.ShownLine, ...]
    sums: Sums
    cards: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class _Told:
    """Subject, heading and the sentence below it."""

    subject: str
    heading: str
    lead: str


def order_mail(parts: Parts, db: Session, letter_id: str) -> EmailMessage | None:
    """Return the message of a letter; None if it is settled, or has nobody to go to."""
    row = db.get(OrderLetterRow, letter_id)
    if row is None or row.state != "requested":
        return None
    order = order_view(db, row.order_id)
    if not order.email:
        return None
    letter = letter_about(parts, db, row, order)
    locale = letter.words.locale
    envelope = Envelope("order", row.id, order.email, row.requested_at, letter.subject, locale)
    named = [(line.picture or "", line.picture) for line in letter.lines]
    return enclose(envelope, parts.settings, "order_mail", {"letter": letter}, named)


def letter_about(parts: Parts, db: Session, row: OrderLetterRow, order: OrderView) -> OrderLetter:
    """Return what a letter says of an order as it is now."""
    w = words(choose(order.locale))
    place = db.get_one(LocationRow, order.location_id)
    name = w.of(place.name_i18n, place.name)
    kept_for = timedelta(hours=terms.get(db, order.location_id).uncollected_hours)
    saying = Saying(w, order, place.timezone, row.requested_at, None, kept_for)
    told = _told(saying, row, name)
    collected = order.method is Method.COLLECT
    desk = ", ".join(filter(None, (place.address, place.city)))
    return OrderLetter(
        words=w,
        subject=told.subject,
        heading=told.heading,
        lead=told.lead,
        ticket=order.ticket if collected else "",
        place=name,
        address=desk if collected else receipt.address_line(order.address),
        lines=receipt.shown_lines(w, order),
        sums=receipt.sums(w, order),
        cards=receipt.cards(w, order, place.timezone),
        link=f"{parts.settings.base_url}/o/{order_link(parts.secret, order.id)}",
    )


def _told(saying: Saying, row: OrderLetterRow, place: str) -> _Told:
    w, order = saying.w, saying.order
    named = {"ticket": order.ticket, "shop": place}
    until = {"time": saying.moment(saying.kept_until())}
    back = {"amount": w.money(Money(_refunded_minor(row, order), order.currency))}
    goes_back = w.gettext("%(amount)s goes back to you.") % back
    kind = LetterKind(row.kind)
    if kind is LetterKind.RECEIPT:
        subject = w.gettext("Your order %(ticket)s at %(shop)s") % named
        ready = w.gettext("Ready about %(time)s") % {"time": saying.moment(order.promise_at)}
        packing = w.gettext("We are packing your order")
        soon = f"{ready}. {saying.moved()}" if saying.moved() else ready
        lead = packing if order.method is Method.SHIP else soon
        return _Told(subject, w.gettext("Thank you for your order"), lead)
    if kind is LetterKind.READY:
        subject = w.gettext("Ready at %(shop)s: your order %(ticket)s") % named
        lead = w.gettext("We keep it for you until %(time)s.") % until
        return _Told(subject, w.gettext("Ready at the desk"), lead)
    if kind is LetterKind.SHIPPED:
        subject = w.gettext("On its way to you: your order %(ticket)s at %(shop)s") % named
        return _Told(subject, w.gettext("On its way to you"), saying.parcel())
    if kind is LetterKind.REMINDER:
        subject = w.gettext("Your order %(ticket)s still waits at %(shop)s") % named
        lead = w.gettext(
            "We keep it for you until %(time)s. After that it goes back on the shelf, and the"
            " money goes back to you."
        )
        return _Told(subject, w.gettext("Your things still wait for you"), lead % until)
    if kind is LetterKind.UNCOLLECTED:
        subject = w.gettext("Nobody has collected your order %(ticket)s at %(shop)s") % named
        return _Told(subject, w.gettext("Nobody has collected this order"), goes_back)
    subject = w.gettext("Money goes back to you: your order %(ticket)s at %(shop)s") % named
    lead = w.gettext("It goes to what you paid with. A bank may take some days to show it.")
    return _Told(subject, goes_back, lead)


def _refunded_minor(row: OrderLetterRow, order: OrderView) -> int:
    """Return what goes back by the fact that the letter tells; all that did, if it tells of all.

    The id of a letter about a refund ends with the number of that fact in the history.
    """
    number = row.id.rpartition(":")[2]
    for entry in order.history:
        if row.kind == LetterKind.REFUND and str(entry.number) == number:
            return int(entry.data.get("refund_minor", order.refunded_minor))
    return order.refunded_minor
