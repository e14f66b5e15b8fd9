"""Commands on carts, shopper sessions and saved lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session, col, update

from cart.carts import queries
from cart.carts.apply import Applied, CartChange, apply
from cart.carts.model import QUANTITY_MAX, Kind, Operation, next_at_us
from cart.carts.tables import (
    CartRow,
    ListRequestRow,
    SavedListLineRow,
    SavedListRow,
    SessionKeyRow,
    ShopperSessionRow,
)
from cart.db import is_sqlite
from cart.db.rows import TEXT, Ask, run_together
from cart.kernel.clock import Clock, to_us
from cart.kernel.email import address
from cart.kernel.errors import InvalidInput, TooManyMails, UnknownGtin, UnknownList
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids, secret_hash
from cart.ports import CatalogueLookup

__all__ = ["Applied", "CartChange", "apply"]

KEY_LIFETIME = timedelta(days=90)  # a list made before summer is still there after it
SOURCE_PHONE = "phone"
# Within an hour. A family's tablet visits and a few typing mistakes fit; a flood does not.
MAILS_PER_ADDRESS_MAX = 5
MAILS_PER_SESSION_MAX = 10


@dataclass(frozen=True, slots=True)
class Shopping:
    """Where commands on one cart come from: the cart, who acts, and the catalogue to ask."""

    cart_id: str
    clock: Clock
    lookup: CatalogueLookup
    source: str = SOURCE_PHONE
    location_id: str | None = None


def open_session(
    db: Session, clock: Clock, ids: Ids, *, locale: str = "en", currency: str = "EUR"
) -> ShopperSessionRow:
    """Begin an anonymous shopper session with a fresh, empty cart."""
    now = clock.now()
    cart = CartRow(id=ids.new("cart"), currency=currency, created_at=now)
    db.add(cart)
    db.flush()
    session = ShopperSessionRow(
        id=ids.new("session"), cart_id=cart.id, locale=locale, created_at=now
    )
    db.add(session)
    db.flush()
    return session


def give_key(db: Session, clock: Clock, ids: Ids, *, session_id: str) -> str:
    """Return a new secret that opens the session; only its hash is kept."""
    token, now = ids.token(), clock.now()
    db.add(
        SessionKeyRow(
            token_hash=secret_hash(token),
            session_id=session_id,
            created_at=now,
            expires_at=now + KEY_LIFETIME,
        )
    )
    db.flush()
    return token


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that is to begin: its ids, language, and the hash of the phone's key."""

    session_id: str
    cart_id: str
    locale: str
    token_hash: str


def open_sessions(db: Session, clock: Clock, wanted: Sequence[NewSession]) -> None:
    """Begin many anonymous sessions, each with an empty cart and a key."""
    run_together(db, *opening_asks(clock, wanted))


def opening_asks(clock: Clock, wanted: Sequence[NewSession]) -> tuple[Ask, ...]:
    """Return the statements that begin these sessions, in their order."""
    now = clock.now()
    rows = [(one.cart_id, one.session_id, one.locale, one.token_hash) for one in wanted]
    columns = (("cart_id", TEXT), ("session_id", TEXT), ("locale", TEXT), ("token_hash", TEXT))
    return (
        Ask(
            "INSERT INTO cart (id, version, latest_at_us, currency, created_at)"
            " SELECT cart_id, 0, 0, 'EUR', :now FROM {rows}",
            columns,
            rows,
            {"now": now},
        ),
        Ask(
            "INSERT INTO shopper_session (id, cart_id, locale, created_at)"
            " SELECT session_id, cart_id, locale, :now FROM {rows}",
            columns,
            rows,
            {"now": now},
        ),
        Ask(
            "INSERT INTO session_key (token_hash, session_id, created_at, expires_at)"
            " SELECT token_hash, session_id, :now, :expires_at FROM {rows}",
            columns,
            rows,
            {"now": now, "expires_at": now + KEY_LIFETIME},
        ),
    )


def add_line(
    db: Session, shopping: Shopping, *, operation_id: str, gtin: Gtin, quantity: int = 1
) -> Applied:
    """Add pieces of ``gtin``; the same ``operation_id`` again changes nothing.

    Raises:
        UnknownGtin: not in the catalogue.
        UnknownCart: no such cart.
        InvalidInput: a quantity that is not 1 to QUANTITY_MAX.
    """
    return _do(db, shopping, operation_id, gtin, (Kind.ADD, _quantity(quantity, 1)))


def set_quantity(
    db: Session, shopping: Shopping, *, operation_id: str, gtin: Gtin, quantity: int
) -> Applied:
    """Set the number of pieces; 0 takes the line off. Raises as :func:`add_line`."""
    return _do(db, shopping, operation_id, gtin, (Kind.SET, _quantity(quantity, 0)))


def remove_line(db: Session, shopping: Shopping, *, operation_id: str, gtin: Gtin) -> Applied:
    """Take a line off, however many pieces it has. Raises as :func:`add_line`."""
    return _do(db, shopping, operation_id, gtin, (Kind.REMOVE, 0))


