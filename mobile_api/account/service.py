"""What a customer does with her own account, whether a page or an app asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cart.carts import keys
from cart.carts.tables import ShopperSessionRow
from cart.kernel.clock import Clock
from cart.kernel.ids import Ids, secret_hash
from cart.profile import letters, passkeys
from cart.profile.letters import AccountLetter
from cart.profile.queries import addresses_of
from cart.profile.tables import PasskeyRow
from gateway.binding import queries as bindings
from gateway.binding import service as binding_service
from gateway.binding.model import EndReason
from gateway.fanout import BindingChanged, Notice, SignedOut
from mobile_api.wiring import Parts


@dataclass(frozen=True, slots=True)
class SignedInPhone:
    """A phone of hers. ``device``: in words, "" if nobody knows what it is; ``here``: this one."""

    name: str
    device: str
    seen_at: datetime
    since: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is to us: proved addresses, phones that are signed in, passkeys."""

    addresses: Sequence[str]
    phones: Sequence[SignedInPhone]
    passkeys: Sequence[PasskeyRow]


def account(wired: Parts, db: Session, me: ShopperSessionRow, token: str | None) -> Account:
    """Return a customer's account; ``token``: the key of the phone that asks."""
    customer_id, own = me.customer_id or "", secret_hash(token or "")
    return Account(
        addresses_of(db, customer_id),
        [
            SignedInPhone(one.name, one.device, one.seen_at, one.created_at, one.token_hash == own)
            for one in keys.of_session(db, me.id, wired.clock.now())
        ],
        passkeys.of_customer(db, customer_id),
    )


def remove_passkey(
    wired: Parts, db: Session, me: ShopperSessionRow, passkey_id: str, locale: str
) -> None:
    """Forget a passkey of hers, and tell her; one that is gone already is as good."""
    customer_id = me.customer_id or ""
    of_hers = {one.id: one.device for one in passkeys.of_customer(db, customer_id)}
    if passkeys.remove(db, customer_id=customer_id, passkey_id=passkey_id):
        letters.write(
            db,
            wired.clock,
            wired.ids,
            wired.secret,
            customer_id=customer_id,
            kind=AccountLetter.PASSKEY_REMOVED,
            device=of_hers[passkey_id],
            locale=locale,
        )


def end_phone(wired: Parts, db: Session, me: ShopperSessionRow, name: str) -> None:
    """Sign one phone of hers out. One that is out already, or is another's, is left alone."""
    found = [
        one.token_hash for one in keys.of_session(db, me.id, wired.clock.now()) if one.name == name
    ]
    if keys.end(db, session_id=me.id, token_hashes=found):
        wired.tell(db, SignedOut(me.id))


def sign_out_everywhere(db: Session, clock: Clock, ids: Ids, me: ShopperSessionRow) -> list[Notice]:
    """Sign all of her phones out, and clear the tablets that show her cart; return what is told.

    Passkeys stay.
    """
    cleared = [
        BindingChanged(one.device_id, one.visit, me.cart_id, live=False, claimed=True)
        for one in bindings.of_session(db, me.id)
        if binding_service.release(
            db, clock, ids, device_id=one.device_id, visit=one.visit, reason=EndReason.PHONE
        )
    ]
    keys.end(db, session_id=me.id)
    return [SignedOut(me.id), *cleared]
