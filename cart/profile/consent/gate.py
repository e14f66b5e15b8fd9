"""The gate: whoever does something that needs consent asks here, in the transaction that does it.

Each question is one select; nothing is cached, so a withdrawal counts from its commit on. Ask
within the unit of work that acts, not in a snapshot taken earlier. docs/privacy.md says how.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from sqlmodel import Session

from cart.kernel.errors import ConsentMissing
from cart.profile.consent import queries
from cart.profile.consent.model import REFUSED_BY_SIGNAL, Decision, Purpose, Subject, holds


def granted(db: Session, subject: Subject | None, purpose: Purpose, *, signal: bool) -> bool:
    """Say whether this may be done for ``subject`` now; None, nobody yet, has granted nothing.

    ``signal``: the request at hand says ``Sec-GPC: 1``; False where there is no request.
    """
    return _found(db, subject, purpose, signal=signal) is not None


def need(db: Session, subject: Subject | None, purpose: Purpose, *, signal: bool) -> Decision:
    """Return the grant that this is done under.

    Raises:
        ConsentMissing: there is none, it was withdrawn, or the browser refuses.
    """
    found = _found(db, subject, purpose, signal=signal)
    if found is None:
        msg = f"nobody has allowed {purpose.value} here"
        raise ConsentMissing(msg, purpose=purpose.value)
    return found


def refused(db: Session, subjects: Sequence[Subject], purpose: Purpose) -> AbstractSet[Subject]:
    """Return those of ``subjects`` who have refused this, in so many words.

    For what somebody asks for by an act of her own, and which has to stop where she has said no:
    who has decided nothing has not refused. One statement; a few hundred subjects at most.
    """
    found = queries.standing_of(db, subjects, purpose)
    return {one for one, decision in found.items() if not decision.granted}


def need_unrefused(db: Session, subject: Subject, purpose: Purpose) -> None:
    """Let pass who has not refused this.

    Raises:
        ConsentMissing: she has.
    """
    if subject in refused(db, [subject], purpose):
        msg = f"{purpose.value} was refused"
        raise ConsentMissing(msg, purpose=purpose.value)


def _found(
    db: Session, subject: Subject | None, purpose: Purpose, *, signal: bool
) -> Decision | None:
    if subject is None or (signal and purpose in REFUSED_BY_SIGNAL):
        return None
    decision = queries.all_standing(db, subject, [purpose])[purpose]
    return decision if holds(decision) else None
