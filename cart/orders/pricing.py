"""What a checkout costs and what stands in the way of paying it. Pure: facts in, answer out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cart.orders.model import Problem, ProblemKind, tax_within
from cart.ports import Sellable


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A cart line as it is now.

    ``shown``: prices that the shopper saw for it (when she scanned it) or agreed to
    since. ``left``: pieces that can be promised at the location, None: never had it.
    """

    gtin: str
    sku: str
    quantity: int
    shown: tuple[int, ...]
    sellable: Sellable | None
    left: int | None
    tax_rate_bp: int


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """A line as the shopper sees it; ``now_minor`` is the price today, None: not sold.

    ``price_minor``: a piece at the price that she agreed to; 0 where there was none.
    """

    gtin: str
    sku: str
    quantity: int
    price_minor: int
    now_minor: int | None
    left: int | None
    tax_rate_bp: int
    name: str
    name_i18n: dict[str, str] = field(default_factory=dict)
    colour: str = ""
    colour_i18n: dict[str, str] = field(default_factory=dict)
    size: str = ""
    picture: str | None = None
    picture_alt: str = ""

    @property
    def total_minor(self) -> int:
        """All pieces, tax included."""
        return self.quantity * self.price_minor

    @property
    def tax_minor(self) -> int:
        """The tax that the pieces include."""
        return tax_within(self.total_minor, self.tax_rate_bp)


@dataclass(frozen=True, slots=True)
class TaxPart:
    """Everything that is taxed at one rate, and the tax in it."""

    rate_bp: int
    gross_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What there is to pay. ``rest_minor``: what the voucher does not cover."""

    goods_minor: int
    shipping_minor: int
    voucher_minor: int
    taxes: tuple[TaxPart, ...]

    @property
    def total_minor(self) -> int:
        """Goods and shipping, tax included."""
        return self.goods_minor + self.shipping_minor

    @property
    def rest_minor(self) -> int:
        """What is left to pay once the voucher has given what it has."""
        return self.total_minor - self.voucher_minor

    @property
    def tax_minor(self) -> int:
        """All the tax in the total."""
        return sum(part.tax_minor for part in self.taxes)


def line_of(facts: LineFacts) -> tuple[CheckoutLine, list[Problem]]:
    """Return a line and what the shopper has to decide about it."""
    known = facts.sellable
    now_minor = known.price_minor if known is not None and known.active else None
    agreed = _agreed(facts.shown, now_minor)
    line = CheckoutLine(
        gtin=facts.gtin,
        sku=facts.sku,
        quantity=facts.quantity,
        price_minor=agreed or 0,
        now_minor=now_minor,
        left=facts.left,
        tax_rate_bp=facts.tax_rate_bp,
        name=known.name if known else facts.sku,
        name_i18n=known.name_i18n if known else {},
        colour=known.colour if known else "",
        colour_i18n=known.colour_i18n if known else {},
        size=known.size if known else "",
        picture=known.picture if known else None,
        picture_alt=known.picture_alt if known else "",
    )
    if now_minor is None or facts.left is None:
        return line, [Problem(ProblemKind.NOT_SOLD_HERE, facts.gtin)]
    problems = []
    if facts.left < facts.quantity:
        problems.append(Problem(ProblemKind.INSUFFICIENT, facts.gtin, left=facts.left))
    if agreed != now_minor:
        problems.append(
            Problem(ProblemKind.PRICE_CHANGED, facts.gtin, was_minor=agreed, now_minor=now_minor)
        )
    return line, problems


def _agreed(shown: Sequence[int], now_minor: int | None) -> int | None:
    """Return the price that holds: today's if she has seen it, else the last that she saw."""
    if now_minor in shown:
        return now_minor
    return shown[-1] if shown else None


def totals_of(
    lines: Iterable[CheckoutLine],
    *,
    shipping_minor: int = 0,
    shipping_rate_bp: int = 0,
    voucher_left_minor: int = 0,
) -> Totals:
    """Add up. Tax is rounded per line, so the sum of the receipt's lines is its tax."""
    goods = 0
    gross: defaultdict[int, int] = defaultdict(int)
    tax: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        goods += line.total_minor
        gross[line.tax_rate_bp] += line.total_minor
        tax[line.tax_rate_bp] += line.tax_minor
    if shipping_minor:
        gross[shipping_rate_bp] += shipping_minor
        tax[shipping_rate_bp] += tax_within(shipping_minor, shipping_rate_bp)
    taxes = tuple(TaxPart(rate, gross[rate], tax[rate]) for rate in sorted(gross))
    covered = min(voucher_left_minor, goods + shipping_minor)
    return Totals(goods, shipping_minor, covered, taxes)
