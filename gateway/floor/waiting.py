"""How long somebody waits at a place that serves. Arithmetic only: no database, no clock.

It is told by people who stand there with a wristband and by turns of the virtual queue. Who
has neither is not seen, so a time is a guess, and said as one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Final

from gateway.floor.model import GROUP_MIN

# Fewer measured stays than this are an anecdote: then what the operator believes holds.
MEASURED_MIN: Final = 5
# Who goes through on the way to somewhere else is not served; nor does anybody try on for hours.
STAY_MIN_S: Final = 60
STAY_MAX_S: Final = 7_200
# Times are told in steps: of a guess in coarse ones, of what was measured finer while it is short.
COARSE_STEP_MINUTES: Final = 5
FINE_STEP_MINUTES: Final = 2
FINE_UP_TO_MINUTES: Final = 10
# Beyond it nobody should be told a number: the queue will be another one by then.
TOLD_MAX_MINUTES: Final = 60
# Another place is worth a walk if it saves her this much.
WORTH_A_WALK_MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class Service:
    """How long one person takes. ``measured``: by stays of late, not by belief."""

    seconds: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """A waiting time as it may be told. ``minutes`` 0: none; TOLD_MAX_MINUTES: that or longer."""

    minutes: int
    measured: bool


def service(stays_s: Iterable[int], believed_minutes: int) -> Service:
    """Return the median of stays, or what is believed while they are too few.

    A median, because one who chats for an hour must not make everybody's time longer.
    """
    usual = [one for one in stays_s if STAY_MIN_S <= one <= STAY_MAX_S]
    if len(usual) < MEASURED_MIN:
        return Service(believed_minutes * 60.0, measured=False)
    return Service(float(median(usual)), measured=True)


def believed(people: int) -> int:
    """Return the number of people to reckon with, if this many are there.

    A few count as the most that a few can be: the time must not tell what the number does not.
    """
    return GROUP_MIN - 1 if 0 < people < GROUP_MIN else people


def wait_s(ahead: int, places: int, service_s: float) -> float:
    """Return the seconds until one of ``places`` is free for who has ``ahead`` people before her.

    While all places are taken one of them becomes free every ``service_s / places`` on average
    (Little's law, of a place that is never idle); she needs as many of those as there are people
    without a place before her, and one more.

    Raises:
        ValueError: no place, or less than nobody.
    """
    if places < 1 or ahead < 0:
        msg = f"{ahead} people before {places} places"
        raise ValueError(msg)
    return max(0, ahead - places + 1) * service_s / places


def told(seconds: float, *, measured: bool) -> Wait:
    """Return a waiting time rounded up to a step that it deserves."""
    minutes = ceil(seconds / 60)
    fine = measured and minutes <= FINE_UP_TO_MINUTES
    step = FINE_STEP_MINUTES if fine else COARSE_STEP_MINUTES
    return Wait(min(TOLD_MAX_MINUTES, ceil(minutes / step) * step), measured)


def better(here: Wait, others: Sequence[tuple[str, Wait]]) -> str | None:
    """Return the zone of the shortest wait if it is worth a walk, of equals the first."""
    zone, least = min(others, key=lambda one: one[1].minutes, default=("", here))
    return zone if here.minutes - least.minutes >= WORTH_A_WALK_MINUTES else None
