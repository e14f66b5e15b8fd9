"""Passkeys of customers: challenges given and taken, keys kept, used and removed.

Owns the rows. What an authenticator's answer is worth is not decided here: ``mobile_api``
checks it against what is kept. A challenge is taken by one DELETE, so it is answered once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, delete, func, or_, select, update

from cart.db.guarded import insert_new
from cart.kernel.clock import Clock
from cart.kernel.errors import PasskeyRefused, TooManyAttempts, TooManyPasskeys
from cart.kernel.ids import Ids, secret_hash
from cart.profile import limits
from cart.profile.model import (
    CHALLENGE_LIFETIME,
    CHALLENGES_PER_NETWORK,
    PASSKEYS_MAX,
    challenge_of,
)
from cart.profile.tables import PASSKEY_DEVICE_LENGTH_MAX, ChallengeRow, CustomerRow, PasskeyRow


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser is to have signed. ``browser``: the secret of its cookie."""

    browser: str
    to_sign: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey as its authenticator made it; ``credential_id``, ``public_key`` in base64url."""

    credential_id: str
    public_key: str
    sign_count: int
    backed_up: bool


def challenge(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    network: str,
    customer_id: str | None = None,
) -> Challenge | TooManyAttempts:
    """Give a browser something to have signed; ``customer_id``: for a passkey of hers to be kept.

    A refusal is returned, to be raised after the commit.
    """
    if (
        refused := limits.count(db, clock, secret, [(CHALLENGES_PER_NETWORK, network)])
    ) is not None:
        return refused
    browser = ids.token()
    db.add(
        ChallengeRow(
            id=ids.new("challenge"),
            browser_hash=secret_hash(browser),
            customer_id=customer_id,
            expires_at=clock.now() + CHALLENGE_LIFETIME,
        )
    )
    db.flush()
    return Challenge(browser, challenge_of(secret, browser))


def take(db: Session, clock: Clock, *, browser: str, customer_id: str | None = None) -> str:
    """Take the challenge that this browser was given for this purpose; return its id, "" if none.

    Whether its answer is right or not, there is no second one.
    """
    mine = (
        col(ChallengeRow.customer_id).is_(None)
        if customer_id is None
        else col(ChallengeRow.customer_id) == customer_id
    )
    taken = db.execute(
        delete(ChallengeRow)
        .where(
            col(ChallengeRow.browser_hash) == secret_hash(browser),
            col(ChallengeRow.expires_at) > clock.now(),
            mine,
        )
        .returning(col(ChallengeRow.id))
    ).scalar_one_or_none()
    return taken or ""


def keep(
    db: Session, clock: Clock, ids: Ids, *, customer_id: str, made: Made, device: str
) -> PasskeyRow:
    """Keep a fresh passkey of a customer.

    Raises:
        TooManyPasskeys: she has PASSKEYS_MAX.
        PasskeyRefused: somebody has this one already.
    """
    db.exec(
        select(CustomerRow).where(CustomerRow.id == customer_id).with_for_update(key_share=True)
    ).one()
    has = db.exec(select(func.count()).where(PasskeyRow.customer_id == customer_id)).one()
    if has >= PASSKEYS_MAX:
        msg = f"{PASSKEYS_MAX} passkeys are kept at most"
        raise TooManyPasskeys(msg, passkeys_max=PASSKEYS_MAX)
    values = {
        "id": ids.new("passkey"),
        "customer_id": customer_id,
        "credential_id": made.credential_id,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
        "backed_up": made.backed_up,
        "device": device[:PASSKEY_DEVICE_LENGTH_MAX],
        "created_at": clock.now(),
    }
    if not insert_new(db, PasskeyRow, values, keys=["credential_id"]):
        msg = "this passkey is kept already"
        raise PasskeyRefused(msg)
    return db.get_one(PasskeyRow, values["id"])


def of_credential(db: Session, credential_id: str) -> PasskeyRow | None:
    """Return the passkey of this credential id, None if we have none."""
    return db.exec(select(PasskeyRow).where(PasskeyRow.credential_id == credential_id)).first()


def used(db: Session, clock: Clock, *, passkey: PasskeyRow, count: int, backed_up: bool) -> bool:
    """Keep that it was used; False: removed meanwhile, or a copy was faster with this count.

    An authenticator that does not count says 0 for ever.
    """
    moved = db.exec(
        update(PasskeyRow)
        .where(
            col(PasskeyRow.id) == passkey.id,
            or_(col(PasskeyRow.sign_count) < count, col(PasskeyRow.sign_count) == 0),
        )
        .values(sign_count=count, backed_up=backed_up, used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return bool(moved.rowcount)


def of_customer(db: Session, customer_id: str) -> Sequence[PasskeyRow]:
    """Return a customer's passkeys, the oldest first."""
    return db.exec(
        select(PasskeyRow)
        .where(PasskeyRow.customer_id == customer_id)
        .order_by(col(PasskeyRow.created_at), col(PasskeyRow.id))
    ).all()


def remove(db: Session, *, customer_id: str, passkey_id: str) -> bool:
    """Forget a passkey of hers; False: she has none of this id, which is as good."""
    gone = db.exec(
        delete(PasskeyRow).where(
            col(PasskeyRow.id) == passkey_id, col(PasskeyRow.customer_id) == customer_id
        )
    )
    return bool(gone.rowcount)


def forget(db: Session, clock: Clock) -> int:
    """Delete challenges that nobody has answered in time; return how many."""
    old = delete(ChallengeRow).where(col(ChallengeRow.expires_at) < clock.now())
    return int(db.connection().execute(old).rowcount)
