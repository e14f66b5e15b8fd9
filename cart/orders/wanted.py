"""What an attempt to pay buys, frozen as the shopper saw it: the money that comes buys this.

It is kept with the attempt as one JSON value, since money may come when the cart,
the prices and even the location chosen are others.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from cart.orders.pricing import CheckoutLine


@dataclass(frozen=True, slots=True)
class WantedLine:
    """Pieces of one variant at one price, with the words that the order will carry."""

    gtin: str
    sku: str
    quantity: int
    price_minor: int
    tax_rate_bp: int
    name: str
    name_i18n: dict[str, str] = field(default_factory=dict)
    colour: str = ""
    colour_i18n: dict[str, str] = field(default_factory=dict)
    size: str = ""
    picture: str | None = None

    @classmethod
    def of(cls, line: CheckoutLine) -> "WantedLine":
        """Freeze a line as the shopper sees it."""
        return cls(
            gtin=line.gtin,
            sku=line.sku,
            quantity=line.quantity,
            price_minor=line.price_minor,
            tax_rate_bp=line.tax_rate_bp,
            name=line.name,
            name_i18n=line.name_i18n,
            colour=line.colour,
            colour_i18n=line.colour_i18n,
            size=line.size,
            picture=line.picture,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that becomes an order once the money is there."""

    location_id: str
    method: str
    email: str
    locale: str
    address: dict[str, str]
    tax_minor: int
    shipping_rate_bp: int
    lines: tuple[WantedLine, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as the attempt keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Wanted":
        """Read what :meth:`as_json` gave."""
        lines = tuple(WantedLine(**line) for line in kept["lines"])
        return cls(**{**kept, "lines": lines})

    @property
    def pieces(self) -> dict[str, int]:
        """Number of pieces by SKU."""
        total: defaultdict[str, int] = defaultdict(int)
        for line in self.lines:
            total[line.sku] += line.quantity
        return dict(total)