def _quantity(quantity: int, least: int) -> int:
    if not least <= quantity <= QUANTITY_MAX:
        msg = f"quantity {quantity} is not {least} to {QUANTITY_MAX}"
        raise InvalidInput(msg, quantity=quantity)
    return quantity


def latest_at_us(db: Session, cart_id: str) -> int:
    """Return the latest hybrid time of the cart, its row locked until the commit."""
    lock = "" if is_sqlite(db.connection()) else " FOR UPDATE"
    found = db.connection().execute(
        text(f"SELECT latest_at_us FROM cart WHERE id = :id{lock}"),  # noqa: S608 - constant
        {"id": cart_id},
    )
    return int(found.scalar() or 0)


def _do(
    db: Session, shopping: Shopping, operation_id: str, gtin: Gtin, act: tuple[Kind, int]
) -> Applied:
    cart = queries.view(db, shopping.cart_id)
    known = shopping.lookup(db, [gtin], currency=cart.currency).get(gtin)
    line = next((one for one in cart.lines if one.gtin == gtin), None)
    if known is None and line is None:
        msg = f"no article in the catalogue has the code {gtin.shortest}"
        raise UnknownGtin(msg, gtin=gtin)
    operation = Operation(
        id=operation_id,
        cart_id=cart.id,
        gtin=gtin,
        sku=known.sku if known else line.sku if line else "",
        kind=act[0],
        quantity=act[1],
        at_us=next_at_us(to_us(shopping.clock.now()), latest_at_us(db, cart.id)),
        source=shopping.source,
        price_minor=known.price_minor if known else None,
        currency=cart.currency,
        location_id=shopping.location_id,
    )
    applied = apply(db, shopping.clock, [operation])
    if applied.refused:
        raise applied.refused[0][1]
    return applied


def save_list(
    db: Session,
    clock: Clock,
    *,
    list_id: str,
    cart_id: str,
    session_id: str,
    name: str = "",
    only: Gtin | None = None,
    until_us: int | None = None,
) -> SavedListRow:
    """Keep the cart's lines as a list; the same ``list_id`` again is the same list.

    ``only``: just that line. ``until_us``: as they were at that hybrid time, for
    a wish that arrives later than what followed it.

    Raises:
        UnknownCart: no such cart.
        InvalidInput: there is nothing to save.
    """
    known = db.get(SavedListRow, list_id)
    if known is not None:
        return known
    lines = queries.view(db, cart_id).lines
    if until_us is not None:
        lines = queries.lines_at(db, cart_id, until_us)
    kept = [line for line in lines if only is None or line.gtin == only]
    if not kept:
        msg = "there is nothing on the list to save"
        raise InvalidInput(msg)
    saved = SavedListRow(id=list_id, session_id=session_id, name=name, created_at=clock.now())
    db.add(saved)
    db.flush()
    for position, line in enumerate(kept):
        db.add(
            SavedListLineRow(
                list_id=saved.id,
                position=position,
                gtin=line.gtin,
                sku=line.sku,
                quantity=line.quantity,
                price_minor=line.price_minor,
                currency=line.currency,
                location_id=line.location_id,
            )
        )
    db.flush()
    return saved


def own_list(db: Session, *, list_id: str, session_id: str) -> SavedListRow:
    """Return a list of this session, deleted or not.

    Raises:
        UnknownList: no such list, or another session's.
    """
    found = db.get(SavedListRow, list_id)
    if found is None or found.session_id != session_id:
        msg = f"there is no list {list_id}"
        raise UnknownList(msg, list_id=list_id)
    return found


def request_list(
    db: Session,
    clock: Clock,
    *,
    request_id: str,
    list_id: str,
    email: str,
    locale: str,
    location_id: str | None = None,
) -> ListRequestRow:
    """Keep the wish to get a list by mail; the same ``request_id`` again is the same wish.

    Whoever carries it out finds the row; nothing is sent from here.

    Raises:
        InvalidEmail: no mail can be sent to this address.
        TooManyMails: this address or this session has had enough for an hour.
    """
    known = db.get(ListRequestRow, request_id)
    if known is not None:
        return known
    since = clock.now() - timedelta(hours=1)
    to_address, of_session = queries.requests_since(db, address(email), list_id, since)
    if to_address >= MAILS_PER_ADDRESS_MAX or of_session >= MAILS_PER_SESSION_MAX:
        msg = "this list was mailed often enough within the last hour"
        raise TooManyMails(msg, per_hour_max=MAILS_PER_ADDRESS_MAX)
    request = ListRequestRow(
        id=request_id,
        list_id=list_id,
        email=address(email),
        locale=locale,
        location_id=location_id,
        requested_at=clock.now(),
    )
    db.add(request)
    db.flush()
    return request


def move_key(db: Session, *, token: str, session_id: str) -> None:
    """Let a phone's key open another session."""
    db.exec(
        update(SessionKeyRow)
        .where(col(SessionKeyRow.token_hash) == secret_hash(token))
        .values(session_id=session_id)
    )
