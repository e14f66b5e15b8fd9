"""Commands of the consent ledger: grant, withdraw, heed a browser's signal, join, erase.

Whoever decides for the same subject waits for the one before, so the order is definite. A
grant names the newest decision that its page showed, and is refused if there is a newer one:
a withdrawal that came meanwhile holds. A withdrawal is never refused and never limited.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from cart.db.guarded import insert_new, write
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    BrowserRefuses,
    ConsentChanged,
    InvalidInput,
    SignInNeeded,
    TooManyAttempts,
    Unavailable,
    UnknownWithdrawal,
)
from cart.kernel.ids import Ids
from cart.profile.consent import queries
from cart.profile.consent.model import (
    REFUSED_BY_SIGNAL,
    TEXT_LENGTH_MAX,
    VERSIONS,
    Decision,
    How,
    Purpose,
    Source,
    Subject,
    holds,
)
from cart.profile.consent.tables import (
    ConsentRow,
    ConsentSubjectRow,
    ConsentTraceRow,
    ConsentWordingRow,
)

# Between two withdrawals there is a grant, so this bounds the ledger. Nobody changes her mind
# on six things five times in an hour.
GRANTS_MAX: Final = 30
GRANTS_WITHIN: Final = timedelta(hours=1)


def grant(
    db: Session,
    clock: Clock,
    ids: Ids,
    subject: Subject,
    purpose: Purpose,
    *,
    how: How,
    seen: int,
) -> Decision:
    """Write down that ``subject`` allows ``purpose``, on the wording that she was shown.

    ``seen``: the number of her newest own decision on it when the page was made, 0 for none.

    Raises:
        SignInNeeded: only a customer can allow this.
        BrowserRefuses: the browser's signal stands against it.
        ConsentChanged: she has decided since, or the wording is another by now.
        InvalidInput: a wording that is none, or too long.
        TooManyAttempts: so often within the hour that it is no decision any more.
    """
    if not subject.may_grant(purpose):
        msg = f"{purpose.value} is for customers who are signed in"
        raise SignInNeeded(msg)
    if how.signal and purpose in REFUSED_BY_SIGNAL:
        msg = f"the browser's Global Privacy Control refuses {purpose.value}"
        raise BrowserRefuses(msg)
    version, current = how.shown.version if how.shown else 0, VERSIONS[purpose].current
    if not 0 < version <= current:
        msg = f"there is no wording {version} of {purpose.value}"
        raise InvalidInput(msg)
    if how.source is not Source.IMPORT and version != current:
        msg = f"the wording of {purpose.value} is version {current} now"
        raise ConsentChanged(msg)
    subject_id = _subject(db, clock, ids, subject)
    _alone(db, subject_id)
    if queries.granted_since(db, subject_id, clock.now() - GRANTS_WITHIN) >= GRANTS_MAX:
        msg = f"{GRANTS_MAX} grants within an hour are enough"
        raise TooManyAttempts(msg, retry_after_s=int(GRANTS_WITHIN.total_seconds()))
    own = queries.own_newest(db, subject_id, purpose)
    now_holds = queries.all_standing(db, subject, [purpose])[purpose]
    if own is not None and own == now_holds and own.granted and own.version == version:
        return own
    if (own.number if own else 0) != seen:
        msg = f"{purpose.value} was decided on since"
        raise ConsentChanged(msg)
    row = _row(db, purpose, how)
    _append(db, clock, {**row, "subject_id": subject_id, "number": seen + 1, "granted": True})
    fresh = queries.own_newest(db, subject_id, purpose)
    assert fresh is not None  # noqa: S101 - written a line ago
    return fresh


def withdraw(
    db: Session,
    clock: Clock,
    ids: Ids,
    subject: Subject,
    purpose: Purpose,
    *,
    how: How,
) -> None:
    """Write down that ``subject`` refuses ``purpose``; who has refused already is left alone."""
    subject_id = _subject(db, clock, ids, subject)
    _refuse(db, clock, subject_id, purpose, _row(db, purpose, how))


def withdraw_by_link(db: Session, clock: Clock, subject_id: str, purpose: Purpose) -> None:
    """Withdraw by a link from a mail, which names a subject of the ledger and one purpose.

    Raises:
        UnknownWithdrawal: there is no such subject.
    """
    if not queries.is_subject(db, subject_id):
        msg = "this link withdraws nothing"
        raise UnknownWithdrawal(msg)
    _refuse(db, clock, subject_id, purpose, _row(db, purpose, How(Source.MAIL_LINK)))


def heed_signal(db: Session, clock: Clock, ids: Ids, customer_id: str) -> Sequence[Purpose]:
    """Write a browser's ``Sec-GPC: 1`` down as the customer's refusal; return of what.

    Only where she has granted: for what works on the ledger later, without her browser.
    """
    subject = Subject(customer_id=customer_id)
    wanted = sorted(REFUSED_BY_SIGNAL)
    found = queries.all_standing(db, subject, wanted)
    refused = [one for one in wanted if holds(found[one])]
    for one in refused:
        withdraw(db, clock, ids, subject, one, how=How(Source.BROWSER_SIGNAL))
    return refused


def join(db: Session, clock: Clock, ids: Ids, *, session_id: str, customer_id: str) -> None:
    """Let a session's decisions count for the customer whose own its cart became.

    They stay the session's: none is copied, so taking it back changes none.
    """
    origin = queries.subject_id_of(db, Subject(session_id=session_id))
    if origin is not None:
        own = _subject(db, clock, ids, Subject(customer_id=customer_id))
        _join(db, origin, own)


def part(db: Session, *, session_id: str) -> None:
    """Let a session's decisions count for itself alone again."""
    origin = queries.subject_id_of(db, Subject(session_id=session_id))
    if origin is not None:
        _join(db, origin, None)


