"""The gate: whoever does something that needs consent asks here, in the transaction that does it.

Each question is one select; nothing is cached, so a withdrawal counts from its commit on. Ask
within the unit of work that acts, not in a snapshot taken earlier. docs/privacy.md says how.
"""

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


def _found(
    db: Session, subject: Subject | None, purpose: Purpose, *, signal: bool
) -> Decision | None:
    if subject is None or (signal and purpose in REFUSED_BY_SIGNAL):
        return None
    decision = queries.all_standing(db, subject, [purpose])[purpose]
    return decision if holds(decision) else None
