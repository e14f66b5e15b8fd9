"""Signs a phone in: a fresh key to the customer's own session, and its cart joins hers.

All of it is one transaction with the proof's use, so a process that dies leaves either
nothing or all of it, and the same request again finds it done.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cart.carts import keys
from cart.carts.apply import CartChange
from cart.carts.queries import session_of_key
from cart.carts.service import give_key
from cart.carts.tables import SessionKeyRow, ShopperSessionRow
from cart.kernel.errors import SignInCodeRefused
from cart.kernel.ids import secret_hash
from cart.looks import keys as look_keys
from cart.orders import joining
from cart.personal.erasing import under_way
from cart.profile import letters
from cart.profile import service as profile
from cart.profile.consent import service as consents
from cart.profile.letters import AccountLetter
from cart.profile.model import known_mark
from cart.profile.queries import customer_of
from cart.profile.service import Proved
from gateway.bands import service as band_service
from gateway.binding import news
from gateway.binding import service as binding_service
from gateway.binding.queries import live_of_carts
from gateway.fanout import BandChanged, CartChanged, SignedOut
from gateway.plans import bookings
from gateway.plans import service as plans
from mobile_api.carts.adding import ORIGIN
from mobile_api.edge.sessions import Visitor, derived_token
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class Phone:
    """The phone that signs in. ``browser``: the secret of the cookie of what it proved.

    ``known``: the mark of whoever signed in here last.
    """

    visitor: Visitor
    browser: str
    device: str
    locale: str
    known: str = ""


def sign_in(wired: Parts, db: Session, proved: Proved, phone: Phone) -> str | SignInCodeRefused:
    """Sign in; return the phone's new key.

    The key follows from the proof and the browser's cookie, so that an answer that was lost
    can be given again, as long as the key was not taken back meanwhile. The key that the
    phone had before opens nothing from now on.

    Raises:
        CheckoutClosed: the phone's cart and the customer's are both being paid.
    """
    clock, ids = wired.clock, wired.ids
    token = derived_token(wired.secret, salt=proved.id, key=phone.browser)
    if proved.again:
        if session_of_key(db, token, clock.now()) is None:
            msg = "the code was used, and the phone was signed out since"
            return SignInCodeRefused(msg)
        return token
    here = phone.visitor.find(db, clock)
    origin = here if here is not None and here.customer_id is None else None
    held: list[str] = []
    if origin is not None:
        held = binding_service.held_by(db, origin.id)  # bindings first, as ingest does
        db.refresh(origin, with_for_update=True)  # a claim that we waited for gave it another cart
    before = proved.customer_id or customer_of(db, proved.address)
    customer_id = before or profile.become(db, clock, ids, address=proved.address)
    own = keys.own_session(db, clock, ids, customer_id=customer_id, locale=phone.locale)
    if under_way(db, customer_id):
        msg = "everything about this customer is being erased"
        return SignInCodeRefused(msg)
    if here is not None and phone.visitor.token:
        # Of an anonymous session all keys: whoever slipped one to this phone kept a copy.
        only = None if origin else [secret_hash(phone.visitor.token)]
        keys.end(db, session_id=here.id, token_hashes=only)
        wired.tell(db, SignedOut(here.id))
    if origin is not None:
        _join(wired, db, proved.id, origin, own, held=held)
    if phone.visitor.signal:
        consents.heed_signal(db, clock, ids, customer_id)
    mark = known_mark(wired.secret, customer_id)
    if proved.address and before and not hmac.compare_digest(phone.known, mark):
        letters.write(
            db,
            clock,
            ids,
            wired.secret,
            customer_id=customer_id,
            kind=AccountLetter.SIGNED_IN,
            device=phone.device,
            locale=phone.locale,
        )
    keys.give(
        db,
        clock,
        token=token,
        session_id=own.id,
        device=phone.device,
        prior_session_id=origin.id if origin else None,
    )
    return token


def _join(
    wired: Parts,
    db: Session,
    joining_id: str,
    origin: ShopperSessionRow,
    own: ShopperSessionRow,
    *,
    held: Sequence[str],
) -> None:
    """Let what the phone had until now go with the customer: devices, band, plan, looks, cart."""
    clock, ids = wired.clock, wired.ids
    binding_service.move(db, clock, held, session_id=own.id, prior_cart_id=origin.cart_id)
    band = band_service.move_loan(db, clock, from_id=origin.id, session_id=own.id)
    if band is not None:
        wired.tell(db, BandChanged(band.number))
    if plans.move(db, from_id=origin.id, cart_id=origin.cart_id, session_id=own.id):
        hers = bookings.held(db, own.id)
        wired.tell(db, plans.changed(db, hers))
    looks = look_keys.move(db, from_id=origin.id, session_id=own.id)
    changes = joining.join(
        db,
        clock,
        ids,
        joining_id=joining_id,
        customer_id=own.customer_id or "",
        origin=origin,
        own=own,
        along={
            "binding": held,
            "loan": [band.loan_id] if band is not None and band.loan_id else [],
            "look_key": looks,
        },
    )
    _ring(wired, db, [own.cart_id], changes)


def undo(wired: Parts, db: Session, me: ShopperSessionRow, joining_id: str) -> None:
    """Take out what a sign-in brought to this customer's cart.

    Raises:
        UnknownJoining, UndoClosed: as they say.
    """
    binding_service.held_by(db, me.id)  # before the carts, as ingest does
    undone = joining.undo(db, wired.clock, joining_id=joining_id, customer_id=me.customer_id or "")
    binding_service.move_back(db, undone.bindings, from_id=undone.to, session_id=undone.origin)
    look_keys.move_back(db, undone.look_keys, session_id=undone.origin)
    for number in band_service.move_back(
        db, undone.loans, from_id=undone.to, session_id=undone.origin
    ):
        wired.tell(db, BandChanged(number))
    origin = db.get(ShopperSessionRow, undone.origin) if undone.origin else None
    # A device that went back shows the customer's lines until it is told of its own cart.
    went_back = [origin.cart_id] if origin else []
    _ring(wired, db, [me.cart_id, *went_back], undone.changes)


def _ring(
    wired: Parts, db: Session, cart_ids: Sequence[str], changes: tuple[CartChange, ...]
) -> None:
    for change in changes:
        wired.tell(db, CartChanged(change.cart_id, change.version, ORIGIN))
    for bound in live_of_carts(db, cart_ids):
        wired.tell(db, news.changed(bound))


def sign_out(wired: Parts, db: Session, me: ShopperSessionRow, token: str) -> str:
    """Sign this phone out; return its key to the cart that it had before, "" if there is none.

    There is one if the customer has undone the joining: that cart is the phone's again.
    """
    row = db.get(SessionKeyRow, secret_hash(token))
    prior_id = row.prior_session_id if row else None
    if row is not None:
        keys.end(db, session_id=me.id, token_hashes=[row.token_hash])
        wired.tell(db, SignedOut(me.id))
    prior = db.get(ShopperSessionRow, prior_id) if prior_id else None
    if prior is None or prior.ended_at is not None or prior.customer_id is not None:
        return ""
    return give_key(db, wired.clock, wired.ids, session_id=prior.id)
