"""Many lines into many carts in one transaction: what a busy shop's phones do at once.

Does what ``POST /cart/lines`` does alone, in four round trips to the database for
all: who they are and what they want, what their carts hold, the writing, the
answers. What the carts are afterwards is worked out here, not read again. Whatever
is unusual (a repeated key, an unknown code, a full list) is left to the way for
one, which says it in full.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi.responses import Response
from sqlmodel import Session

from cart.carts import queries, service
from cart.carts.apply import Planned, Standing, planned
from cart.carts.model import Kind, Operation, next_at_us
from cart.carts.queries import CartView, Kept, Opened
from cart.carts.service import SOURCE_PHONE, NewSession
from cart.db import unit_of_work
from cart.db.rows import AnyRow, run_together
from cart.idempotency import service as keys
from cart.idempotency.service import Answered
from cart.kernel.clock import to_us
from cart.kernel.gtin import Gtin
from cart.kernel.ids import secret_hash
from cart.ports import Sellable
from gateway.binding.queries import places_ask
from gateway.fanout import CartChanged
from inventory_api.catalogue.queries import sellables_ask, sellables_of
from inventory_api.stock.queries import availability_ask, availability_of
from mobile_api.carts.basket import Basket, Surroundings, baskets_amid, place_of, shops_around
from mobile_api.carts.pages import cart_html
from mobile_api.carts.schemas import AddLine, cart_json
from mobile_api.edge import sessions
from mobile_api.edge.lane import Unusual
from mobile_api.look.words import words
from mobile_api.products.queries import SHOPS, shops_of
from mobile_api.wiring import Parts

CREATED = 201
CURRENCY: Final = "EUR"  # of every cart that begins here; another one goes the way for one
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
    """Whose wish it is. ``salt`` and ``token`` are set for a session that begins with it."""

    session: Opened
    salt: str = ""
    token: str | None = None

    @property
    def cart_id(self) -> str:
        """The cart that the wish goes into."""
        return self.session.cart_id


@dataclass(slots=True)
class _Batch:
    """What is known of the wishes: their guests, the articles, the shops, the carts' lines."""

    wishes: Sequence[Wish]
    guests: list[_Guest]
    fresh: list[NewSession]
    known: dict[Gtin, Sellable]
    shops: Sequence[AnyRow]
    kept: Kept = field(default_factory=dict)
    places: dict[str, str | None] = field(default_factory=dict)

    @property
    def carts(self) -> dict[str, Opened]:
        """The carts, by id, as they stood before."""
        return {guest.cart_id: guest.session for guest in self.guests}


def add_together(parts: Parts, wishes: Sequence[Wish]) -> list[Added | Exception]:
    """Add every line, or raise and change nothing.

    Raises:
        Unusual: a wish among them is not for this way.
        CarryoverError, SQLAlchemyError: as the way for one would.
    """
    with unit_of_work(parts.engine) as db:
        batch = _meet(db, parts, wishes)
        _look(db, batch)
        plan = _plan(parts, batch)
        bodies = _carry_out(db, parts, batch, plan)
        answers = [
            Answered(
                wish.key, wish.request_hash, CREATED, body, guest.session.session_id, guest.salt
            )
            for wish, guest, body in zip(wishes, batch.guests, bodies, strict=True)
        ]
        keys.keep(db, parts.clock, answers)
        changes = plan.applied.changes
        parts.tell(db, *(CartChanged(one.cart_id, one.version, ORIGIN) for one in changes))
    return [Added(body, guest.token) for guest, body in zip(batch.guests, bodies, strict=True)]


def _meet(db: Session, parts: Parts, wishes: Sequence[Wish]) -> _Batch:
    """Let pass fresh keys, each once, that nobody is working on; read who and what is meant."""
    fresh_keys = {wish.key for wish in wishes}
    hashes = {wish.token: secret_hash(wish.token) for wish in wishes if wish.token}
    known_keys, sessions_found, articles, shops = run_together(
        db,
        keys.known_ask(fresh_keys),
        queries.opened_ask(db, hashes.values(), parts.clock.now()),
        sellables_ask({wish.line.gtin for wish in wishes}, CURRENCY),
        SHOPS,
    )
    if len(fresh_keys) < len(wishes) or parts.in_progress.any_of(fresh_keys) or known_keys:
        msg = "a key came twice"
        raise Unusual(msg)
    opened = queries.opened(sessions_found)
    guests: list[_Guest] = []
    fresh: list[NewSession] = []
    for wish in wishes:
        session = opened.get(hashes[wish.token]) if wish.token else None
        if session is not None:
            guests.append(_Guest(session))
            continue
        begun = sessions.beginning(parts.ids, parts.secret, key=wish.key, locale=wish.locale)
        new = begun.session
        fresh.append(new)
        head = Opened(new.session_id, new.cart_id, 0, 0, CURRENCY)
        guests.append(_Guest(head, begun.salt, begun.token))
    return _Batch(wishes, guests, fresh, sellables_of(articles, CURRENCY), shops)


