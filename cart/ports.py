"""What the domain asks of others; ``wiring.py`` of each process says who answers."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from sqlmodel import Session

from cart.kernel.gtin import Gtin


@dataclass(frozen=True, slots=True)
class Sellable:
    """A variant as a cart needs it.

    ``price_minor`` is None when it has no price in the currency asked for: it
    can be shown and kept, not totalled. ``name`` is English; ``name_i18n`` has
    the other languages. ``colour``/``size`` may be empty.
    """

    gtin: Gtin
    sku: str
    product_id: str
    name: str
    price_minor: int | None
    currency: str
    name_i18n: dict[str, str] = field(default_factory=dict)
    colour: str = ""
    colour_i18n: dict[str, str] = field(default_factory=dict)
    size: str = ""
    picture: str | None = None  # file name under /pictures/
    picture_alt: str = ""


class CatalogueLookup(Protocol):
    """Finds variants by code, many at once; codes it does not know are simply absent."""

    def __call__(
        self, db: Session, gtins: Collection[Gtin], *, currency: str
    ) -> dict[Gtin, Sellable]:
        """Return what is known of ``gtins``."""
        ...
