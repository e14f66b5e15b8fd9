"""One's own walk as its page shows it: steps in walking order, and a tote per order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cart.picking import queries
from cart.picking.model import OfferState, ShortReason
from cart.picking.queries import QueueEntry, WalkLine
from cart.picking.substitution import offers as open_offers
from cart.ports import Sellable
from mobile_api.edge.problems import N_
from mobile_api.look.words import Words
from mobile_api.staff.looking import Looking

SHORT_WORDS: Final[Mapping[ShortReason, str]] = {
    ShortReason.NOT_FOUND: N_("It is not there"),
    ShortReason.DAMAGED: N_("It is damaged"),
    ShortReason.OTHER: N_("Another reason"),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """A replacement that the shopper was offered; only an open one says what it is."""

    id: str
    state: str
    name: str = ""
    variant: str = ""
    picture: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A line to fetch. Pieces: ``quantity`` = open + picked + short."""

    line_id: str
    task_id: str
    order_id: str
    ticket: str
    gtin: str
    sku: str
    name: str
    variant: str
    picture: str | None
    alt: str
    zone: str
    bay: str
    quantity: int
    picked: int
    short: int
    open: int
    offers: tuple[Offered, ...]

    @property
    def waits(self) -> bool:
        """Say whether the shopper has not answered yet."""
        return any(one.state == OfferState.OFFERED for one in self.offers)


@dataclass(frozen=True, slots=True)
class Tote:
    """What one order's bag holds, and whether it can go on its shelf."""

    task_id: str
    order_id: str
    ticket: str
    here: bool
    open: int
    picked: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Walk:
    """All that she holds."""

    steps: tuple[Step, ...]
    totes: tuple[Tote, ...]

    @property
    def done(self) -> int:
        """Pieces that are in a tote."""
        return sum(step.picked for step in self.steps)

    @property
    def total(self) -> int:
        """Pieces to fetch, without those that are missing."""
        return sum(step.quantity - step.short for step in self.steps)

    @property
    def open_lines(self) -> int:
        """Lines of which something is to be fetched."""
        return sum(step.open > 0 for step in self.steps)

    @property
    def waits(self) -> bool:
        """Say whether an offer is open."""
        return any(step.waits for step in self.steps)


def walk(look: Looking) -> Walk:
    """Return what she holds; empty where she holds nothing."""
    lines = queries.walk(look.db, look.me.id)
    offers = _open_offers(look, lines)
    steps = tuple(_step(line, offers, look.spoken) for line in lines)
    held = [
        entry
        for entry in queries.queue(look.db, look.me.location_id, look.clock.now())
        if entry.claimed_by == look.me.id
    ]
    return Walk(steps, tuple(_totes(held, steps)))


def _open_offers(look: Looking, lines: Iterable[WalkLine]) -> dict[str, Offered]:
    """Return what shoppers are asked at this moment, by order line."""
    waiting = sorted({line.order_id for line in lines if line.offer == OfferState.OFFERED})
    offers = [one for order_id in waiting for one in open_offers(look.db, order_id)]
    known = look.shop.lookup(look.db, [one.gtin for one in offers], currency="") if offers else {}
    found = {}
    for one in offers:
        sellable = known.get(one.gtin)
        found[one.order_line_id] = Offered(
            one.id,
            OfferState.OFFERED,
            look.spoken.of(sellable.name_i18n, sellable.name) if sellable else one.sku,
            variant_of(look.spoken, sellable) if sellable else "",
            sellable.picture if sellable else None,
            one.expires_at,
        )
    return found


def variant_of(spoken: Words, one: Sellable | WalkLine) -> str:
    """Return colour and size in her language."""
    colour = spoken.of(one.colour_i18n, one.colour)
    return " · ".join(part for part in (colour, one.size) if part)


def _step(line: WalkLine, offers: Mapping[str, Offered], spoken: Words) -> Step:
    name = spoken.of(line.name_i18n, line.name)
    variant = variant_of(spoken, line)
    open_one = offers.get(line.order_line_id)
    past = (Offered(line.line_id, line.offer),) if line.offer else ()
    return Step(
        line_id=line.line_id,
        task_id=line.task_id,
        order_id=line.order_id,
        ticket=line.ticket,
        gtin=line.gtin,
        sku=line.sku,
        name=name,
        variant=variant,
        picture=line.picture,
        alt=f"{name}, {variant}" if variant else name,
        zone=spoken.of(line.zone_name_i18n, line.zone_name),
        bay=line.bay_id,
        quantity=line.quantity,
        picked=line.picked,
        short=line.short,
        open=line.left,
        offers=(open_one,) if open_one else past,
    )


def _totes(held: Iterable[QueueEntry], steps: tuple[Step, ...]) -> Iterable[Tote]:
    for entry in held:
        own = [step for step in steps if step.task_id == entry.task_id]
        yield Tote(
            task_id=entry.task_id,
            order_id=entry.order_id,
            ticket=entry.ticket,
            here=entry.here_at is not None,
            open=sum(step.open for step in own),
            picked=sum(step.picked for step in own),
            waits=any(step.waits for step in own),
        )