def _look(db: Session, batch: _Batch) -> None:
    """Read what the carts hold that were there before, and where shoppers stand who do not say."""
    new = {one.cart_id for one in batch.fresh}
    pairs = list(zip(batch.wishes, batch.guests, strict=True))
    wished = {(guest.cart_id, wish.line.gtin) for wish, guest in pairs} if pairs else set()
    unsaid = {guest.cart_id for wish, guest in pairs if not wish.line.location_id} - new
    lines, places = run_together(
        db,
        queries.kept_ask(key for key in wished if key[0] not in new),
        places_ask(unsaid),
    )
    batch.kept = queries.kept(lines)
    held = {row[0]: row[1] for row in places}
    for cart_id in unsaid:
        batch.places[cart_id] = held.get(cart_id) or place_of(_seen(batch, cart_id, batch.kept))


def _seen(batch: _Batch, cart_id: str, lines: Kept, version: int = 0) -> CartView:
    own = {key: line for key, line in lines.items() if key[0] == cart_id}
    head = batch.carts[cart_id]
    return queries.seen(head, version or head.version, head.latest_at_us, own)


def _plan(parts: Parts, batch: _Batch) -> Planned:
    """Work out the operations and what they make of the carts."""
    now_us = to_us(parts.clock.now())
    carts = batch.carts
    latest = {cart_id: head.latest_at_us for cart_id, head in carts.items()}
    operations = []
    for wish, guest in zip(batch.wishes, batch.guests, strict=True):
        sellable = batch.known.get(wish.line.gtin)
        if sellable is None or guest.session.currency != CURRENCY:
            msg = "an unknown code, or a cart in another currency"
            raise Unusual(msg)
        at_us = latest[guest.cart_id] = next_at_us(now_us, latest[guest.cart_id])
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
                currency=CURRENCY,
                location_id=wish.line.location_id or batch.places.get(guest.cart_id),
            )
        )
    counts = dict.fromkeys(carts, 0)
    for (cart_id, _), (_, line) in batch.kept.items():
        counts[cart_id] += line.quantity > 0
    lines = {key: line for key, (_, line) in batch.kept.items()}
    versions = {cart_id: head.version for cart_id, head in carts.items()}
    plan = planned(parts.clock, operations, Standing(versions, lines, counts))
    if plan.applied.refused:
        msg = "a list is full"
        raise Unusual(msg)
    for one in operations:
        key = (one.cart_id, one.gtin)
        batch.kept[key] = (one.sku, plan.lines[key])
    return plan


def _carry_out(db: Session, parts: Parts, batch: _Batch, plan: Planned) -> list[str]:
    """Write the plan, read what surrounds the carts, and return each wish's answer."""
    spoken: dict[str, str] = {}
    for wish, guest in zip(batch.wishes, batch.guests, strict=True):
        if spoken.setdefault(guest.cart_id, wish.locale) != wish.locale:
            msg = "one cart in two languages at once"
            raise Unusual(msg)
    versions = {one.cart_id: one.version for one in plan.applied.changes}
    views = [_seen(batch, cart_id, batch.kept, versions[cart_id]) for cart_id in versions]
    lines = [line for view in views for line in view.lines]
    if any(line.currency != CURRENCY for line in lines):
        msg = "a line in another currency"
        raise Unusual(msg)
    more = {line.gtin for line in lines} - batch.known.keys()
    every = shops_of(batch.shops, words(spoken[views[0].id]))
    stock = availability_ask(
        dict.fromkeys(line.sku for line in lines),
        shops_around(every, {place_of(view) for view in views}),
    )
    *_, articles, shelves = run_together(
        db,
        *service.opening_asks(parts.clock, batch.fresh),
        *plan.asks,
        sellables_ask(more, CURRENCY),
        stock,
    )
    known = batch.known | sellables_of(articles, CURRENCY)
    availability = availability_of(shelves, stock, parts.clock.now())
    shown: dict[str, Basket] = {}
    for locale in set(spoken.values()):
        amid = Surroundings(
            shops_of(batch.shops, words(locale)),
            {(gtin, CURRENCY): one for gtin, one in known.items()},
            availability,
        )
        here = [view for view in views if spoken[view.id] == locale]
        shown |= {one.cart_id: one for one in baskets_amid(words(locale), here, amid)}
    bodies = []
    for wish, guest in zip(batch.wishes, batch.guests, strict=True):
        cart, said = shown[guest.cart_id], words(wish.locale)
        html = cart_html(cart, said) if wish.with_html else None
        bodies.append(cart_json(cart, said, html))
    return bodies
