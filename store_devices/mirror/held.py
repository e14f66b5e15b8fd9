"""The turns of the present visit that are held in memory; wiped as a whole at its end.

Owns the bytes of finished turns. What is let go is overwritten first. Writes no file.
"""

from dataclasses import dataclass
from typing import Final

from store_devices.mirror.eyes import Turn
from store_devices.mirror.front import Front
from store_devices.mirror.picking import Doubles

TURNS_MAX: Final = 3
"""Two to compare and one to decide on: six megabytes."""


@dataclass(slots=True, eq=False)
class HeldTurn:
    """A finished turn. ``video``: WebM; ``sheet``: JPEG; ``views_deg``: of each of its frames."""

    id: str
    video: bytearray
    sheet: bytearray
    views_deg: Doubles
    duration_ms: int
    front: Front
    kept: bool = False

    def wipe(self) -> None:
        """Overwrite and forget the pictures. May be called twice."""
        for data in (self.video, self.sheet):
            data[:] = bytes(len(data))
            data.clear()
        self.front.wipe()


def held(turn: Turn, turn_id: str) -> HeldTurn:
    """Return a finished turn in buffers that can be overwritten."""
    return HeldTurn(
        id=turn_id,
        video=bytearray(turn.video),
        sheet=bytearray(turn.sheet),
        views_deg=turn.views_deg,
        duration_ms=max(1, round(1000 * float(turn.at_s[-1]))),
        front=turn.front,
    )


class HeldTurns:
    """The turns of one visit, the oldest first. Not for two threads at once."""

    def __init__(self) -> None:
        self._turns: list[HeldTurn] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._turns)

    def add(self, turn: HeldTurn) -> None:
        """Hold one more; the oldest goes where there are too many."""
        self._turns.append(turn)
        while len(self._turns) > TURNS_MAX:
            self._turns.pop(0).wipe()

    def get(self, turn_id: str) -> HeldTurn | None:
        """Return a turn; None: there is none, or no more."""
        return next((turn for turn in self._turns if turn.id == turn_id), None)

    def newest(self, count: int) -> list[HeldTurn]:
        """Return the last ``count`` of them, the older first."""
        return self._turns[-count:]

    def drop(self, turn_id: str) -> None:
        """Wipe one."""
        for turn in [turn for turn in self._turns if turn.id == turn_id]:
            turn.wipe()
            self._turns.remove(turn)

    def wipe(self) -> None:
        """Wipe all. May be called twice."""
        for turn in self._turns:
            turn.wipe()
        self._turns.clear()
