"""What a phone shows of looks: by visit, with what was tried on, and what is left of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from cart.carts.tables import ShopperSessionRow
from cart.kernel.errors import LooksClosed, LooksPinNeeded
from cart.kernel.gtin import Gtin
from cart.looks import keys, queries
from cart.looks.keys import Opened
from cart.looks.model import PhoneKey, as_text
from cart.looks.tables import LookAskRow, LookRow
from inventory_api.catalogue import queries as catalogue
from inventory_api.stock.queries import availability
from mobile_api.carts.basket import ShownLine, Wanted, shown
from mobile_api.look.words import Words
from mobile_api.products import view
from mobile_api.products.pages import here_of
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class Standing:
    """What this phone may do with this shopper's looks.

    ``standing``: ``none`` (nobody has said yes), ``closed`` (another phone opens them), ``pin``
    (behind a PIN), ``open``. ``held``: the private halves that it opens.
    """

    standing: str
    held: Opened = field(default_factory=dict)
    pin: bool = False
    asking: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """A size of something that was tried on, to put in the cart."""

    label: str
    gtin: str
    current: bool
    away: bool


@dataclass(frozen=True, slots=True)
class Tint:
    """A colour of something that was tried on; ``own``: the one it has."""

    label: str
    hex: str
    own: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """Something that was tried on; ``sizes`` of its colour and ``tints`` of it, if several."""

    line: ShownLine
    sizes: tuple[Size, ...]
    tints: tuple[Tint, ...] = ()

    @property
    def worn_hex(self) -> str:
        """Its own swatch, empty where it is not known."""
        return next((one.hex for one in self.tints if one.own), "")


@dataclass(frozen=True, slots=True)
class ShownLook:
    """A look on a page. ``opens``: this phone has its key."""

    id: str
    taken_at: datetime
    time: str
    moment: str
    until: str
    seconds: int
    opens: bool
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownVisit:
    """Looks of one visit to one mirror. ``day``, ``time``: of the first of them, by its shop."""

    day: str
    time: str
    place: str
    looks: tuple[ShownLook, ...]


def standing_of(
    wired: Parts, db: Session, shopper: ShopperSessionRow | None, phone: PhoneKey | None
) -> Standing:
    """Return what this phone may do."""
    if shopper is None or not queries.keys_of(db, shopper.id):
        return Standing("none")
    pin = queries.has_pin(db, shopper.id)
    try:
        held = keys.opened(db, wired.clock, shopper.id, phone)
    except LooksClosed:
        return Standing("closed", pin=pin, asking=_asking(wired, db, shopper.id, phone))
    except LooksPinNeeded:
        return Standing("pin", pin=pin)
    return Standing("open", held, pin)


def _asking(wired: Parts, db: Session, session_id: str, phone: PhoneKey | None) -> bool:
    if phone is None:
        return False
    mine = as_text(phone.public)
    return any(one.public_key == mine for one in queries.asks(db, session_id, wired.clock.now()))


def asks_of(wired: Parts, db: Session, session_id: str) -> Sequence[LookAskRow]:
    """Return phones that ask to be let in."""
    return queries.asks(db, session_id, wired.clock.now())


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of looks in one language."""

    wired: Parts
    db: Session
    spoken: Words

    def visits(self, session_id: str, held: Opened) -> list[ShownVisit]:
        """Return a shopper's looks by visit, the newest first."""
        looks = queries.kept(self.db, session_id)
        places = {one.location_id: self._place(one.location_id) for one in looks}
        visits: dict[tuple[str, str], list[LookRow]] = {}  # two mirrors may be used by turns
        for one in looks:
            visits.setdefault((one.device_id, one.visit), []).append(one)
        return [self._visit(some, held, *places[some[0].location_id]) for some in visits.values()]

    def _visit(self, looks: list[LookRow], held: Opened, place: str, zone: str) -> ShownVisit:
        began_at = looks[-1].taken_at
        return ShownVisit(
            self.spoken.day(began_at.astimezone(ZoneInfo(zone)).date()),
            self.spoken.clock_time(began_at, zone),
            place,
            tuple(_shown(self.spoken, one, held, zone) for one in looks),
        )

    def look(self, look: LookRow, held: Opened, shopper: ShopperSessionRow | None) -> ShownLook:
        """Return a look with what was tried on in it."""
        _, zone = self._place(look.location_id)
        gtins = queries.items(self.db, [look.id]).get(look.id, [])
        here_id, currency = here_of(self.db, shopper)
        tried = self._tried(gtins, here_id or look.location_id, currency)
        return _shown(self.spoken, look, held, zone, tried)

    def moment(self, look: LookRow) -> str:
        """Return when it was taken, by the clock of its shop."""
        return self.spoken.minute(look.taken_at, self._place(look.location_id)[1])

    def _tried(self, gtins: Collection[str], here_id: str, currency: str) -> tuple[Tried, ...]:
        wired, db = self.wired, self.db
        known = wired.lookup(db, [Gtin(one) for one in gtins], currency=currency)
        wanted = [
            Wanted(gtin, known[gtin].sku, 1, None, currency, here_id)
            for gtin in map(Gtin, gtins)
            if gtin in known
        ]
        lines = shown(db, wired.lookup, self.spoken, wanted, here_id=here_id)[0]
        return tuple(
            Tried(line, _sizes(db, line, here_id), _tints(db, line, self.spoken)) for line in lines
        )

    def _place(self, location_id: str) -> tuple[str, str]:
        facts = self.wired.shop.locations.facts(self.db, location_id)
        return self.spoken.of(facts.name_i18n, facts.name), facts.timezone


def _shown(
    spoken: Words, look: LookRow, held: Opened, zone: str, tried: tuple[Tried, ...] = ()
) -> ShownLook:
    return ShownLook(
        look.id,
        look.taken_at,
        spoken.clock_time(look.taken_at, zone),
        spoken.minute(look.taken_at, zone),
        spoken.day(look.expires_at.astimezone(ZoneInfo(zone)).date()),
        round(look.duration_ms / 1000),
        look.key_id in held,
        tried,
    )


def _sizes(db: Session, line: ShownLine, here_id: str) -> tuple[Size, ...]:
    product = catalogue.product(db, line.product_id)
    variant = view.choose(product, line.sku)
    if variant is None:
        return ()
    skus = [one.sku for one in product.variants]
    pieces = {one.sku: one.available for one in availability(db, skus, [here_id])}
    codes = {one.sku: one.gtin for one in product.variants}
    sizes = view.sizes(product, variant, pieces)
    if len(sizes) < 2:  # noqa: PLR2004 - nothing to choose
        return ()
    return tuple(Size(one.label, codes[one.sku], one.current, one.away) for one in sizes)


def _tints(db: Session, line: ShownLine, spoken: Words) -> tuple[Tint, ...]:
    """Return the colours that its product has, with swatches; none where there is no choice."""
    product = catalogue.product(db, line.product_id)
    variant = view.choose(product, line.sku)
    if variant is None or not variant.colour_hex:
        return ()
    found = {variant.colour: variant}
    for one in product.variants:
        if one.colour_hex and one.active:
            found.setdefault(one.colour, one)
    if len(found) < 2:  # noqa: PLR2004 - nothing to choose
        return ()
    return tuple(
        Tint(spoken.of(one.colour_i18n, one.colour), one.colour_hex, one is variant)
        for one in found.values()
    )
