"""Rules of consent: purposes, who may decide on them, and which decision holds. Pure; no database.

Nobody has granted anything by default. A refusal is never weaker than a grant: of what was
decided at the same moment, and of what came along at a sign-in, the refusal holds.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

TEXT_LENGTH_MAX: Final = 2_000  # characters of a wording: a few sentences that people read


class Purpose(StrEnum):
    """What data may be used for; each is decided on by itself."""

    MARKETING_EMAIL = "marketing_email"
    REMINDERS = "reminders"
    LOCATION_IN_SHOP = "location_in_shop"
    MIRROR_VIDEO = "mirror_video"
    ANALYTICS = "analytics"
    AD_AUDIENCES = "ad_audiences"


class Source(StrEnum):
    """Where a decision was made."""

    PAGE = "page"
    MAIL_LINK = "mail_link"
    STAFF_DESK = "staff_desk"
    TABLET = "tablet"
    IMPORT = "import"
    BROWSER_SIGNAL = "browser_signal"


# Mail goes to an address, and only a customer has proved one: a stranger's is nobody's to grant.
FOR_CUSTOMERS: Final = frozenset({Purpose.MARKETING_EMAIL, Purpose.REMINDERS})
# What Global Privacy Control is about: data that is passed on, and profiles across visits.
REFUSED_BY_SIGNAL: Final = frozenset({Purpose.ANALYTICS, Purpose.AD_AUDIENCES})


@dataclass(frozen=True, slots=True)
class Versions:
    """Of a purpose's wording. ``current``: shown now. ``good_since``: the first of the same extent.

    A wording that allows more than the one before is a new ``good_since``: who granted less
    has not granted it, and is asked again.
    """

    current: int = 1
    good_since: int = 1


VERSIONS: Final[Mapping[Purpose, Versions]] = {
    **{one: Versions() for one in Purpose},
    # Since a CDP may keep what is put together, and interests are made of it.
    Purpose.ANALYTICS: Versions(current=2, good_since=2),
    # Says when the mirror films, which it always did; it allows no more than before.
    Purpose.MIRROR_VIDEO: Versions(current=2, good_since=1),
    # Since they may be about orders, too.
    Purpose.REMINDERS: Versions(current=2, good_since=2),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who decides: a customer, or an anonymous shopper session."""

    customer_id: str = ""
    session_id: str = ""

    def may_grant(self, purpose: Purpose) -> bool:
        """Say whether this is somebody who can allow it at all."""
        return bool(self.customer_id) or purpose not in FOR_CUSTOMERS


@dataclass(frozen=True, slots=True)
class Shown:
    """The wording that somebody decided on, as she read it."""

    version: int
    locale: str
    text: str

    def hash_for(self, purpose: Purpose) -> str:
        """Return the hex SHA-256 under which this very text is kept."""
        whole = "\0".join((purpose.value, str(self.version), self.locale, self.text))
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class How:
    """How a decision was made. ``signal``: by a request that says ``Sec-GPC: 1``.

    ``shown``: None where nothing was, which does for a refusal only. ``location_id``: of the
    desk or tablet.
    """

    source: Source
    shown: Shown | None = None
    location_id: str = ""
    signal: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the ledger. ``version``: of the wording, 0 if none was shown.

    ``number``: the subject's first, second, … decision on this purpose. ``brought``: made by
    the anonymous session that joined her at a sign-in.
    """

    purpose: Purpose
    number: int
    granted: bool
    source: Source
    version: int
    at: datetime
    brought: bool = False


def standing(own: Decision | None, brought: Sequence[Decision]) -> Decision | None:
    """Return the decision that holds, None if there is none.

    ``brought``: the newest of each session that joined her. A grant among them counts where
    she has decided nothing herself and no other of them refused; a refusal counts until she
    decides anew.
    """
    since = [one for one in brought if own is None or one.at >= own.at]
    refusals = [one for one in since if not one.granted]
    if refusals:
        return max(refusals, key=lambda one: one.at) if own is None or own.granted else own
    return own or max(since, key=lambda one: one.at, default=None)


def holds(decision: Decision | None) -> bool:
    """Say whether this decision allows its purpose today."""
    return (
        decision is not None
        and decision.granted
        and decision.version >= VERSIONS[decision.purpose].good_since
    )