def erase(
    db: Session, clock: Clock, secret: bytes, customer_id: str, addresses: Sequence[str]
) -> int:
    """Forget whose decisions a customer's and those of sessions that joined her are.

    They stay, under ids that lead to nobody; return how many subjects were emptied. Who
    names one of ``addresses`` again finds them with :func:`evidence`.
    """
    own_id = queries.subject_id_of(db, Subject(customer_id=customer_id))
    if own_id is None:
        return 0
    now = clock.now()
    for address in addresses:
        trace = {
            "address_hash": _hash(secret, address),
            "subject_id": own_id,
            "erased_at": now,
        }
        insert_new(db, ConsentTraceRow, trace, keys=["address_hash", "subject_id"])
    return write(
        db,
        update(ConsentSubjectRow)
        .where((col(ConsentSubjectRow.id) == own_id) | (col(ConsentSubjectRow.joined_id) == own_id))
        .values(customer_id=None, session_id=None, erased_at=now),
    )


def evidence(db: Session, secret: bytes, address: str) -> Sequence[ConsentRow]:
    """Return what somebody decided who was erased and had proved this address, oldest first."""
    traced = select(ConsentTraceRow.subject_id).where(
        ConsentTraceRow.address_hash == _hash(secret, address)
    )
    subjects = select(ConsentSubjectRow.id).where(
        col(ConsentSubjectRow.id).in_(traced) | col(ConsentSubjectRow.joined_id).in_(traced)
    )
    return db.exec(
        select(ConsentRow)
        .where(col(ConsentRow.subject_id).in_(subjects))
        .order_by(col(ConsentRow.decided_at), col(ConsentRow.purpose), col(ConsentRow.number))
    ).all()


_KEYS: Final = ("subject_id", "purpose", "number")


def _subject(db: Session, clock: Clock, ids: Ids, subject: Subject) -> str:
    found = queries.subject_id_of(db, subject)
    if found is not None:
        return found
    key = "customer_id" if subject.customer_id else "session_id"
    fresh = {
        "id": ids.new("subject"),
        key: subject.customer_id or subject.session_id,
        "began_at": clock.now(),
    }
    insert_new(db, ConsentSubjectRow, fresh, keys=[key])
    found = queries.subject_id_of(db, subject)
    assert found is not None  # noqa: S101 - ours, or that which stood in its way
    return found


def _row(db: Session, purpose: Purpose, how: How) -> dict[str, object]:
    row: dict[str, object] = {
        "purpose": purpose.value,
        "source": how.source.value,
        "location_id": how.location_id,
        "wording_hash": None,
    }
    shown = how.shown
    if shown is None:
        return row
    if not 0 < len(shown.text) <= TEXT_LENGTH_MAX:
        msg = f"a wording has 1 to {TEXT_LENGTH_MAX} characters"
        raise InvalidInput(msg)
    row["wording_hash"] = shown.hash_for(purpose)
    wording = {
        "hash": row["wording_hash"],
        "purpose": purpose.value,
        "version": shown.version,
        "locale": shown.locale,
        "text": shown.text,
    }
    insert_new(db, ConsentWordingRow, wording, keys=["hash"])
    return row


def _refuse(
    db: Session, clock: Clock, subject_id: str, purpose: Purpose, row: dict[str, object]
) -> None:
    _alone(db, subject_id)
    own = queries.own_newest(db, subject_id, purpose)
    if own is not None and not own.granted:
        return
    number = own.number + 1 if own else 1
    _append(db, clock, {**row, "subject_id": subject_id, "number": number, "granted": False})


def _alone(db: Session, subject_id: str) -> None:
    """Wait for whoever decides for the same subject; SQLite has one writer at a time already."""
    only = col(ConsentSubjectRow.id) == subject_id
    db.exec(select(ConsentSubjectRow.id).where(only).with_for_update()).one()


def _append(db: Session, clock: Clock, row: dict[str, object]) -> None:
    if not insert_new(db, ConsentRow, {**row, "decided_at": clock.now()}, keys=_KEYS):
        msg = "this subject was decided for by somebody who did not wait"
        raise Unavailable(msg)


def _join(db: Session, subject_id: str, to: str | None) -> None:
    only = col(ConsentSubjectRow.id) == subject_id
    write(db, update(ConsentSubjectRow).where(only).values(joined_id=to))


def _hash(secret: bytes, address: str) -> str:
    return hmac.new(secret, f"consent\0{address}".encode(), hashlib.sha256).hexdigest()
