"""What the mirror is doing, as values: idle, counting down, recording, judging, asking.

Pure: every change gets the time (monotonic seconds) and returns the next state. Nothing is
recorded before the shopper starts it; what she does not keep in time is discarded. Must not
know cameras or bytes: whoever runs the mirror looks at ``records`` and ``holds``.
"""

from dataclasses import dataclass
from typing import Final, Literal

from cart.kernel.errors import Conflict
from store_devices.mirror.verdict import Reason

Phase = Literal["idle", "countdown", "recording", "judging", "refused", "deciding", "kept"]

COUNTDOWN_S: Final = 3.0
"""Three, two, one: time to let the arms down."""

RECORD_S: Final = 8.0
"""A calm turn takes six seconds, and nobody begins at once."""

JUDGE_S_MAX: Final = 20.0
"""A machine that needs longer than that is broken: the turn is discarded."""

DECIDE_S: Final = 45.0
"""She has gone away without deciding: nobody else may see her turn."""

SHOWN_S: Final = 6.0
"""How long the reason of a refusal, or that it is kept, stays on the glass."""


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The phase, since when, and why a turn was refused."""

    phase: Phase = "idle"
    since_s: float = 0.0
    reason: Reason | None = None

    @property
    def records(self) -> bool:
        """Whether frames are to be kept just now."""
        return self.phase == "recording"

    @property
    def holds(self) -> bool:
        """Whether there may be a shopper's pictures in memory."""
        return self.phase in ("recording", "judging", "deciding")


def started(state: MirrorState, now_s: float) -> MirrorState:
    """She touched the glass to begin.

    Raises:
        Conflict: a turn is under way, or waits for her decision.
    """
    if state.phase not in ("idle", "refused", "kept"):
        msg = f"a turn is under way: {state.phase}"
        raise Conflict(msg)
    return MirrorState("countdown", now_s)


def ticked(state: MirrorState, now_s: float) -> MirrorState:
    """Time has passed."""
    limits: dict[Phase, tuple[float, Phase]] = {
        "countdown": (COUNTDOWN_S, "recording"),
        "recording": (RECORD_S, "judging"),
        "judging": (JUDGE_S_MAX, "idle"),
        "deciding": (DECIDE_S, "idle"),
        "refused": (SHOWN_S, "idle"),
        "kept": (SHOWN_S, "idle"),
    }
    limit = limits.get(state.phase)
    if limit is None or now_s - state.since_s < limit[0]:
        return state
    return MirrorState(limit[1], now_s)


def broken_off(state: MirrorState, now_s: float) -> MirrorState:
    """The camera stopped: a recording goes to its judgement, a countdown is over."""
    if state.phase == "recording":
        return MirrorState("judging", now_s)
    if state.phase == "countdown":
        return MirrorState("refused", now_s, "camera_stopped")
    return state


def judged(state: MirrorState, now_s: float, reason: Reason | None) -> MirrorState:
    """The recording was judged: refused for ``reason``, or a turn.

    Raises:
        Conflict: no recording waits for a judgement (it took too long, or she broke it off).
    """
    _only(state, "judging")
    if reason is not None:
        return MirrorState("refused", now_s, reason)
    return MirrorState("deciding", now_s)


def kept(state: MirrorState, now_s: float) -> MirrorState:
    """She keeps the turn.

    Raises:
        Conflict: there is none to keep.
    """
    _only(state, "deciding")
    return MirrorState("kept", now_s)


def discarded(state: MirrorState, now_s: float) -> MirrorState:
    """She wants it gone, or breaks off; from any phase."""
    return state if state.phase == "idle" else MirrorState("idle", now_s)


def _only(state: MirrorState, phase: Phase) -> None:
    if state.phase != phase:
        msg = f"the mirror is {state.phase}, not {phase}"
        raise Conflict(msg)
