"""Commands of signing in: ask for a code, use it, become a customer.

Whether an address is known is looked at only after its code was right: up to then
everybody gets the same answer, mail and work. A refusal is returned, not raised: what it
counted has to be committed.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, delete, update

from cart.db.guarded import insert_new
from cart.kernel.clock import Clock
from cart.kernel.email import normal_address
from cart.kernel.errors import SignInCodeRefused, TooManyAttempts
from cart.kernel.ids import Ids, secret_hash
from cart.profile import letters, limits, passkeys, queries
from cart.profile.model import (
    ASKS_PER_ADDRESS,
    ASKS_PER_NETWORK,
    CODE_LIFETIME,
    CODES_KEPT,
    TRIES_MAX,
    TRIES_PER_NETWORK,
    matches,
)
from cart.profile.tables import CustomerEmailRow, CustomerRow, SignInCodeRow


@dataclass(frozen=True, slots=True)
class Asked:
    """A code is on its way. ``browser``: the secret for the cookie of the browser that asked."""

    code_id: str
    browser: str


@dataclass(frozen=True, slots=True)
class Proved:
    """Somebody has proved who she is, by a code or a passkey. ``id``: of the code or challenge.

    ``address``: what the code was sent to; ``customer_id``: whose passkey it is; one of
    them. ``again``: it was proved before, in the same browser: the same sign-in.
    """

    id: str
    address: str = ""
    customer_id: str = ""
    again: bool = False


def ask(
    db: Session, clock: Clock, ids: Ids, secret: bytes, *, email: str, network: str, locale: str
) -> Asked | TooManyAttempts:
    """Keep the wish to sign in; whoever carries it out finds the row, nothing is sent from here.

    Raises:
        InvalidEmail: no mail can be sent to this address.
    """
    address = normal_address(email)
    per = [(ASKS_PER_NETWORK, network), (ASKS_PER_ADDRESS, address)]
    if (refused := limits.count(db, clock, secret, per)) is not None:
        return refused
    browser, now = ids.token(), clock.now()
    row = SignInCodeRow(
        id=ids.new("code"),
        email=address,
        browser_hash=secret_hash(browser),
        locale=locale,
        requested_at=now,
        expires_at=now + CODE_LIFETIME,
    )
    db.add(row)
    db.flush()
    return Asked(row.id, browser)


def prove(
    db: Session, clock: Clock, secret: bytes, *, browser: str, typed: str, network: str
) -> Proved | SignInCodeRefused | TooManyAttempts:
    """Use a code in the browser that asked for it.

    The try is counted before it is looked at, by a guarded UPDATE: of many guesses at once
    no more than TRIES_MAX are looked at, and one right one is used once. The right code again
    from the same browser, within its time, is the same sign-in: its answer was lost.
    """
    if (refused := limits.count(db, clock, secret, [(TRIES_PER_NETWORK, network)])) is not None:
        return refused
    now = clock.now()
    counted = db.exec(
        update(SignInCodeRow)
        .where(
            col(SignInCodeRow.browser_hash) == secret_hash(browser),
            col(SignInCodeRow.tries) < TRIES_MAX,
            col(SignInCodeRow.expires_at) > now,
        )
        .values(tries=col(SignInCodeRow.tries) + 1)
    )
    row = queries.code_of_browser(db, secret_hash(browser)) if counted.rowcount else None
    if row is None or not matches(secret, row.id, typed):
        msg = "the code is wrong, used, too old, or was asked for in another browser"
        return SignInCodeRefused(msg)
    used = db.exec(
        update(SignInCodeRow)
        .where(col(SignInCodeRow.id) == row.id, col(SignInCodeRow.used_at).is_(None))
        .values(used_at=now)
    )
    return Proved(row.id, row.email, again=used.rowcount == 0)


def become(db: Session, clock: Clock, ids: Ids, *, address: str) -> str:
    """Return the customer of an address that was proved just now; the first time makes her one."""
    known = queries.customer_of(db, address)
    if known is not None:
        return known
    now = clock.now()
    fresh = CustomerRow(id=ids.new("customer"), created_at=now)
    db.add(fresh)
    db.flush()
    values = {"address": address, "customer_id": fresh.id, "verified_at": now}
    if insert_new(db, CustomerEmailRow, values, keys=["address"]):
        return fresh.id
    db.delete(fresh)  # another of her phones was faster at this very moment
    db.flush()
    found = queries.customer_of(db, address)
    assert found is not None  # noqa: S101 - it stood in the way of ours
    return found


def forget(db: Session, clock: Clock) -> int:
    """Delete codes and letters that are old, with their addresses, windows and challenges.

    Return how many.
    """
    now = clock.now()
    old = delete(SignInCodeRow).where(col(SignInCodeRow.expires_at) < now - CODES_KEPT)
    gone = int(db.connection().execute(old).rowcount)
    gone += letters.forget(db, clock)
    return gone + limits.forget(db, now) + passkeys.forget(db, clock)
