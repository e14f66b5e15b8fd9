"""A rule for everybody at once: one SELECT that yields the homes it is met by.

Says the same as ``weighing.py`` does of one person. Each interaction of the window is read once,
and everything that is counted about a person is counted in that one pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Final

from sqlmodel import Session

from cart.db.engine import is_sqlite
from cart.journeys.segments.person import CAME_BACK, DAY_US, LOOKED_AT, Catalogue, Places
from cart.journeys.segments.rule import (
    DAYS_MAX,
    All,
    Any,
    Bought,
    Consented,
    Did,
    DidNot,
    Goods,
    Group,
    InCart,
    InStock,
    Known,
    LastAt,
    Leaf,
    Near,
    Not,
    NotBought,
    Seen,
    Speaks,
    Spent,
    leaves,
)
from cart.journeys.segments.weighing import BUYING
from cart.kernel.errors import InvalidInput
from cart.profile.consent.holders import holders

GOODS_MAX: Final = 200_000  # articles of one condition: a rule on more of them is no choice of any
# Read once for each that asks, which is less than writing a year of everybody's touches down.
_TOUCH: Final = """
touch AS NOT MATERIALIZED (
  SELECT COALESCE(j.to_session_id, i.session_id) AS home, i.position, i.kind, i.at_us, i.gtin,
    i.quantity, i.amount_minor, i.currency, i.location_id
  FROM interaction AS i
  LEFT JOIN joining AS j ON j.from_session_id = i.session_id AND j.undone_at IS NULL
  WHERE i.at_us > :oldest_us)"""
# The greatest of texts that begin with the time, in twenty digits, and the place in the timeline:
# nothing is sorted, where a window over millions of touches was, on the disk.
_LAST: Final = """
last_at AS (
  SELECT home, substr(MAX(({digits_of_at} || {digits_of_position} || location_id){bytewise}), 41)
    AS location_id
  FROM touch WHERE location_id <> '' GROUP BY home)"""
_DIGITS: Final = {
    True: ("printf('%020d', at_us)", "printf('%020d', position)", ""),
    False: (
        *("lpad(CAST(at_us AS text), 20, '0')", "lpad(CAST(position AS text), 20, '0')"),
        ' COLLATE "C"',
    ),
}
# As an EXISTS the planner knows that it is nearly everybody; of a LEFT JOIN and a NULL it expected
# one in two hundred, and looped over a million carts for each.
_NOT_GONE: Final = (
    "NOT EXISTS (SELECT 1 FROM joining AS gone"
    " WHERE gone.from_session_id = t.home AND gone.undone_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Homes:
    """A SELECT with one column ``home``; ``expiring`` one with ``home`` and ``due_us``.

    ``due_us``: a moment before which time alone changes nothing for her.
    """

    sql: str
    expiring: str
    bound: Mapping[str, str | int]


def homes(
    db: Session, catalogue: Catalogue, places: Places, rule: Leaf | Group, now_us: int
) -> Homes:
    """Return the statement for a rule as of a moment.

    Raises:
        InvalidInput: a condition is about more articles than can be looked at.
    """
    made = _Making(db, catalogue, places, now_us)
    return made.finish(rule)


def _kinds(kinds: frozenset[str] | set[str]) -> str:
    return ", ".join(repr(one) for one in sorted(kinds))  # our own words: an enum's values


@dataclass(slots=True)
class _Making:
    db: Session
    catalogue: Catalogue
    places: Places
    now_us: int
    tables: list[str] = field(default_factory=list)  # of the WITH
    counted: list[str] = field(default_factory=list)  # columns of what is told of a person
    joined: list[str] = field(default_factory=list)
    windows: set[int] = field(default_factory=set)  # days
    bound: dict[str, str | int] = field(default_factory=dict)
    with_last: bool = False

    def finish(self, rule: Leaf | Group) -> Homes:
        met = self.says(rule)
        self.bound["oldest_us"] = self.now_us - DAYS_MAX * DAY_US
        due = ["MAX(at_us) + :year_us"]
        self.bound["year_us"] = DAYS_MAX * DAY_US
        for days in sorted(self.windows):
            self.bound[f"window_{days}_us"] = days * DAY_US
            self.bound.setdefault(f"since_{days}_us", self.now_us - days * DAY_US)
            due.append(f"MIN(at_us) FILTER (WHERE at_us > :since_{days}_us) + :window_{days}_us")
        told = f"told AS (SELECT {', '.join(['home', *self.counted])} FROM touch GROUP BY home)"  # noqa: S608 - our own texts, values are bound
        tables = [_TOUCH, *([_last(self.db)] if self.with_last else []), *self.tables]
        people = " JOIN shopper_session AS p ON p.id = t.home AND p.emptied_at IS NULL"
        sql = (
            f"WITH {', '.join([*tables, told])} SELECT t.home FROM told AS t{people}"  # noqa: S608 - names and texts are ours, values are bound
            f" {' '.join(self.joined)} WHERE {_NOT_GONE} AND {met}"
        )
        least = _least(self.db, due)
        expiring = (
            f"WITH {_TOUCH} SELECT t.home, t.due_us FROM"  # noqa: S608 - as above
            f" (SELECT home, {least} AS due_us FROM touch GROUP BY home) AS t{people}"
            f" WHERE {_NOT_GONE}"
        )
        return Homes(sql, expiring, self.bound)

    def says(self, rule: Leaf | Group) -> str:
        """Return a condition on what is told of a person; true or false, never unknown."""
        if isinstance(rule, Not):
            return f"NOT {self.says(rule.rule)}"
        if isinstance(rule, All | Any):
            word = " AND " if isinstance(rule, All) else " OR "
            return f"({word.join(self.says(one) for one in rule.rules)})"
        return f"({_LEAVES[type(rule)](self, rule)})"

    def bind(self, value: str | int) -> str:
        name = f"v{len(self.bound)}"
        self.bound[name] = value
        return f":{name}"

    def listed(self, values: list[str]) -> str:
        """Return a SELECT of these texts, bound as one."""
        bound = self.bind(dumps(values))
        if is_sqlite(self.db.connection()):
            return f"SELECT value FROM json_each({bound})"  # noqa: S608 - our own texts, values are bound
        return f"SELECT jsonb_array_elements_text(CAST({bound} AS jsonb))"

    def within(self, days: int) -> str:
        self.windows.add(days)
        self.bound[f"since_{days}_us"] = self.now_us - days * DAY_US
        return f"at_us > :since_{days}_us"

    def fits(self, of: Goods, column: str = "gtin") -> str:
        """Return a condition on a column of GTINs."""
        if of.everything:
            return "1 = 1"
        if of.gtin and not (of.category or of.brand or of.product):
            return f"{column} = {self.bind(of.gtin)}"
        return f"{column} IN ({self.listed(self.gtins(of))})"

    def gtins(self, of: Goods) -> list[str]:
        found = self.catalogue.gtins_of(self.db, of, GOODS_MAX + 1)
        if len(found) > GOODS_MAX:
            msg = f"a condition is about at most {GOODS_MAX} articles"
            raise InvalidInput(msg)
        return found

    def count(self, what: str, where: str) -> str:
        """Return the name of a sum over a person's interactions; 0 where there is none."""
        name = f"c{len(self.counted)}"
        self.counted.append(f"COALESCE({what} FILTER (WHERE {where}), 0) AS {name}")
        return f"t.{name}"

    def did(self, leaf: Did) -> str:
        return f"{self._times(leaf)} >= {self.bind(leaf.times)}"

    def did_not(self, leaf: DidNot) -> str:
        return f"{self._times(leaf)} = 0"

    def _times(self, leaf: Did | DidNot) -> str:
        where = f"kind = '{leaf.kind.value}' AND {self.within(leaf.days)} AND {self.fits(leaf.of)}"
        return self.count("COUNT(*)", where)

    def bought(self, leaf: Bought) -> str:
        return f"{self._pieces(leaf)} >= {self.bind(leaf.pieces)}"

    def not_bought(self, leaf: NotBought) -> str:
        return f"{self._pieces(leaf)} < 1"

    def _pieces(self, leaf: Bought | NotBought) -> str:
        where = f"kind IN ({_kinds(BUYING)}) AND {self.within(leaf.days)} AND {self.fits(leaf.of)}"
        back = f"kind IN ({_kinds(CAME_BACK)})"
        return self.count(f"SUM(CASE WHEN {back} THEN -quantity ELSE quantity END)", where)

    def spent(self, leaf: Spent) -> str:
        where = (
            f"kind IN ({_kinds(BUYING)}) AND {self.within(leaf.days)}"
            f" AND currency = {self.bind(leaf.currency)}"
        )
        back = f"kind IN ({_kinds(CAME_BACK)})"
        amount = f"CASE WHEN {back} THEN -ABS(amount_minor) ELSE amount_minor END"
        return f"{self.count(f'SUM({amount})', where)} >= {self.bind(leaf.at_least_minor)}"

    def seen(self, leaf: Seen) -> str:
        return f"{self.count('COUNT(*)', self.within(leaf.days))} >= 1"

    def in_cart(self, leaf: InCart) -> str:
        return (
            "p.cart_id IN (SELECT cart_id FROM cart_line"  # noqa: S608 - as above
            f" WHERE quantity > 0 AND {self.fits(leaf.of)})"
        )

    def consented(self, leaf: Consented) -> str:
        name = f"holds_{leaf.to.value}"
        if f"{name}_purpose" not in self.bound:
            found = holders(name, leaf.to)
            self.tables.append(found.sql)
            self.bound |= found.bound
            self.joined.append(
                f"LEFT JOIN {name} AS {name}_c ON {name}_c.customer_id = p.customer_id"
                f" LEFT JOIN {name} AS {name}_s ON {name}_s.session_id = p.id"
                " AND p.customer_id IS NULL"
            )
        return f"({name}_c.customer_id IS NOT NULL OR {name}_s.session_id IS NOT NULL)"

    def in_stock(self, leaf: InStock) -> str:
        where = (
            f"kind IN ({_kinds(LOOKED_AT)}) AND {self.within(leaf.days)} AND {self.fits(leaf.of)}"
        )
        pairs = in_stock_pairs(self.db, self.catalogue, self.places, leaf)
        if leaf.near is None or leaf.near.location:
            found = sorted({gtin for _, gtin in pairs})
            return f"{self.count('COUNT(*)', f'{where} AND gtin IN ({self.listed(found)})')} >= 1"
        return self._around_her(where, leaf.near, pairs)

    def _around_her(self, where: str, near: Near, pairs: list[tuple[str, str]]) -> str:
        """Compare with what is in stock around where she was last."""
        self.needs_last()
        name = f"stock_{len(self.joined)}"
        around = {one: self.places.within(near, one) for one in self.places.where}
        by_place: dict[str, list[str]] = {}
        for location, gtin in pairs:
            by_place.setdefault(location, []).append(gtin)
        near_her = {
            f"{centre} {gtin}"
            for centre, there in around.items()
            for place in there
            for gtin in by_place.get(place, ())
        }
        if len(near_her) > GOODS_MAX:
            msg = f"more than {GOODS_MAX} articles are in stock around locations"
            raise InvalidInput(msg)
        self.tables.append(
            f"{name} AS (SELECT DISTINCT touch.home FROM touch"  # noqa: S608 - as above
            f" JOIN last_at ON last_at.home = touch.home WHERE {where}"
            f" AND last_at.location_id || ' ' || touch.gtin IN ({self.listed(sorted(near_her))}))"
        )
        self.joined.append(f"LEFT JOIN {name} ON {name}.home = t.home")
        return f"{name}.home IS NOT NULL"

    def last_at(self, leaf: LastAt) -> str:
        self.needs_last()
        join = "LEFT JOIN last_at AS here ON here.home = t.home"
        if join not in self.joined:
            self.joined.append(join)
        there = self.listed(sorted(self._there(leaf)))
        return f"COALESCE(here.location_id, '') IN ({there})"

    def needs_last(self) -> None:
        """Ask for where everybody was last; that too is forgotten after a year."""
        self.with_last = True
        self.windows.add(DAYS_MAX)

    def _there(self, leaf: InStock | LastAt) -> frozenset[str]:
        if leaf.near is not None:
            return self.places.within(leaf.near, "")
        return frozenset(leaf.at or ())

    def speaks(self, leaf: Speaks) -> str:
        return f"p.locale IN ({self.listed(list(leaf.locales))})"

    def known(self, _leaf: Known) -> str:
        return "p.customer_id IS NOT NULL"


