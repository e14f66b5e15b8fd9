"""Which of the others are alive, judged by whether their beat moves. Pure.

No clock of a database or a wall is asked. Each member counts its own beat up; whoever
watches measures with its own monotonic clock how long a beat has stood still, and only
over a time in which it looked without a break: a judge that slept, or whose database was
away, begins to measure anew. (Kubernetes' leader election measures likewise.)
"""

from collections.abc import Mapping
from typing import Final

BEAT_S: Final = 0.5
"""Pause between two beats, and between two looks: a dozen small statements a second in all."""
LEASE_S: Final = 3.0
"""A beat that stood still for this long is a dead member's: six beats, so that a pause of a
loaded machine or a slow commit is no death, and short against the pause of a shopper."""
BREAK_S: Final = 1.5
"""Two looks further apart than this: the judge was away, and what it measured counts no more."""


class Watch:
    """One member's view of the beats of all. For one thread."""

    def __init__(self, *, lease_s: float = LEASE_S, break_s: float = BREAK_S) -> None:
        self._lease_s = lease_s
        self._break_s = break_s
        self._since: dict[str, tuple[int, float]] = {}  # beat, and when it was first seen
        self._looked_s = float("-inf")

    def look(self, asked_s: float, answered_s: float, beats: Mapping[str, int]) -> set[str]:
        """Return who lives, out of the beats that were read between these two moments.

        A beat was there at the latest when it was ``answered_s``, and had not moved at
        the earliest when it was ``asked_s``: a slow database makes nobody die sooner.
        """
        unbroken = answered_s - self._looked_s <= self._break_s
        self._looked_s = answered_s
        known = self._since if unbroken else {}
        self._since = {
            member: seen if (seen := known.get(member)) and seen[0] == beat else (beat, answered_s)
            for member, beat in beats.items()
        }
        return {
            member
            for member, (_, since_s) in self._since.items()
            if asked_s - since_s < self._lease_s
        }
