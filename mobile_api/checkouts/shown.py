"""A checkout as a person sees it: lines, what is to be decided, ways to get it, what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from sqlmodel import Session

from cart.kernel.money import Money
from cart.orders.checkout import CheckoutView
from cart.orders.model import AttemptState, CheckoutState, Method
from cart.orders.pricing import CheckoutLine
from cart.orders.tables import AttemptRow
from cart.ports import LocationFacts
from inventory_api.stock.queries import availability
from mobile_api.carts.basket import SHOPS_SHOWN_MAX
from mobile_api.checkouts.deciding import Deciding, ShownProblem
from mobile_api.checkouts.sums import SumRow, Sums, amount, taxes
from mobile_api.look.words import Words
from mobile_api.products.queries import all_shops
from mobile_api.products.shops import Shop, nearest_first

# How a try to pay ended is said this long; afterwards it is an old story.
TOLD_FOR: Final = timedelta(minutes=30)
CHIPS_MAX: Final = 6  # times to tap; the others are in a list
FEW_LEFT: Final = 1  # places of a quarter hour; with more there is no hurry, and nothing is said
ADDRESS: Final = (  # name, the browser's word for it, whether it is needed
    ("name", "name", True),
    ("street", "address-line1", True),
    ("street2", "address-line2", False),
    ("postcode", "postal-code", True),
    ("city", "address-level2", True),
    ("region", "address-level1", False),
    ("country", "country-name", True),
    ("phone", "tel", False),
)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its problems."""

    gtin: str
    name: str
    variant: str
    quantity: int
    each: Money | None
    price: Money | None
    picture: str | None
    alt: str
    problems: tuple[ShownProblem, ...]


@dataclass(frozen=True, slots=True)
class ShownSlot:
    """A time that can be chosen, or is full. ``note``: that it is, or how few places are left."""

    value: str
    label: str
    note: str
    chosen: bool
    full: bool


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A shop that can be chosen, and how much of it all is there."""

    id: str
    name: str
    note: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class AddressField:
    """One field of the address."""

    name: str
    label: str
    value: str
    autocomplete: str
    needed: bool


@dataclass(frozen=True)
class ShownCheckout:
    """All that the page shows; what only the page needs is made when it asks.

    ``trouble``: how the last try to pay ended, if it did badly.
    """

    w: Words
    view: CheckoutView
    now: datetime
    place: str
    place_address: str
    lines: tuple[ShownLine, ...]
    problems: tuple[ShownProblem, ...]
    trouble: str
    places: tuple[ShownPlace, ...]
    shipping: Money | None

    @property
    def _spoken(self) -> "_Times":
        return _Times(self.w, self.view.place, self.now)

    @property
    def promise(self) -> str:
        """When it will be ready."""
        return _promise(self.w, self.view, self._spoken)

    @property
    def soonest(self) -> str:
        """The first time that can be had."""
        return self._spoken.moment(self.view.soonest) if self.view.soonest else ""

    @cached_property
    def slots(self) -> tuple[ShownSlot, ...]:
        """The times that can be chosen, and between them those that are full."""
        spoken = self._spoken
        return tuple(
            ShownSlot(
                slot.starts_at.isoformat(),
                spoken.moment(slot.starts_at),
                _places_left(self.w, slot.left),
                chosen=slot.starts_at == self.view.slot_at,
                full=slot.left == 0,
            )
            for slot in self.view.slots
        )

    @property
    def chips(self) -> tuple[ShownSlot, ...]:
        """The next times, to tap."""
        return self.slots[:CHIPS_MAX]

    @property
    def later(self) -> tuple[ShownSlot, ...]:
        """The times after those, for a list."""
        return self.slots[CHIPS_MAX:]

    @cached_property
    def address(self) -> tuple[AddressField, ...]:
        """The fields of the address."""
        return _address(self.w, self.view)

    @cached_property
    def sums(self) -> Sums:
        """What it comes to."""
        return _sums(self.w, self.view)

    @property
    def to_pay(self) -> Money:
        """What the voucher leaves to pay."""
        return Money(self.view.totals.rest_minor, self.view.currency)

    @property
    def until_time(self) -> str:
        """Until when it is held."""
        until = self.view.reserved_until
        return self.w.clock_time(until, self.view.place.timezone) if until else ""

    @property
    def pieces(self) -> int:
        """How many pieces."""
        return sum(line.quantity for line in self.lines)

    @property
    def can_pay(self) -> bool:
        """Whether nothing is left to decide."""
        return self.view.state is CheckoutState.OPEN and not self.view.problems


def shown(
    db: Session,
    w: Words,
    view: CheckoutView,
    *,
    now: datetime,
    attempt: AttemptRow | None,
    shipping_minor: int,
    whole: bool = True,
) -> ShownCheckout:
    """Return the checkout in the reader's language.

    ``attempt``: the last try to pay. ``shipping_minor``: what sending would cost here.
    ``whole`` false: without the other shops, unless a problem may lead there.
    """
    every = all_shops(db, w) if whole or view.problems else []
    here = next((shop for shop in every if shop.id == view.place.id), None)
    shops = nearest_first(every, here)[:SHOPS_SHOWN_MAX]
    left: dict[str, dict[str, int]] = {}
    skus = [line.sku for line in view.lines]
    for one in availability(db, skus, [shop.id for shop in shops]) if shops else ():
        left.setdefault(one.sku, {})[one.location_id] = one.available
    had = {shop.id: _had(view.lines, left, shop) for shop in shops}
    others = sorted(
        (shop for shop in shops if shop.id != view.place.id),
        key=lambda shop: -had[shop.id],
    )
    deciding = Deciding(w, view, others, left)
    return ShownCheckout(
        w=w,
        view=view,
        now=now,
        place=w.of(view.place.name_i18n, view.place.name),
        place_address=", ".join(filter(None, (here.address, here.city))) if here else "",
        lines=tuple(_line(w, deciding, line) for line in view.lines),
        problems=tuple(deciding.of_all(one) for one in view.problems if one.gtin is None),
        trouble=_trouble(w, view, attempt, now),
        places=tuple(
            ShownPlace(
                shop.id,
                shop.name,
                _having(w, had[shop.id], len(view.lines)),
                chosen=shop.id == view.place.id,
            )
            for shop in shops
        ),
        shipping=Money(shipping_minor, view.currency) if view.ships else None,
    )


@dataclass(frozen=True, slots=True)
class _Times:
    """Moments as one says them today, at the shop."""

    w: Words
    place: LocationFacts
    now: datetime

    def moment(self, moment: datetime) -> str:
        """Return the time, with the day's name if that is another."""
        zone = ZoneInfo(self.place.timezone)
        time = self.w.clock_time(moment, self.place.timezone)
        if moment.astimezone(zone).date() == self.now.astimezone(zone).date():
            return time
        return f"{self.w.weekday(moment, self.place.timezone)} {time}"


