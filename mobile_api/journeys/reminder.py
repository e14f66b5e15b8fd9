"""Writes the reminder: what she left, with today's prices and stock, and a link.

After a purchase it may be thanks instead, with how to look after each article.

Sent under her consent alone: without it there are no headers to withdraw by, and no mail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any, Final

from sqlmodel import Session

from cart.db import unit_of_work
from cart.journeys import people, sending
from cart.journeys.loading import version_of
from cart.journeys.model import OF_ORDERS, Template, TriggerKind
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.kernel.errors import ConsentMissing
from cart.kernel.gtin import Gtin
from cart.kernel.i18n import choose
from cart.kernel.money import Money
from cart.profile.consent.model import Purpose
from cart.profile.subscriptions.model import address_hash
from inventory_api.catalogue.queries import descriptions
from mobile_api.carts.basket import ShownLine, Wanted, shown, totals
from mobile_api.edge.links import message_link, order_link, why_link
from mobile_api.edge.problems import N_
from mobile_api.journeys.world import world_of
from mobile_api.look.words import Words, words
from mobile_api.mail.envelope import Envelope, enclose
from mobile_api.mail.listed import ways
from mobile_api.mail.model import Attempt, Outcome
from mobile_api.mail.postage import heed, marked_postage
from mobile_api.mail.smtp import deliver
from mobile_api.products.shops import StockWords
from mobile_api.wiring import Parts

LEADS: Final[Mapping[TriggerKind, str]] = {
    TriggerKind.CART_IDLE: N_("You left these in your cart. One press brings them back, anywhere."),
    TriggerKind.LIST_SENT_NOT_BOUGHT: N_(
        "You had this list sent to you. Here it is as it stands today."
    ),
    TriggerKind.TRIED_NOT_BOUGHT: N_("You tried this on. Here it is as it stands today."),
    TriggerKind.BACK_IN_STOCK: N_("This was sold out where you wanted it. It is back."),
    TriggerKind.PRICE_DROP: N_("This costs less than when you put it aside."),
    TriggerKind.READY_TO_COLLECT: N_("These are ready for you at the desk."),
    TriggerKind.ORDERED: N_("This is what you ordered. Its page says how it stands."),
}
CARE_LEAD: Final = N_("Thank you for your order. This is how to look after it.")
# Where there is room for a sentence alone: it leads to the order, and its lines to their pages.
CARE_TOLD: Final = N_("Thank you for your order. Each article's page says how to look after it.")
TEMPLATES: Final[Mapping[Template, str]] = {
    Template.REMINDER: "reminder_mail",
    Template.CARE: "care_mail",
}
# Of more there is the link alone: mail programs cut off what is longer than 100 kB.
DESCRIBED_MAX: Final = 12
NOTHING = StockWords("", "good")  # what shelves say is nothing to who has ordered
LIST = "reminders"  # what they are called as a list (RFC 2919)


@dataclass(frozen=True, slots=True)
class Reminder:
    """The content of the mail. ``link``: brings back these lines; ``withdraw``: ends reminders.

    ``why``: says why it came. ``care``: by article how to look after it, of thanks alone.
    """

    words: Words
    lead: str
    lines: tuple[ShownLine, ...]
    totals: tuple[Money, ...]
    place: str
    link: str
    withdraw: str
    why: str
    kind: TriggerKind = TriggerKind.CART_IDLE
    template: Template = Template.REMINDER
    care: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The subject line, and the mail's heading."""
        if self.template is Template.CARE:
            return self.words.gettext("How to look after what you bought")
        if self.kind is TriggerKind.READY_TO_COLLECT:
            return self.words.gettext("Your order waits for you")
        if self.kind is TriggerKind.ORDERED:
            return self.words.gettext("About what you ordered")
        return self.words.gettext("Your things still wait for you")

    @property
    def opens(self) -> str:
        """What its button says."""
        if self.kind in OF_ORDERS:
            return self.words.gettext("See your order")
        return self.words.gettext("Bring it all back")

    @property
    def allowed(self) -> str:
        """Why it may come, and when no other does."""
        if self.kind in OF_ORDERS:
            return self.words.gettext("You get this e-mail because you allowed reminders.")
        return self.words.gettext(
            "You get this e-mail because you allowed reminders. Once you buy these, or take them"
            " off, there is no other about them."
        )


def may(parts: Parts, message_id: str) -> bool:
    """Ask every guard, in a transaction of its own: what stands against it is kept."""
    with unit_of_work(parts.engine) as db:
        return sending.may_go(db, world_of(parts), message_id)


