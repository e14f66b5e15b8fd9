"""Many lines into many carts in one transaction: what a busy shop's phones do at once.

Does what ``POST /cart/lines`` does alone, with a handful of statements for all:
keys, sessions, operations, answers. Whatever is unusual (a repeated key, an
unknown code, a full list) is left to the way for one, which says it in full.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi.responses import Response
from sqlmodel import Session

from cart.carts import queries, service
from cart.carts.apply import apply
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.service import SOURCE_PHONE, NewSession
from cart.db import unit_of_work
from cart.db.rows import TEXT, run
from cart.idempotency import service as keys
from cart.idempotency.service import Answered
from cart.kernel.clock import to_us
from cart.kernel.ids import secret_hash
from gateway.binding.queries import places_of_carts
from gateway.fanout import CartChanged
from mobile_api.carts.basket import Basket, baskets
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import AddLine, cart_out
from mobile_api.edge import sessions
from mobile_api.edge.lane import Unusual
from mobile_api.look.words import words
from mobile_api.wiring import Parts

CREATED = 201
ORIGIN = "api"  # in change notices: not a device


@dataclass(frozen=True, slots=True)
class Wish:
    """One request to add a line. ``token``: the phone's key, None for a phone without a session.

    ``alone``: does and answers it by itself.
    """

    key: str
    request_hash: str
    token: str | None
    line: AddLine
    locale: str
    with_html: bool
    alone: Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Added:
    """The answer: the cart as JSON, and the new session's key if one began."""

    body: str
    token: str | None

    def response(self, *, secure: bool) -> Response:
        """Return it as it goes out."""
        response = Response(self.body, CREATED, media_type="application/json")
        if self.token:
            sessions.set_cookie(response, self.token, secure=secure)
        return response


@dataclass(frozen=True, slots=True)
class _Guest:
    """Where a wish goes. ``salt`` is set for a session that begins with it."""

    session_id: str
    cart_id: str
    salt: str = ""
    token: str | None = None


def add_together(parts: Parts, wishes: Sequence[Wish]) -> list[Added | Exception]:
    """Add every line, or raise and change nothing.

    Raises:
        Unusual: a wish among them is not for this way.
        CarryoverError, SQLAlchemyError: as the way for one would.
    """
    with unit_of_work(parts.engine) as db:
        _require_usual(db, parts, wishes)
        guests = _guests(db, parts, wishes)
        _apply(db, parts, wishes, guests)
        bodies = _bodies(db, parts, wishes, guests)
        keys.keep(
            db,
            parts.clock,
            [
                Answered(wish.key, wish.request_hash, CREATED, body, guest.session_id, guest.salt)
                for wish, guest, body in zip(wishes, guests, bodies, strict=True)
            ],
        )
    return [Added(body, guest.token) for guest, body in zip(guests, bodies, strict=True)]


def _require_usual(db: Session, parts: Parts, wishes: Sequence[Wish]) -> None:
    """Let pass fresh keys, each once, that nobody is working on."""
    fresh = {wish.key for wish in wishes}
    if len(fresh) < len(wishes) or parts.in_progress.any_of(fresh) or keys.known(db, fresh):
        msg = "a key came twice"
        raise Unusual(msg)


def _guests(db: Session, parts: Parts, wishes: Sequence[Wish]) -> list[_Guest]:
    hashes = {wish.token: secret_hash(wish.token) for wish in wishes if wish.token}
    opened = queries.opened_by(db, hashes.values(), parts.clock.now()) if hashes else {}
    guests: list[_Guest] = []
    fresh: list[NewSession] = []
    for wish in wishes:
        known = opened.get(hashes[wish.token]) if wish.token else None
        if known is not None:
            guests.append(_Guest(known.session_id, known.cart_id))
            continue
        begun = sessions.beginning(parts.ids, parts.secret, key=wish.key, locale=wish.locale)
        session = begun.session
        guests.append(_Guest(session.session_id, session.cart_id, begun.salt, begun.token))
        fresh.append(session)
    service.open_sessions(db, parts.clock, fresh)
    return guests


def _apply(db: Session, parts: Parts, wishes: Sequence[Wish], guests: Sequence[_Guest]) -> None:
    known = parts.lookup(db, {wish.line.gtin for wish in wishes}, currency="EUR")
    latest = _latest(db, {guest.cart_id for guest in guests})
    now_us = to_us(parts.clock.now())
    unsaid = {g.cart_id for w, g in zip(wishes, guests, strict=True) if not w.line.location_id}
    places = _places(db, unsaid)
    operations = []
    for wish, guest in zip(wishes, guests, strict=True):
        sellable = known.get(wish.line.gtin)
        latest_us, currency = latest[guest.cart_id]
        if sellable is None or currency != sellable.currency:
            msg = "an unknown code, or a cart in another currency"
            raise Unusual(msg)
        at_us = next_at_us(now_us, latest_us)
        latest[guest.cart_id] = (at_us, currency)
        operations.append(
            Operation(
                id=parts.ids.new("op"),
                cart_id=guest.cart_id,
                gtin=wish.line.gtin,
                sku=sellable.sku,
                kind=Kind.ADD,
                quantity=wish.line.quantity,
                at_us=at_us,
                source=SOURCE_PHONE,
                price_minor=sellable.price_minor,
                currency=currency,
                location_id=wish.line.location_id or places.get(guest.cart_id),
            )
        )
    applied = apply(db, parts.clock, operations)
    if applied.refused:
        msg = "a list is full"
        raise Unusual(msg)
    parts.tell(db, *(CartChanged(one.cart_id, one.version, ORIGIN) for one in applied.changes))


def _places(db: Session, cart_ids: set[str]) -> dict[str, str | None]:
    """Return where shoppers stand: by the device that they hold, else by their newest line."""
    if not cart_ids:
        return {}
    places: dict[str, str | None] = {}
    for cart in queries.views(db, cart_ids).values():
        newest = max(cart.lines, key=lambda line: line.added_at_us, default=None)
        places[cart.id] = newest.location_id if newest else None
    return places | places_of_carts(db, cart_ids)


def _latest(db: Session, cart_ids: set[str]) -> dict[str, tuple[int, str]]:
    """Return latest hybrid time and currency by cart, the rows locked in one order."""
    lock = "" if db.get_bind().dialect.name == "sqlite" else " FOR UPDATE OF c"
    found = run(
        db,
        "SELECT c.id, c.latest_at_us, c.currency FROM {rows} JOIN cart AS c ON c.id = d.id"  # noqa: S608
        f" ORDER BY c.id{lock}",
        (("id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    return {row[0]: (row[1], row[2]) for row in found}


def _bodies(
    db: Session, parts: Parts, wishes: Sequence[Wish], guests: Sequence[_Guest]
) -> list[str]:
    spoken: dict[str, str] = {}
    for wish, guest in zip(wishes, guests, strict=True):
        if spoken.setdefault(guest.cart_id, wish.locale) != wish.locale:
            msg = "one cart in two languages at once"
            raise Unusual(msg)
    views = queries.views(db, spoken)
    shown: dict[str, Basket] = {}
    for locale in set(spoken.values()):
        carts = [view for view in views.values() if spoken[view.id] == locale]
        for cart in baskets(db, parts.lookup, words(locale), carts):
            shown[cart.cart_id] = cart
    bodies = []
    for wish, guest in zip(wishes, guests, strict=True):
        cart, said = shown[guest.cart_id], words(wish.locale)
        html = cart_html(cart, said) if wish.with_html else None
        bodies.append(cart_out(cart, said, html).model_dump_json())
    return bodies
