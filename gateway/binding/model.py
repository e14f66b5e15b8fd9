"""Rules of bindings and claims; no database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The claim link was on that person's screen only, and phones are slow to unlock: she may open it
# this long after the tablet was cleared.
CLAIM_GRACE = timedelta(minutes=30)


class EndReason(StrEnum):
    """Why a binding ended, where the device did not say so itself."""

    SUPERSEDED = "superseded"  # the device began another visit
    LATE = "late"  # first heard of when the device had moved on
    IDLE = "idle"
    PHONE = "phone"  # released from the phone
    REVOKED = "revoked"
    ERASED = "erased"  # its shopper had all that is hers erased


class ClaimAnswer(StrEnum):
    """What opening a claim link comes to."""

    TAKE = "take"
    AGAIN = "again"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ClaimState:
    """What is known of the binding that a claim link names."""

    session_id: str
    claimed: bool
    ended_at: datetime | None


def judge_claim(state: ClaimState, phone_session_id: str | None, now: datetime) -> ClaimAnswer:
    """Say what happens when a phone opens the link.

    The first phone takes it; that same phone may open it again; nobody else may.
    """
    if state.claimed:
        same = phone_session_id is not None and phone_session_id == state.session_id
        return ClaimAnswer.AGAIN if same else ClaimAnswer.USED
    if state.ended_at is not None and now - state.ended_at > CLAIM_GRACE:
        return ClaimAnswer.EXPIRED
    return ClaimAnswer.TAKE