def hand_over(parts: Parts, message_id: str, message: EmailMessage | None) -> Attempt:
    """Send a reminder, once at most: without the mail server's answer it is unknown."""
    if message is None:
        return Attempt(Outcome.NOTHING)
    parts.marked("composed")
    to = address_hash(parts.secret, str(message["To"]))
    with unit_of_work(parts.engine) as db:
        row = db.get_one(JourneyMessageRow, message_id)
        mark = row.mark or ""
        if not sending.hand(db, parts.clock, message_id, to):
            return Attempt(Outcome.NOTHING)
    parts.marked("taken")
    attempt = deliver(parts.smtp_url, message, marked_postage(parts, mark))
    parts.marked("delivered")
    with unit_of_work(parts.engine) as db:
        if attempt.outcome is Outcome.UNKNOWN:
            sending.lost_sight_of(db, message_id, attempt.reason)
            return Attempt(Outcome.NOTHING)
        if attempt.outcome is Outcome.LATER:
            sending.put_back(db, message_id)
        heed(parts, db, attempt, message)
    return attempt


def reminder_mail(parts: Parts, db: Session, message_id: str) -> EmailMessage | None:
    """Return the message; None if it is settled, or may not be sent after all."""
    row = db.get(JourneyMessageRow, message_id)
    if row is None or row.state != "requested" or row.taken_at is None:
        return None
    person = people.person_of(db, row.session_id)
    if not person.addresses:
        return None
    spoken = words(choose(person.locale))
    purpose, name = Purpose.REMINDERS, spoken.gettext("Reminders by e-mail")
    try:
        leaving = ways(db, parts.settings, person.subject, purpose, list_id=LIST, list_name=name)
    except ConsentMissing:
        return None
    one = version_of(db, row.journey, row.version)
    says, kind = one.template_of(row.step), one.trigger.kind
    link = f"{parts.settings.base_url}{path_of(parts, db, row, kind)}"
    wanted = wanted_of(row.lines)
    why = f"{parts.settings.base_url}/privacy/why/{why_link(parts.secret, row.id)}"
    ends = {"withdraw": leaving.leave, "why": why}
    letter = reminder(parts, db, spoken, wanted, kind=kind, template=says, link=link, **ends)
    envelope = Envelope(
        "journey",
        row.id,
        person.addresses[0],
        row.requested_at,
        letter.subject,
        spoken.locale,
        headers=leaving.headers,
    )
    named = [(line.gtin, line.picture) for line in letter.lines]
    return enclose(envelope, parts.settings, TEMPLATES[says], {"letter": letter}, named)


def reminder(
    parts: Parts,
    db: Session,
    spoken: Words,
    wanted: Sequence[Wanted],
    *,
    kind: TriggerKind,
    link: str,
    withdraw: str,
    why: str,
    template: Template = Template.REMINDER,
) -> Reminder:
    """Return what the mail says, as things are now; of an order, only which things it has."""
    here_id = wanted[-1].location_id if wanted else None
    lines, here, _ = shown(db, parts.lookup, spoken, wanted, here_id=here_id)
    place = here.name if here else ""
    care = _care_of(db, spoken, lines) if template is Template.CARE else {}
    lead = spoken.gettext(CARE_LEAD) if care else lead_of(spoken, kind, template)
    if kind in OF_ORDERS:
        lines = tuple(replace(one, stock=NOTHING, each=None, price=None) for one in lines)
    said = (spoken, lead, lines, tuple(totals(lines)), place, link, withdraw, why, kind)
    return Reminder(*said, template, care)


def _care_of(db: Session, spoken: Words, lines: Sequence[ShownLine]) -> dict[str, str]:
    """Return what the catalogue writes of the first few articles, each product once."""
    first: dict[str, str] = {}
    for line in lines:
        if line.product_id:
            first.setdefault(line.product_id, line.gtin)
    shown = dict(list(first.items())[:DESCRIBED_MAX])
    return {
        shown[product_id]: said
        for product_id, (text, by_language) in descriptions(db, shown).items()
        if (said := spoken.of(by_language, text))
    }


def path_of(parts: Parts, db: Session, row: JourneyMessageRow, kind: TriggerKind) -> str:
    """Return the page that a message leads to: of its lines, or of the order."""
    if kind in OF_ORDERS:
        order_id = db.get_one(JourneyRunRow, row.run_id).about
        return f"/o/{order_link(parts.secret, order_id)}"
    return f"/back/{message_link(parts.secret, row.id)}"


def wanted_of(kept: Sequence[dict[str, Any]]) -> list[Wanted]:
    """Return lines as a message keeps them; their codes were verified when they were scanned."""
    return [
        Wanted(
            str.__new__(Gtin, one["gtin"]),
            one["sku"],
            one["quantity"],
            one["price_minor"],
            one["currency"],
            one["location_id"] or None,
        )
        for one in kept
    ]


def lead_of(w: Words, kind: TriggerKind, template: Template = Template.REMINDER) -> str:
    """Return the sentence that says what it is about, where there is room for no more."""
    return w.gettext(CARE_TOLD if template is Template.CARE else LEADS[kind])
