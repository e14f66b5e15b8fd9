"""What the domain asks of others; ``wiring.py`` of each process says who answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from cart.kernel.clock import Clock
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
    category: str = ""  # of its product; taxes may depend on it
    active: bool = True  # false: no longer sold


class CatalogueLookup(Protocol):
    """Finds variants by code, many at once; codes it does not know are simply absent."""

    def __call__(
        self, db: Session, gtins: Collection[Gtin], *, currency: str
    ) -> dict[Gtin, Sellable]:
        """Return what is known of ``gtins``."""
        ...


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A SKU of which fewer pieces can be promised than were wanted."""

    sku: str
    wanted: int
    left: int


@dataclass(frozen=True, slots=True)
class Promising:
    """Pieces, by SKU, that are to be reserved under a reference until a time."""

    reference: str
    location_id: str
    pieces: Mapping[str, int]
    until: datetime


class StockKeeper(Protocol):
    """Promises pieces at one location: guarded, all of a reference or nothing, each fact once.

    ``reference`` names a promise (an attempt to pay, a substitution). ``pieces``:
    number by SKU. Everything happens in the caller's unit of work. A ``fact`` counts
    once for each reference; rows are locked in one order within a call, so who makes
    several calls in one unit of work makes them for one location after another.
    """

    def available(self, db: Session, *, location_id: str, skus: Collection[str]) -> dict[str, int]:
        """Return available-to-promise pieces of the SKUs that the location has ever had."""
        ...

    def most(self, db: Session, *, skus: Collection[str]) -> dict[str, int]:
        """Return of each SKU the pieces that can be promised where most of them are."""
        ...

    def reserve(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        location_id: str,
        pieces: Mapping[str, int],
        until: datetime,
    ) -> list[Shortfall]:
        """Reserve all pieces until a time, or none and say of which too few are left."""
        ...

    def reserve_many(self, db: Session, clock: Clock, wanted: Sequence[Promising]) -> set[str]:
        """Reserve for many, in their order; return the references that got all their pieces.

        Each is new. With an error nothing of it may be committed.
        """
        ...

    def allocate_many(self, db: Session, clock: Clock, references: Collection[str]) -> set[str]:
        """Allocate what is reserved in full; return the references of which it was.

        The others are for :meth:`allocate`. With an error nothing of it may be committed.
        """
        ...

    def allocate(self, db: Session, clock: Clock, *, reference: str) -> list[Shortfall]:
        """Turn what is reserved into an allocation.

        Pieces that were released meanwhile (money came late) are promised anew if
        they are still there; with a shortfall nothing changes.
        """
        ...

    def release(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        fact: str,
        pieces: Mapping[str, int] | None = None,
    ) -> None:
        """Give promised pieces back to everybody: all, or ``pieces``. ``fact`` counts once."""
        ...

    def hand_over(
        self,
        db: Session,
        clock: Clock,
        *,
        reference: str,
        fact: str,
        pieces: Mapping[str, int],
    ) -> None:
        """Let allocated pieces leave the location with a shopper. ``fact`` counts once."""
        ...

    def take_back(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
        sellable: bool,
    ) -> None:
        """Take pieces that came back on hand; those that cannot be sold are written off at once."""
        ...

    def write_off(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
        damaged: bool,
    ) -> None:
        """Take pieces that are not there, or spoilt, off what is on hand; never below 0."""
        ...

    def note_picked(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
    ) -> None:
        """Put pieces that went from the shelf into a bag into the ledger; they stay on hand."""
        ...

    def note_unpicked(
        self,
        db: Session,
        clock: Clock,
        *,
        location_id: str,
        fact: str,
        pieces: Mapping[str, int],
    ) -> None:
        """Put the way back to the shelf into the ledger."""
        ...


@dataclass(frozen=True, slots=True)
class Bay:
    """Where staff find a SKU; empty names where nobody said. ``walk_order``: zone, then bay."""

    zone_id: str = ""
    zone_name: str = ""
    bay_id: str = ""
    walk_order: int = 0
    zone_name_i18n: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LocationFacts:
    """A location as orders need it. ``opening_hours``: weekday to a list of [from, to], local."""

    id: str
    name: str
    timezone: str
    country: str
    name_i18n: dict[str, str] = field(default_factory=dict)
    opening_hours: dict[str, Any] = field(default_factory=dict)


class Locations(Protocol):
    """What is known of a location."""

    def facts(self, db: Session, location_id: str) -> LocationFacts:
        """Return a location.

        Raises:
            UnknownLocation: there is none of this id.
        """
        ...

    def assortment(
        self, db: Session, *, location_id: str, product_id: str, currency: str
    ) -> list[Sellable]:
        """Return the variants of a product that the location has ever had, by SKU."""
        ...

    def bays(self, db: Session, *, location_id: str, skus: Collection[str]) -> dict[str, Bay]:
        """Return where the SKUs lie; those nobody has placed are absent."""
        ...


@dataclass(frozen=True, slots=True)
class Shop:
    """All that orders and picking ask of the catalogue and the shelves; ``wiring.py`` fills it."""

    lookup: CatalogueLookup
    stock: StockKeeper
    locations: Locations


@dataclass(frozen=True, slots=True)
class PaymentWish:
    """What a provider is asked for. ``reference``: ours, and the idempotency key of the call."""

    reference: str
    amount_minor: int
    currency: str
    description: str
    locale: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    email: str = ""


@dataclass(frozen=True, slots=True)
class HostedPayment:
    """A payment at a provider: its id there, and the page where the shopper pays."""

    provider_ref: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What a provider says of a payment. ``outcome``: captured, failed, cancelled, pending."""

    event_id: str
    provider_ref: str
    outcome: str
    amount_minor: int
    currency: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RefundNews:
    """A provider gave money back, and it did not arrive. ``refund_id``: ours; the other, its."""

    refund_id: str
    provider_ref: str
    failure: str


class PaymentProvider(Protocol):
    """Takes payments at a page of its own, so that card data never touches us (PCI SAQ A).

    Calls may block; each names an idempotency key, so a repeat is the same call.
    They raise ``Unavailable`` when trying again helps and ``Refused`` when it does not.
    """

    name: str

    def create(self, wish: PaymentWish) -> HostedPayment:
        """Ask for a payment; the same ``wish.reference`` again is the same payment."""
        ...

    def look(self, provider_ref: str) -> PaymentNews:
        """Ask what became of a payment (``event_id`` empty): for a webhook that never came."""
        ...

    def cancel(self, provider_ref: str) -> PaymentNews:
        """Make the page unusable; the answer is ``captured`` where the money came first."""
        ...

    def refund(self, provider_ref: str, *, amount_minor: int, currency: str, key: str) -> str:
        """Give money back, in part or whole; return the refund's id at the provider."""
        ...

    def news(self, body: bytes, headers: Mapping[str, str]) -> PaymentNews | RefundNews | None:
        """Read a webhook; None: signed well, but nothing that concerns us.

        Raises:
            SignatureRefused: not signed by the provider, or too old.
        """
        ...
