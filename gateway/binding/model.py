"""Rules of bindings and claims; no database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The claim link was on that person's screen only, and phones are slow to unlock: she may open it
# this long after the tablet was cleared.
CLAIM_GRACE = timedelta(minutes=30)

# A band that was held there longer ago is not there any more: the reader was offline meanwhile.
TAP_FRESH = timedelta(seconds=30)
# A reader's clock is set by receipts; what it is ahead by more than this nobody can explain.
TAP_AHEAD = timedelta(seconds=5)


class EndReason(StrEnum):
    """Why a binding ended, where the device did not say so itself."""

    SUPERSEDED = "superseded"  # the device began another visit
    LATE = "late"  # first heard of when the device had moved on
    IDLE = "idle"
    PHONE = "phone"  # released from the phone
    REVOKED = "revoked"
    ERASED = "erased"  # its shopper had all that is hers erased
    LEFT = "left"  # her wristband went away from the device
    UNMET = "unmet"  # the device did not greet her: another visit went on, or it was away


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


class TapAnswer(StrEnum):
    """What a wristband that was held to a device comes to."""

    STALE = "stale"  # it was longer ago than anybody stands there
    BEGUN = "begun"  # a visit begins for her
    TAKEN = "taken"  # the visit that goes on is hers now
    AGAIN = "again"  # it was hers before
    BUSY = "busy"  # the visit that goes on is somebody else's
    AMBIGUOUS = "ambiguous"  # several bands are near
    UNKNOWN = "unknown"  # nobody's band


@dataclass(frozen=True, slots=True)
class TapState:
    """What is known of the device: its live visit's session, None when there is none."""

    session_id: str | None = None
    claimed: bool = False


def is_stale(at: datetime, now: datetime) -> bool:
    """Say whether a band that was held there ``at`` is past, or from a clock that is ahead."""
    return not -TAP_AHEAD <= now - at <= TAP_FRESH


def judge_tap(
    state: TapState, sessions: Collection[str], strangers: int, *, pressed: bool
) -> TapAnswer:
    """Say what a fresh tap comes to.

    ``sessions``: those of all bands near that somebody has; ``strangers``: bands near that nobody
    has. ``pressed``: she pressed her band's button, so a stranger's band beside it does not
    matter; of two sessions even then nobody can say whose it was.
    """
    if state.session_id in sessions:
        return TapAnswer.AGAIN
    if not sessions:
        return TapAnswer.UNKNOWN
    if len(sessions) > 1 or (strangers and not pressed):
        return TapAnswer.AMBIGUOUS
    if state.session_id is None:
        return TapAnswer.BEGUN
    return TapAnswer.BUSY if state.claimed else TapAnswer.TAKEN
