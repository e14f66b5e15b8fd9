"""Rules of wristbands: states, why a loan ends, what may be engraved in one. No database."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cart.kernel.errors import InvalidInput
from cart.kernel.i18n import LOCALES
from gateway.presence.resolving import DRIFT_MAX
from gateway.wire.band import BandKey

GREETING_LENGTH_MAX: Final = 40  # characters; a tablet has one line for it
FIRMWARE_LENGTH_MAX: Final = 32
# Below this a band sends more rarely and more weakly, and will not last the day.
BATTERY_LOW_PERCENT: Final = 15
# Whoever makes a band sets its clock from one of their own, which may be off by this.
MADE_OFF_S: Final = 60.0
DESK_CODE_LIFETIME: Final = timedelta(minutes=5)  # she stands at the desk with her phone in hand
DESK_CODE_DIGITS: Final = 6  # typed by somebody else, from a phone that is held out


class State(StrEnum):
    """Where a band is."""

    DRAWER = "drawer"
    OUT = "out"
    DOUBTED = "doubted"  # two answer to its number: nobody's, until the desk has looked at it
    LOST = "lost"
    RETIRED = "retired"


class EndReason(StrEnum):
    """Why a loan ended."""

    HANDED_BACK = "handed_back"
    LOST = "lost"
    REPLACED = "replaced"  # she signed in, and her account had a band already
    ERASED = "erased"  # she had all that is hers erased, or nobody came back for so long


@dataclass(frozen=True, slots=True)
class OutBand:
    """A band that somebody has. Its clock stood at ``clock_s``, give or take ``off_s``, ``at``."""

    number: int
    key: BandKey
    clock_s: float
    off_s: float
    at: datetime
    location_id: str

    def clock_at(self, now: datetime) -> tuple[float, float]:
        """Return at how many seconds its clock stands now, and how far off that may be.

        What :meth:`gateway.presence.resolving.Resolver.add` wants: it has drifted since.
        """
        since_s = (now - self.at).total_seconds()
        return self.clock_s + since_s, self.off_s + abs(since_s) * DRIFT_MAX


@dataclass(frozen=True, slots=True)
class Moved:
    """A band that was to follow its shopper. ``loan_id``: "" if it could not, and is nobody's."""

    number: int
    loan_id: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was learned of a band: between what its clock stood ``at`` a moment, and its state.

    ``presses``: of its button, as it counts them. None: not known, what was known stays.
    """

    number: int
    at: datetime
    clock_low_s: float
    clock_high_s: float
    battery_percent: int | None = None
    presses: int | None = None


@dataclass(frozen=True, slots=True)
class ListedBand:
    """A band as the welcome desk sees it; times are aware UTC, None when there is none."""

    number: int
    state: State
    location_id: str
    battery_percent: int | None
    firmware: str
    made_at: datetime
    heard_at: datetime | None
    handed_out_at: datetime | None
    greeting: str
    follow: bool


def checked_greeting(typed: str) -> str:
    """Return what a shopper wants to be called, composed and trimmed; "" for nothing.

    Raises:
        InvalidInput: too long, or characters that nobody can print.
    """
    greeting = unicodedata.normalize("NFC", typed.strip())
    if len(greeting) > GREETING_LENGTH_MAX or not greeting.isprintable():
        msg = f"a greeting has up to {GREETING_LENGTH_MAX} printable characters"
        raise InvalidInput(msg, field="greeting")
    return greeting


def checked_locale(locale: str) -> str:
    """Return a language that we speak.

    Raises:
        InvalidInput: it is another.
    """
    if locale not in LOCALES:
        msg = f"there is no language {locale!r}; there are {', '.join(LOCALES)}"
        raise InvalidInput(msg, field="locale")
    return locale
