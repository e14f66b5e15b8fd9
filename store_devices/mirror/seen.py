"""What the glass says of a turn, as values; the page draws them. Pure."""

from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

from store_devices.mirror.beside import Side
from store_devices.mirror.hands import Hand
from store_devices.mirror.model import COUNTDOWN_S, DECIDE_S, RECORD_S, MirrorState, Phase
from store_devices.mirror.verdict import Reason

Mode = Literal["", "back", "beside"]
"""What is shown beside the turn itself: her back, late; two turns in step."""

_LASTS_S: Final[dict[Phase, float]] = {
    "countdown": COUNTDOWN_S,
    "recording": RECORD_S,
    "deciding": DECIDE_S,
}


@dataclass(frozen=True, slots=True)
class Showing:
    """Of one moment. ``left_s``: whole seconds of this phase; ``turns``: how many are held.

    ``side``: from which two turns are shown beside each other, None while both turn; ``joined``:
    what is to be shown of them is made. ``hands``: raised hands press, and ``hand`` is held up now.
    ``ready``: the empty room is known.
    """

    phase: Phase
    mode: Mode
    left_s: int | None
    reason: Reason | None
    turn_id: str
    turns: int
    side: Side | None
    joined: bool
    hands: bool
    hand: Hand
    ready: bool


def left_s(state: MirrorState, now_s: float) -> int | None:
    """Return the whole seconds that a phase still lasts; None: it is not counted."""
    lasts_s = _LASTS_S.get(state.phase)
    return None if lasts_s is None else max(0, ceil(state.since_s + lasts_s - now_s))
