"""Selects on segments, and what is fetched of people to weigh rules against them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from cart.db.rows import FEW, TEXT, AnyRow, Ask, Batch, run_together
from cart.journeys.segments.person import DAY_US, Catalogue, Person, Places, Touch
from cart.journeys.segments.rule import (
    DAYS_MAX,
    Consented,
    Goods,
    Group,
    InCart,
    InStock,
    Leaf,
    kept,
    leaves,
)
from cart.journeys.segments.tables import (
    SegmentChangeRow,
    SegmentMemberRow,
    SegmentRow,
    SegmentVersionRow,
)
from cart.profile.consent.holders import among_ask, among_of

ACTIVE_MAX: Final = 100  # segments at once: each new touch is weighed against all of them
CHANGES_MAX: Final = 1_000
_HOME: Final = (("home", TEXT),)
_GTIN: Final = (("gtin", TEXT),)
_WHO: Final = (
    "SELECT p.id, COALESCE(p.customer_id, ''), p.locale FROM {rows}"
    " JOIN shopper_session AS p ON p.id = d.home AND p.emptied_at IS NULL"
    " LEFT JOIN joining AS gone ON gone.from_session_id = p.id AND gone.undone_at IS NULL"
    " WHERE gone.id IS NULL"
)
_OF_HERS: Final = (
    "(SELECT d.home, d.home AS session_id FROM {rows}"
    " UNION ALL SELECT d.home, j.from_session_id FROM {rows}"
    " JOIN joining AS j ON j.to_session_id = d.home AND j.undone_at IS NULL) AS h"
    " JOIN interaction AS i ON i.session_id = h.session_id AND i.at_us > :oldest_us"
)
_TOUCHES: Final = (
    "SELECT h.home, i.position, i.kind, i.at_us, i.gtin, i.quantity, i.amount_minor, i.currency,"  # noqa: S608 - our own texts, values are bound
    f" i.location_id FROM {_OF_HERS}"
)
_IN_CART: Final = (
    "{rows} JOIN shopper_session AS p ON p.id = d.home"
    " JOIN cart_line AS l ON l.cart_id = p.cart_id AND l.quantity > 0"
)
_CARTS: Final = f"SELECT d.home, l.gtin FROM {_IN_CART}"  # noqa: S608 - as above
_ARTICLES: Final = (
    f"(SELECT i.gtin FROM {_OF_HERS} AND i.gtin <> '' UNION SELECT l.gtin FROM {_IN_CART}) AS d"  # noqa: S608 - as above
)
_IN: Final = "SELECT m.home, m.segment_id FROM {rows} JOIN segment_member AS m ON m.home = d.home"
_ACTIVE: Final = (
    "SELECT s.id, s.name, s.state, s.version, v.rule, s.unfilled, s.stock_digest, s.stock_at_us"
    " FROM segment AS s JOIN segment_version AS v ON v.segment_id = s.id AND v.number = s.version"
    " WHERE s.state = 'active' ORDER BY s.name"
)
_DUE: Final = "SELECT u.home, u.due_us FROM {rows} JOIN segment_due AS u ON u.home = d.home"


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rules ask of a person beyond her touches."""

    carts: bool = False
    consents: bool = False
    catalogue: bool = False
    stock: bool = False
    places: bool = False

    @classmethod
    def of(cls, rules: Collection[Leaf | Group]) -> "Needs":
        """Return what these rules need."""
        every = [one for rule in rules for one in leaves(rule)]
        kinds = [of for one in every if (of := getattr(one, "of", None)) is not None]
        return cls(
            carts=any(isinstance(one, InCart) for one in every),
            consents=any(isinstance(one, Consented) for one in every),
            catalogue=any(_of_kind(of) for of in kinds),
            stock=any(isinstance(one, InStock) for one in every),
            places=any(getattr(one, "near", None) is not None for one in every),
        )

    def __or__(self, other: "Needs") -> "Needs":
        """Return what either needs."""
        return Needs(
            self.carts or other.carts,
            self.consents or other.consents,
            self.catalogue or other.catalogue,
            self.stock or other.stock,
            self.places or other.places,
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with its rule as it is now, and what that needs."""

    id: str
    name: str
    state: str
    version: int
    rule: Leaf | Group
    needs: Needs
    unfilled: bool = False
    stock_digest: str = ""
    stock_at_us: int = 0


ALL: Final = Needs(carts=True, consents=True, catalogue=True, stock=True, places=True)


def needs_of_all(segments: Iterable[Segment]) -> Needs:
    """Return what any of these segments needs."""
    return reduce(or_, (one.needs for one in segments), Needs())


@lru_cache(maxsize=512)
def _needs_of(rule: str) -> Needs:
    """Return what a rule needs: looked through once in a process, not with every touch."""
    return Needs.of([kept(rule)])


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of some homes. ``people``: without those that are nobody's home any more."""

    people: Mapping[str, Person]
    memberships: frozenset[tuple[str, str]]  # (segment id, home)
    due_us: Mapping[str, int]
    places: Places


def _of_kind(of: Goods) -> bool:
    return bool(of.category or of.brand or of.product)


def find(
    db: Session, catalogue: Catalogue, homes: Sequence[str], needs: Needs, now_us: int
) -> Found:
    """Return everything that rules are weighed against, for a few hundred homes at most.

    One round trip; for more than a few homes two, since what they touched is read but once.
    """
    those = Batch(_HOME, [(one,) for one in homes])
    if len(homes) <= FEW:
        return found_of(catalogue, run_together(db, *asks_of(catalogue, those, needs, now_us)))
    said = run_together(db, *_about(those, needs, now_us))
    gtins = {row[4] for row in said[_TOUCHED] if row[4]} | {row[1] for row in said[_LYING]}
    rows = [(one,) for one in sorted(gtins)] if needs.catalogue or needs.stock else []
    looks = catalogue.asks(Batch(_GTIN, rows), stock=needs.stock, places=needs.places)
    return found_of(catalogue, [*said, *run_together(db, *looks)])


def asks_of(catalogue: Catalogue, those: Batch, needs: Needs, now_us: int) -> list[Ask]:
    """Ask it all at once about a batch of ``home``, a few; :func:`found_of` reads the answers."""
    gtins = those.found(_ARTICLES, _since(now_us))
    if not needs.catalogue and not needs.stock:
        gtins = Batch(_GTIN, [])
    looks = catalogue.asks(gtins, stock=needs.stock, places=needs.places)
    return [*_about(those, needs, now_us), *looks]


def _about(those: Batch, needs: Needs, now_us: int) -> list[Ask]:
    nobody = Batch(those.columns, [])
    return [
        those.ask(_WHO),
        those.ask(_TOUCHES, _since(now_us)),
        (those if needs.carts else nobody).ask(_CARTS),
        those.ask(_IN),
        those.ask(_DUE),
        among_ask(those if needs.consents else nobody),
    ]


# Of the answers, those of which the articles are; and how many come before the catalogue's.
_TOUCHED, _LYING, _ABOUT = 1, 2, 6


def _since(now_us: int) -> dict[str, int]:
    return {"oldest_us": now_us - DAYS_MAX * DAY_US}


def found_of(catalogue: Catalogue, answers: Sequence[Sequence[AnyRow]]) -> Found:
    """Return what was answered to all that :func:`asks_of` asks."""
    who, touches, carts, members, dues, decided = answers[:_ABOUT]
    looked = catalogue.looked(answers[_ABOUT:])
    consents = among_of(decided)
    touched: dict[str, list[Touch]] = {}
    for row in touches:
        touched.setdefault(row[0], []).append(Touch._make(row[1:]))
    lying: dict[str, set[str]] = {}
    for home, gtin in carts:
        lying.setdefault(home, set()).add(gtin)
    people = {
        home: Person(
            home,
            customer_id,
            locale,
            tuple(touched.get(home, ())),
            frozenset(lying.get(home, ())),
            consents.get(home, frozenset()),
            looked.articles,
            looked.in_stock,
        )
        for home, customer_id, locale in who
    }
    memberships = frozenset((segment_id, home) for home, segment_id in members)
    return Found(people, memberships, dict(dues), looked.places)


def active_ask() -> Ask:
    """Ask for the segments that are kept, with their rules: with every touch of anybody."""
    return Ask(_ACTIVE, (("alone", TEXT),), [("",)])


def active_of(found: Sequence[AnyRow]) -> Sequence[Segment]:
    """Return the segments that the ask found."""
    return _active_of(tuple(found))


@lru_cache(maxsize=4)  # asked with every touch of anybody, and nearly always the same
def _active_of(found: tuple[AnyRow, ...]) -> Sequence[Segment]:
    return tuple(
        Segment(
            id_, name, state, version, kept(rule), _needs_of(rule), bool(unfilled), digest, at_us
        )
        for id_, name, state, version, rule, unfilled, digest, at_us in found
    )


def active(db: Session) -> Sequence[Segment]:
    """Return the segments that are kept, with their rules."""
    [found] = run_together(db, active_ask())
    return active_of(found)


def any_kept(db: Session) -> bool:
    """Say whether there is anything to do: a segment that is active, or was a moment ago."""
    asked = select(SegmentRow.id).where(
        (col(SegmentRow.state) == "active") | col(SegmentRow.unfilled).is_(True)
    )
    return db.exec(asked.limit(1)).first() is not None


def unfilled(db: Session) -> list[Segment]:
    """Return the segments that are to be filled, or emptied because they ended."""
    return [_segment(*row) for row in _asked(db, col(SegmentRow.unfilled).is_(True))]


def every(db: Session) -> list[Segment]:
    """Return all segments, by name."""
    return [_segment(*row) for row in _asked(db, col(SegmentRow.id).is_not(None))]


def where(db: Session, condition: ColumnElement[bool]) -> list[Segment]:
    """Return the segments of which a condition on their rows holds, by name."""
    return [_segment(*row) for row in _asked(db, condition)]


def one(db: Session, segment_id: str) -> Segment | None:
    """Return a segment."""
    found = _asked(db, SegmentRow.id == segment_id)
    return _segment(*found[0]) if found else None


def _asked(db: Session, where: object) -> Sequence[tuple[SegmentRow, str]]:
    return db.exec(
        select(SegmentRow, SegmentVersionRow.rule)
        .join(
            SegmentVersionRow,
            (col(SegmentVersionRow.segment_id) == SegmentRow.id)
            & (col(SegmentVersionRow.number) == SegmentRow.version),
        )
        .where(where)  # type: ignore[arg-type]  # sqlmodel's columns are typed as values
        .order_by(SegmentRow.name)
    ).all()


def _segment(row: SegmentRow, rule: str) -> Segment:
    return Segment(
        row.id,
        row.name,
        row.state,
        row.version,
        kept(rule),
        _needs_of(rule),
        row.unfilled,
        row.stock_digest,
        row.stock_at_us,
    )


def versions(db: Session, segment_id: str) -> Sequence[SegmentVersionRow]:
    """Return the rules that a segment has had, the newest first."""
    return db.exec(
        select(SegmentVersionRow)
        .where(SegmentVersionRow.segment_id == segment_id)
        .order_by(col(SegmentVersionRow.number).desc())
    ).all()


def sizes(db: Session) -> dict[str, int]:
    """Return how many are in each segment; an empty one is absent."""
    found = db.exec(
        select(SegmentMemberRow.segment_id, func.count()).group_by(SegmentMemberRow.segment_id)
    )
    return dict(found.all())


def members(db: Session, segment_id: str) -> list[str]:
    """Return the homes that are in a segment, in order."""
    return list(
        db.exec(
            select(SegmentMemberRow.home)
            .where(SegmentMemberRow.segment_id == segment_id)
            .order_by(SegmentMemberRow.home)
        )
    )


def segments_of(db: Session, home: str) -> list[str]:
    """Return the ids of the segments that somebody is in."""
    return list(
        db.exec(
            select(SegmentMemberRow.segment_id)
            .where(SegmentMemberRow.home == home)
            .order_by(SegmentMemberRow.segment_id)
        )
    )


def changes_after(
    db: Session, position: int, limit: int = CHANGES_MAX
) -> Sequence[SegmentChangeRow]:
    """Return who came in and went out after this position, the oldest first."""
    return db.exec(
        select(SegmentChangeRow)
        .where(col(SegmentChangeRow.position) > position)
        .order_by(col(SegmentChangeRow.position))
        .limit(min(limit, CHANGES_MAX))
    ).all()
