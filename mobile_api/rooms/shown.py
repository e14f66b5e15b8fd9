"""What fitting rooms ask for, as somebody of the staff sees it: cards, the oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cart.kernel.gtin import Gtin
from cart.picking import staff
from cart.ports import Bay, Sellable
from gateway.rooms import choices, queries
from gateway.rooms.model import HOT_AFTER, WARM_AFTER, SizeState
from gateway.rooms.tables import SizeRequestRow
from mobile_api.staff.cards import Tone
from mobile_api.staff.looking import Looking
from mobile_api.staff.walk import variant_of

BROUGHT_IN_SHOWN_MAX: Final = 12  # things named on a card; the others are "more"


@dataclass(frozen=True, slots=True)
class Article:
    """A variant, in her language. ``variant``: colour and size."""

    gtin: str
    name: str
    variant: str
    picture: str | None
    alt: str


@dataclass(frozen=True, slots=True)
class Other:
    """What could be offered instead, and how many pieces of it are here."""

    gtin: str
    variant: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Room:
    """A request. ``minutes``: whole ones since she asked; ``bay``: where it lies, if anywhere."""

    id: str
    name: str
    state: SizeState
    asked_at: datetime
    minutes: int
    tone: Tone
    mine: bool
    holder: str
    article: Article
    pieces: int
    zone: str
    bay: str
    had: str
    brought_in: tuple[str, ...]
    more_brought_in: int
    others: tuple[Other, ...]

    @property
    def is_free(self) -> bool:
        """Say whether nobody looks for it yet."""
        return self.state is SizeState.ASKED


@dataclass(frozen=True, slots=True)
class Rooms:
    """All of a location. ``now``: by the server's clock, for what counts up."""

    now: datetime
    rooms: tuple[Room, ...]
    warm_after_s: int = int(WARM_AFTER.total_seconds())
    hot_after_s: int = int(HOT_AFTER.total_seconds())


@dataclass(frozen=True, slots=True)
class _Known:
    """What all cards of a page are made from."""

    articles: Mapping[Gtin, Sellable]
    pieces: Mapping[str, int]
    bays: Mapping[str, Bay]
    others: Mapping[str, list[choices.Choice]]
    brought_in: Mapping[str, list[str]]
    names: Mapping[str, str]


def shown(look: Looking) -> Rooms:
    """Return what the fitting rooms of her location ask for at this moment."""
    here, now = look.me.location_id, look.clock.now()
    asked = queries.open_requests(look.db, here)
    if not asked:
        return Rooms(now, ())
    rows = [one.row for one in asked]
    brought_in = queries.tried(look.db, {row.binding_id for row in rows})
    codes = {row.gtin for row in rows} | {row.had_gtin for row in rows if row.had_gtin}
    codes |= {gtin for gtins in brought_in.values() for gtin in gtins}
    skus = {row.sku for row in rows}
    known = _Known(
        articles=choices.articles(look.db, look.shop, codes),
        pieces=look.shop.stock.available(look.db, location_id=here, skus=skus),
        bays=look.shop.locations.bays(look.db, location_id=here, skus=skus),
        others=choices.of_many(look.db, look.shop, here, rows),
        brought_in=brought_in,
        names={one.id: one.name for one in staff.everybody(look.db, here)},
    )
    return Rooms(now, tuple(_room(look, now, one, known) for one in asked))


def tone(waited: timedelta) -> Tone:
    """Return how urgent a wait has become."""
    if waited >= HOT_AFTER:
        return "late"
    return "soon" if waited >= WARM_AFTER else "fine"


def _room(look: Looking, now: datetime, asked: queries.Asked, known: _Known) -> Room:
    row = asked.row
    waited = max(timedelta(), now - row.asked_at)
    state = SizeState(row.state)
    bay = known.bays.get(row.sku, Bay())
    beside = [gtin for gtin in known.brought_in.get(row.binding_id, ()) if gtin != row.had_gtin]
    return Room(
        id=row.id,
        name=asked.room,
        state=state,
        asked_at=row.asked_at,
        minutes=int(waited.total_seconds() // 60),
        # Who is told that it comes waits with another patience.
        tone="fine" if state is SizeState.COMING else tone(waited),
        mine=row.taken_by == look.me.id,
        holder=known.names.get(row.taken_by or "", ""),
        article=_article(look, row, known),
        pieces=known.pieces.get(row.sku, 0),
        zone=look.spoken.of(bay.zone_name_i18n, bay.zone_name),
        bay=bay.bay_id,
        had=_said(look, known, row.had_gtin or ""),
        brought_in=tuple(_named(look, known, one) for one in beside[:BROUGHT_IN_SHOWN_MAX]),
        more_brought_in=max(0, len(beside) - BROUGHT_IN_SHOWN_MAX),
        others=tuple(
            Other(one.article.gtin, variant_of(look.spoken, one.article), one.pieces)
            for one in known.others[row.id]
            if one.pieces
        ),
    )


def _article(look: Looking, row: SizeRequestRow, known: _Known) -> Article:
    found = known.articles.get(str.__new__(Gtin, row.gtin))
    if found is None:  # the catalogue has it no longer
        return Article(row.gtin, row.sku, "", None, row.sku)
    name = look.spoken.of(found.name_i18n, found.name)
    variant = variant_of(look.spoken, found)
    alt = f"{name}, {variant}" if variant else name
    return Article(row.gtin, name, variant, found.picture, alt)


def _said(look: Looking, known: _Known, gtin: str) -> str:
    """Return colour and size of what she has of the product."""
    found = known.articles.get(str.__new__(Gtin, gtin)) if gtin else None
    return variant_of(look.spoken, found) if found else ""


def _named(look: Looking, known: _Known, gtin: str) -> str:
    found = known.articles.get(str.__new__(Gtin, gtin))
    if found is None:
        return gtin
    name, variant = look.spoken.of(found.name_i18n, found.name), variant_of(look.spoken, found)
    return f"{name}, {variant}" if variant else name