def _last(db: Session) -> str:
    """Return the table of where everybody was last."""
    at, position, bytewise = _DIGITS[is_sqlite(db.connection())]
    found = _LAST.replace("{digits_of_at}", at).replace("{digits_of_position}", position)
    return found.replace("{bytewise}", bytewise)


def _least(db: Session, moments: list[str]) -> str:
    """Return the least of these, which may be NULL but for the first."""
    first = moments[0]
    if len(moments) == 1:
        return first
    word = "MIN" if is_sqlite(db.connection()) else "LEAST"
    return f"{word}({', '.join([first, *(f'COALESCE({one}, {first})' for one in moments[1:])])})"


_LEAVES: Final[Mapping[type, Callable[..., str]]] = {
    Did: _Making.did,
    DidNot: _Making.did_not,
    Bought: _Making.bought,
    NotBought: _Making.not_bought,
    Spent: _Making.spent,
    InCart: _Making.in_cart,
    Consented: _Making.consented,
    InStock: _Making.in_stock,
    LastAt: _Making.last_at,
    Speaks: _Making.speaks,
    Seen: _Making.seen,
    Known: _Making.known,
}


def in_stock_pairs(
    db: Session, catalogue: Catalogue, places: Places, leaf: InStock
) -> list[tuple[str, str]]:
    """Return (location id, GTIN) of what a condition may be met by.

    Raises:
        InvalidInput: there is too much of it.
    """
    if leaf.near is None:
        there = frozenset(leaf.at or ())
    elif leaf.near.location:
        there = places.within(leaf.near, "")
    else:
        there = frozenset(places.where)
    pairs = catalogue.all_in_stock(db, there, leaf.of, GOODS_MAX + 1)
    if len(pairs) > GOODS_MAX:
        msg = f"a condition on stock is about at most {GOODS_MAX} articles at their locations"
        raise InvalidInput(msg)
    return pairs


def asks_of_stock(rule: Leaf | Group) -> bool:
    """Say whether a rule changes with what lies on the shelves."""
    return any(isinstance(one, InStock) for one in leaves(rule))
