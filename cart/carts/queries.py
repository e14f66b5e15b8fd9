"""Every select on carts, sessions and lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from cart.carts.model import Kind, Line, Operation, fold
from cart.carts.tables import (
    CartOperationRow,
    ListRequestRow,
    SavedListLineRow,
    SavedListRow,
    SessionKeyRow,
    ShopperSessionRow,
)
from cart.db import is_sqlite
from cart.db.rows import INTEGER, TEXT, AnyRow, Ask, run
from cart.kernel.errors import UnknownCart
from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash

_ID = (("id", TEXT),)
LineKey = tuple[str, Gtin]
_KEYS = (("cart_id", TEXT), ("gtin", TEXT))


@dataclass(frozen=True, slots=True)
class CartLineView:
    """A line as the cart knows it; names and pictures come from the catalogue."""

    gtin: Gtin
    sku: str
    quantity: int
    added_at_us: int
    price_minor: int | None
    currency: str
    location_id: str | None


@dataclass(frozen=True, slots=True)
class CartView:
    """A cart after ``version`` operations; lines in the order they were added."""

    id: str
    version: int
    latest_at_us: int
    currency: str
    lines: tuple[CartLineView, ...]

    @property
    def pieces(self) -> int:
        """How many pieces are on the list."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class ToldOperation:
    """An operation as phones hear of it."""

    id: str
    version: int
    kind: str
    gtin: str
    quantity: int
    source: str
    at_us: int


def lines(db: Session, keys: Iterable[LineKey]) -> dict[LineKey, Line]:
    """Return the present state of these lines; those never touched are absent."""
    found = run(
        db,
        "SELECT l.cart_id, l.gtin, l.quantity, l.added_at_us, l.price_minor, l.currency,"
        " l.location_id, l.last_at_us, l.last_operation_id FROM {rows}"
        " JOIN cart_line AS l ON l.cart_id = d.cart_id AND l.gtin = d.gtin",
        _KEYS,
        keys,
    )
    return {
        (row[0], str.__new__(Gtin, row[1])): Line(
            quantity=row[2],
            added_at_us=row[3],
            price_minor=row[4],
            currency=row[5],
            location_id=row[6],
            last_order=(row[7], row[8]),
        )
        for row in found
    }


def operations(db: Session, keys: Iterable[LineKey]) -> list[Operation]:
    """Return every operation on these lines, in no order."""
    found = run(
        db,
        "SELECT o.id, o.cart_id, o.gtin, o.sku, o.kind, o.quantity, o.at_us, o.source,"
        " o.price_minor, o.currency, o.location_id FROM {rows}"
        " JOIN cart_operation AS o ON o.cart_id = d.cart_id AND o.gtin = d.gtin",
        _KEYS,
        keys,
    )
    return [
        Operation(row[0], row[1], str.__new__(Gtin, row[2]), row[3], Kind(row[4]), *tuple(row)[5:])
        for row in found
    ]


