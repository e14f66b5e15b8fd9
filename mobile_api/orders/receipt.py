"""The receipt: what was bought, what became of it, who paid how much, and what went back."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cart.kernel.money import Money
from cart.orders.model import RefundState, TenderKind, tax_within
from cart.orders.queries import OrderLine, OrderView
from mobile_api.checkouts.sums import SumRow, Sums, amount, taxes
from mobile_api.look.words import Words

# As it is written on a parcel; a database may keep the fields in any order.
_ADDRESS = ("name", "street", "street2", "postcode", "city", "region", "country", "phone")


@dataclass(frozen=True, slots=True)
class Note:
    """What became of a line; ``tone``: good or few."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as it was bought, with what became of it. ``gone``: nothing of it was kept."""

    gtin: str
    name: str
    variant: str
    quantity: int
    price: Money
    picture: str | None
    notes: tuple[Note, ...]
    gone: bool


def shown_lines(w: Words, order: OrderView) -> tuple[ShownLine, ...]:
    """Return the lines in the reader's language."""
    called = {line.id: full_name(w, line) for line in order.lines}
    replaced: Counter[str] = Counter()
    for line in order.lines:
        if line.replaces is not None:
            replaced[line.replaces] += line.quantity
    return tuple(
        ShownLine(
            gtin=line.gtin,
            name=w.of(line.name_i18n, line.name),
            variant=variant(w, line),
            quantity=line.quantity,
            price=Money(line.quantity * line.price_minor, order.currency),
            picture=line.picture,
            notes=_notes(w, line, called.get(line.replaces or ""), replaced[line.id]),
            gone=not line.kept,
        )
        for line in order.lines
    )


def variant(w: Words, line: OrderLine) -> str:
    """Return colour and size."""
    return " · ".join(filter(None, (w.of(line.colour_i18n, line.colour), line.size)))


def full_name(w: Words, line: OrderLine) -> str:
    """Return name and variant: what replaces a thing has its name, as a rule."""
    return ", ".join(filter(None, (w.of(line.name_i18n, line.name), variant(w, line))))


def address_line(address: Mapping[str, str]) -> str:
    """Return where a parcel goes, in one line."""
    return ", ".join(filter(None, (address.get(name, "") for name in _ADDRESS)))


def _notes(w: Words, line: OrderLine, instead_of: str | None, replaced: int) -> tuple[Note, ...]:
    notes = []
    if instead_of:
        text = w.gettext("instead of %(name)s") % {"name": instead_of}
        notes.append(Note(text, "good"))
    if replaced:
        text = w.ngettext("%(num)s piece was replaced", "%(num)s pieces were replaced", replaced)
        notes.append(Note(text, "few"))
    if missing := line.cancelled - replaced:
        text = w.ngettext("%(num)s piece not delivered", "%(num)s pieces not delivered", missing)
        notes.append(Note(text, "few"))
    if line.returned:
        text = w.ngettext("%(num)s piece returned", "%(num)s pieces returned", line.returned)
        notes.append(Note(text, "few"))
    return tuple(notes)


def sums(w: Words, order: OrderView) -> Sums:
    """Return what was paid with what, every refund, what it comes to, and the tax in that."""
    currency, rows = order.currency, []
    if order.shipping_minor:
        goods = amount(w, order.total_minor - order.shipping_minor, currency)
        rows.append(SumRow(w.gettext("Goods"), goods))
        rows.append(SumRow(w.gettext("Shipping"), amount(w, order.shipping_minor, currency)))
    rows.append(
        SumRow(w.gettext("Total"), amount(w, order.total_minor, currency), strong=bool(rows))
    )
    tenders = {
        TenderKind.VOUCHER: w.gettext("Paid with gift card or voucher"),
        TenderKind.PROVIDER: w.gettext("Paid with card or wallet"),
        TenderKind.WRISTBAND: w.gettext("Paid with the wristband"),
    }
    rows += [SumRow(tenders[one.kind], amount(w, one.amount_minor, currency)) for one in order.paid]
    states = {
        RefundState.DUE: w.gettext("Going back to you"),
        RefundState.DONE: w.gettext("Went back to you"),
        RefundState.FAILED: w.gettext("Could not be sent back: please ask at the desk"),
    }
    rows += [
        SumRow(states[one.state], amount(w, -one.amount_minor, currency)) for one in order.refunds
    ]
    if order.refunds:
        left = order.total_minor - order.refunded_minor
        rows.append(SumRow(w.gettext("What you have paid"), amount(w, left, currency), strong=True))
    return Sums(tuple(rows), _taxes(w, order))


def cards(w: Words, order: OrderView, timezone: str) -> tuple[str, ...]:
    """Say of vouchers that money came back to, until when it can be spent."""
    said = w.gettext(
        "%(amount)s is on your gift card ending in %(ending)s again, good until %(date)s."
    )
    return tuple(
        said
        % {
            "amount": amount(w, one.refunded_minor, order.currency),
            "ending": one.ending,
            "date": w.day(one.good_until.astimezone(ZoneInfo(timezone)).date()),
        }
        for one in order.paid
        if one.kind is TenderKind.VOUCHER and one.refunded_minor and one.good_until
    )


def _taxes(w: Words, order: OrderView) -> tuple[SumRow, ...]:
    """Return the tax by rate in the goods that were kept, and that in the shipping."""
    if order.refunded_minor == order.total_minor:
        return ()
    by_rate: defaultdict[int, int] = defaultdict(int)
    bought = 0
    for line in order.lines:
        by_rate[line.tax_rate_bp] += tax_within(line.total_minor, line.tax_rate_bp)
        if line.replaces is None:
            bought += tax_within(line.quantity * line.price_minor, line.tax_rate_bp)
    rows = taxes(w, sorted(by_rate.items()), order.currency)
    if shipping := order.tax_minor - bought:
        label = w.gettext("Tax included in the shipping")
        rows += (SumRow(label, amount(w, shipping, order.currency)),)
    return rows
