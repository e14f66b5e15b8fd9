"""Letters to a customer about her own account: what changed in who may come in.

Owns the rows. She has to get them whatever she agreed to, so no consent is asked for; they
say what happened and lead to her account only. Each kind has a limit for a day, so that
nobody fills her mailbox through us; the first ones of a day always come.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session, col, delete, select

from cart.kernel.clock import Clock
from cart.kernel.ids import Ids
from cart.profile import limits
from cart.profile.model import Limit
from cart.profile.queries import addresses_of
from cart.profile.tables import PASSKEY_DEVICE_LENGTH_MAX, AccountLetterRow

# More changes than these in one day she has seen already, in ten letters.
LETTERS_MAX: Final = 10
LETTERS_KEPT: Final = timedelta(days=7)  # to answer "no mail came"; then they are deleted


class AccountLetter(StrEnum):
    """What a letter tells."""

    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    SIGNED_IN = "signed_in"  # with a code, in a browser that she never signed in with before


def write(
    db: Session,
    clock: Clock,
    ids: Ids,
    secret: bytes,
    *,
    customer_id: str,
    kind: AccountLetter,
    device: str,
    locale: str,
) -> int:
    """Have a letter sent to each address of hers; return how many. Commits with what it tells.

    ``device``: in words, "" if nobody knows what it was.
    """
    limit = Limit(f"letter:{kind.value}:day", LETTERS_MAX, 86_400)
    if limits.count(db, clock, secret, [((limit,), customer_id)]) is not None:
        return 0
    addresses = addresses_of(db, customer_id)
    for address in addresses:
        row = AccountLetterRow(
            id=ids.new("letter"),
            customer_id=customer_id,
            email=address,
            kind=kind.value,
            device=device[:PASSKEY_DEVICE_LENGTH_MAX],
            locale=locale,
            requested_at=clock.now(),
        )
        db.add(row)
    db.flush()
    return len(addresses)


def waiting(db: Session, before: datetime, limit: int) -> Sequence[str]:
    """Return letters that are not sent yet, asked for before ``before``, oldest first."""
    return db.exec(
        select(AccountLetterRow.id)
        .where(AccountLetterRow.state == "requested", AccountLetterRow.requested_at <= before)
        .order_by(col(AccountLetterRow.requested_at), col(AccountLetterRow.id))
        .limit(limit)
    ).all()


def forget(db: Session, clock: Clock) -> int:
    """Delete letters that are a week old; return how many."""
    old = delete(AccountLetterRow).where(
        col(AccountLetterRow.requested_at) < clock.now() - LETTERS_KEPT
    )
    return int(db.connection().execute(old).rowcount)