def line_counts(db: Session, cart_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of lines on the list of each cart."""
    found = run(
        db,
        "SELECT l.cart_id, count(*) FROM {rows} JOIN cart_line AS l ON l.cart_id = d.cart_id"
        " WHERE l.quantity > 0 GROUP BY l.cart_id",
        (("cart_id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    return {row[0]: row[1] for row in found}


def versions(db: Session, cart_ids: Iterable[str]) -> dict[str, int]:
    """Return the version of each cart."""
    found = run(
        db,
        "SELECT c.id, c.version FROM {rows} JOIN cart AS c ON c.id = d.id",
        (("id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    return {row[0]: row[1] for row in found}


def views(db: Session, cart_ids: Iterable[str]) -> dict[str, CartView]:
    """Return these carts with their lines, in one statement; a cart that is not is absent."""
    found = run(
        db,
        "SELECT c.id, c.version, c.latest_at_us, c.currency, l.gtin, l.sku, l.quantity,"
        " l.added_at_us, l.price_minor, l.currency, l.location_id FROM {rows}"
        " JOIN cart AS c ON c.id = d.id"
        " LEFT JOIN cart_line AS l ON l.cart_id = c.id AND l.quantity > 0"
        " ORDER BY c.id, l.added_at_us, l.gtin",
        (("id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    heads: dict[str, AnyRow] = {}
    shown: dict[str, list[CartLineView]] = {}
    for row in found:
        heads[row[0]] = row
        lines = shown.setdefault(row[0], [])
        if row[4] is not None:
            # The GTIN was verified before it was kept.
            lines.append(CartLineView(str.__new__(Gtin, row[4]), *row[5:]))
    return {
        cart_id: CartView(cart_id, head[1], head[2], head[3], tuple(shown[cart_id]))
        for cart_id, head in heads.items()
    }


def view(db: Session, cart_id: str) -> CartView:
    """Return the cart and its lines.

    Raises:
        UnknownCart: there is no such cart.
    """
    found = views(db, [cart_id])
    if cart_id not in found:
        msg = f"there is no cart {cart_id}"
        raise UnknownCart(msg, cart_id=cart_id)
    return found[cart_id]


def lines_at(db: Session, cart_id: str, until_us: int) -> tuple[CartLineView, ...]:
    """Return the lines as they were at a hybrid time: the fold of the operations until then."""
    touched = db.exec(
        select(CartOperationRow.gtin).where(CartOperationRow.cart_id == cart_id).distinct()
    ).all()
    past = [
        one
        for one in operations(db, {(cart_id, str.__new__(Gtin, gtin)) for gtin in touched})
        if one.at_us <= until_us
    ]
    skus = {one.gtin: one.sku for one in past}
    shown = [(gtin, line) for gtin, line in fold(past).items() if line.quantity > 0]
    return tuple(
        CartLineView(
            gtin,
            skus[gtin],
            line.quantity,
            line.added_at_us,
            line.price_minor,
            line.currency,
            line.location_id,
        )
        for gtin, line in sorted(shown, key=lambda pair: (pair[1].added_at_us, pair[0]))
    )


def operations_since(
    db: Session, versions: Mapping[str, int], limit: int
) -> dict[str, list[ToldOperation]]:
    """Return each cart's operations after its version, oldest first, at most ``limit`` of each."""
    told: dict[str, list[ToldOperation]] = {}
    for row in run(
        db,
        "SELECT o.cart_id, o.id, o.version, o.kind, o.gtin, o.quantity, o.source, o.at_us"
        " FROM {rows} JOIN cart_operation AS o ON o.cart_id = d.id"
        # Each operation takes one version, so that this is a limit per cart.
        " AND o.version > d.version AND o.version <= d.version + :limit"
        " ORDER BY o.version, o.id",
        (("id", TEXT), ("version", INTEGER)),
        versions.items(),
        {"limit": limit},
    ):
        told.setdefault(row[0], []).append(ToldOperation(*row[1:]))
    return told


def session_of_key(db: Session, token: str, now: datetime) -> ShopperSessionRow | None:
    """Return the session that a phone's token opens, if it is still good."""
    return db.exec(
        select(ShopperSessionRow)
        .join(SessionKeyRow, col(SessionKeyRow.session_id) == col(ShopperSessionRow.id))
        .where(
            SessionKeyRow.token_hash == secret_hash(token),
            SessionKeyRow.expires_at > now,
        )
    ).first()


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that a phone's key opens, and the head of its cart."""

    session_id: str
    cart_id: str
    version: int
    latest_at_us: int
    currency: str


def opened_ask(
    db: Session, token_hashes: Iterable[str], now: datetime, *, locked: bool = True
) -> Ask:
    """Ask for the sessions that these keys open; ``locked``: with their carts, until the commit."""
    lock = " FOR UPDATE OF c" if locked and not is_sqlite(db.connection()) else ""
    return Ask(
        "SELECT k.token_hash, s.id, c.id, c.version, c.latest_at_us, c.currency FROM {rows}"  # noqa: S608
        " JOIN session_key AS k ON k.token_hash = d.token_hash AND k.expires_at > :now"
        " JOIN shopper_session AS s ON s.id = k.session_id AND s.ended_at IS NULL"
        f" JOIN cart AS c ON c.id = s.cart_id ORDER BY c.id{lock}",
        (("token_hash", TEXT),),
        [(token_hash,) for token_hash in token_hashes],
        {"now": now},
    )


def opened(rows: Iterable[AnyRow]) -> dict[str, Opened]:
    """Return the sessions found for :func:`opened_ask`, by the key's hash."""
    return {row[0]: Opened(*row[1:]) for row in rows}


_LINE = (
    "l.cart_id, l.gtin, l.sku, l.quantity, l.added_at_us, l.price_minor, l.currency,"
    " l.location_id, l.last_at_us, l.last_operation_id"
)
Kept = dict[LineKey, tuple[str, Line]]
"""Lines by cart and GTIN, each with its SKU."""


def kept_ask(wished: Iterable[LineKey]) -> Ask:
    """Ask for what is on the lists of these carts, and for the wished lines also if taken off."""
    return Ask(
        f"SELECT {_LINE} FROM {{rows}}"  # noqa: S608
        " JOIN cart_line AS l ON l.cart_id = d.cart_id AND (l.quantity > 0 OR l.gtin = d.gtin)",
        _KEYS,
        [*wished],
    )


def heads_ask(db: Session, cart_ids: Iterable[str]) -> Ask:
    """Ask for id, version and latest time of carts; their rows are locked, in one order."""
    lock = "" if is_sqlite(db.connection()) else " FOR UPDATE OF c"
    return Ask(
        "SELECT c.id, c.version, c.latest_at_us FROM {rows} JOIN cart AS c ON c.id = d.id"  # noqa: S608
        f" ORDER BY c.id{lock}",
        _ID,
        [(cart_id,) for cart_id in cart_ids],
    )


def shown_ask(cart_ids: Iterable[str]) -> Ask:
    """Ask for what is on the lists of these carts; :func:`kept` reads it."""
    return Ask(
        f"SELECT {_LINE} FROM {{rows}}"  # noqa: S608
        " JOIN cart_line AS l ON l.cart_id = d.id AND l.quantity > 0"
        " ORDER BY l.cart_id, l.added_at_us, l.gtin",
        _ID,
        [(cart_id,) for cart_id in cart_ids],
    )


def kept(rows: Iterable[AnyRow]) -> Kept:
    """Return the lines found for :func:`kept_ask`."""
    return {
        (row[0], str.__new__(Gtin, row[1])): (
            row[2],
            Line(row[3], row[4], row[5], row[6], row[7], (row[8], row[9])),
        )
        for row in rows
    }


def seen(head: Opened, version: int, latest_at_us: int, lines: Kept) -> CartView:
    """Return a cart as :func:`views` would, from its lines."""
    shown = [
        CartLineView(
            gtin,
            sku,
            line.quantity,
            line.added_at_us,
            line.price_minor,
            line.currency,
            line.location_id,
        )
        for (_, gtin), (sku, line) in lines.items()
        if line.quantity > 0
    ]
    shown.sort(key=lambda line: (line.added_at_us, line.gtin))
    return CartView(head.cart_id, version, latest_at_us, head.currency, tuple(shown))


def saved_lists(
    db: Session, session_id: str, limit: int = 100
) -> Sequence[tuple[SavedListRow, int]]:
    """Return a session's saved lists, newest first, each with its number of pieces."""
    return db.exec(
        select(SavedListRow, func.coalesce(func.sum(SavedListLineRow.quantity), 0))
        .join(SavedListLineRow, isouter=True)
        .where(SavedListRow.session_id == session_id, col(SavedListRow.deleted_at).is_(None))
        .group_by(SavedListRow)  # type: ignore[arg-type]
        .order_by(col(SavedListRow.created_at).desc())
        .limit(limit)
    ).all()


def saved_list_lines(db: Session, list_id: str) -> Sequence[SavedListLineRow]:
    """Return a saved list's lines in their order."""
    return db.exec(
        select(SavedListLineRow)
        .where(SavedListLineRow.list_id == list_id)
        .order_by(col(SavedListLineRow.position))
    ).all()


def requests_since(db: Session, email: str, list_id: str, since: datetime) -> tuple[int, int]:
    """Return how many mails were asked for to this address, and by this list's session."""
    own = select(SavedListRow.session_id).where(SavedListRow.id == list_id).scalar_subquery()
    recent = select(func.count()).where(col(ListRequestRow.requested_at) > since)
    to_address = recent.where(func.lower(ListRequestRow.email) == email.lower())
    of_session = recent.where(
        col(ListRequestRow.list_id) == SavedListRow.id, SavedListRow.session_id == own
    )
    return db.exec(to_address).one(), db.exec(of_session).one()


def waiting_requests(db: Session, before: datetime, limit: int) -> Sequence[str]:
    """Return the ids of mails asked for before ``before`` and not sent yet, oldest first."""
    return db.exec(
        select(ListRequestRow.id)
        .where(ListRequestRow.state == "requested", ListRequestRow.requested_at <= before)
        .order_by(col(ListRequestRow.requested_at), col(ListRequestRow.id))
        .limit(limit)
    ).all()


def carts_of_gtin(db: Session, gtin: str, limit: int) -> list[str]:
    """Return carts that have this GTIN on their list now."""
    found = db.connection().execute(
        text("SELECT cart_id FROM cart_line WHERE gtin = :gtin AND quantity > 0 LIMIT :limit"),
        {"gtin": gtin, "limit": limit},
    )
    return [row[0] for row in found]