def _had(lines: Sequence[CheckoutLine], left: Mapping[str, Mapping[str, int]], shop: Shop) -> int:
    """Return how many of the lines a shop has whole."""
    return sum(left.get(line.sku, {}).get(shop.id, 0) >= line.quantity for line in lines)


def _having(w: Words, had: int, lines: int) -> str:
    if had == lines:
        return w.gettext("has everything")
    return w.gettext("has %(had)s of %(all)s") % {"had": w.number(had), "all": w.number(lines)}


def _line(w: Words, deciding: Deciding, line: CheckoutLine) -> ShownLine:
    name = w.of(line.name_i18n, line.name)
    minor = line.price_minor or line.now_minor
    each = None if minor is None else Money(minor, deciding.view.currency)
    colour = w.of(line.colour_i18n, line.colour)
    return ShownLine(
        gtin=line.gtin,
        name=name,
        variant=" · ".join(part for part in (colour, line.size) if part),
        quantity=line.quantity,
        each=each,
        price=None if each is None else each * line.quantity,
        picture=line.picture,
        alt=line.picture_alt,
        problems=tuple(
            deciding.of_line(one, line, name)
            for one in deciding.view.problems
            if one.gtin == line.gtin
        ),
    )


def _places_left(w: Words, left: int | None) -> str:
    """Say that a quarter hour is full, or nearly; without a limit there is nothing to say."""
    if left is None or left > FEW_LEFT:
        return ""
    if left == 0:
        return w.gettext("full")
    return w.ngettext("%(num)s place left", "%(num)s places left", left)


def _promise(w: Words, view: CheckoutView, spoken: _Times) -> str:
    if view.method is Method.SHIP:
        return w.gettext("sent to your address")
    if view.promise is None:
        return ""
    return w.gettext("ready about %(time)s") % {"time": spoken.moment(view.promise.at)}


def _trouble(w: Words, view: CheckoutView, attempt: AttemptRow | None, now: datetime) -> str:
    """Say how the last try to pay ended; a stop of her own needs no words."""
    if view.state is not CheckoutState.OPEN or attempt is None or attempt.ended_at is None:
        return ""
    if now - attempt.ended_at > TOLD_FOR:
        return ""
    match attempt.state:
        case AttemptState.FAILED:
            return w.gettext("The payment was refused. Nothing was charged; you can try again.")
        case AttemptState.EXPIRED:
            return w.gettext(
                "The time to pay ran out, and the pieces went back to everybody."
                " Nothing was charged; you can try again."
            )
    return ""


def _address(w: Words, view: CheckoutView) -> tuple[AddressField, ...]:
    labels = {
        "name": w.gettext("Name"),
        "street": w.gettext("Street and number"),
        "street2": w.gettext("Flat, floor (optional)"),
        "postcode": w.gettext("Postcode"),
        "city": w.gettext("Town"),
        "region": w.gettext("Region (optional)"),
        "country": w.gettext("Country"),
        "phone": w.gettext("Phone for the driver (optional)"),
    }
    # Most send within the country where they stand.
    here = Locale.parse(w.locale).territories.get(view.place.country, "")
    return tuple(
        AddressField(
            name,
            labels[name],
            view.address.get(name) or (here if name == "country" else ""),
            autocomplete,
            needed,
        )
        for name, autocomplete, needed in ADDRESS
    )


def _sums(w: Words, view: CheckoutView) -> Sums:
    totals, currency = view.totals, view.currency
    rows = []
    if totals.shipping_minor or totals.voucher_minor:
        rows.append(SumRow(w.gettext("Goods"), amount(w, totals.goods_minor, currency)))
    if totals.shipping_minor:
        rows.append(SumRow(w.gettext("Shipping"), amount(w, totals.shipping_minor, currency)))
    rows.append(
        SumRow(w.gettext("Total"), amount(w, totals.total_minor, currency), strong=bool(rows))
    )
    if totals.voucher_minor:
        label = w.gettext("Gift card or voucher")
        rows.append(SumRow(label, amount(w, -totals.voucher_minor, currency)))
        left = amount(w, totals.rest_minor, currency)
        rows.append(SumRow(w.gettext("To pay"), left, strong=True))
    return Sums(
        tuple(rows),
        taxes(w, ((part.rate_bp, part.tax_minor) for part in totals.taxes), currency),
    )
