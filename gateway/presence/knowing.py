"""The bands that somebody has, by what they say: asked by whoever follows them, and by taps."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlmodel import Session

from cart.kernel.clock import Clock
from gateway.presence.model import Shown, Worn
from gateway.presence.pressing import Pressing
from gateway.presence.resolving import DRIFT_MAX, Resolver, Sighting

# Frames of strangers are held to tablets, too: they must not make us read all bands each time.
LEARNT_EVERY_S: Final = 0.5


class Knowing:
    """Knows each band for one loan. Every method from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # of all below
        self._resolver = Resolver()
        self._pressing = Pressing()
        self._loans: dict[int, str] = {}  # by number the loan for which the resolver has it
        self._learnt_s = float("-inf")

    def __len__(self) -> int:
        return len(self._loans)

    @property
    def forged(self) -> int:
        """Frames with an identifier of ours and a state that is not."""
        return self._resolver.forged

    def know(self, worn: Iterable[Worn], now_s: float) -> None:
        """Take in bands that are not known."""
        now = self._clock.now()
        with self._lock:
            for one in worn:
                if one.number in self._loans:
                    continue
                passed_s = (now - one.at).total_seconds()
                self._resolver.add(
                    one.number,
                    one.key,
                    now_s,
                    clock_s=one.clock_s + passed_s,
                    off_s=one.off_s + abs(passed_s) * DRIFT_MAX,
                )
                self._loans[one.number] = one.loan_id

    def forget_all_but(self, worn: Mapping[int, Worn]) -> list[int]:
        """Let bands be nobody's that nobody has, or somebody else; return their numbers."""
        with self._lock:
            over = [
                number
                for number, loan_id in self._loans.items()
                if number not in worn or worn[number].loan_id != loan_id
            ]
            for number in over:
                self._resolver.remove(number)
                self._pressing.forget(number)
                del self._loans[number]
        return over

    def learn(self, read: Callable[[Session], Sequence[Worn]], db: Session) -> bool:
        """Know bands that were handed out since the last look; say whether it looked.

        A band is held to a tablet seconds after the desk gave it out, before its notice or the
        next look.
        """
        now_s = self._clock.monotonic()
        if now_s - self._learnt_s < LEARNT_EVERY_S:
            return False
        self._learnt_s = now_s
        self.know(read(db), now_s)
        return True

    def advance(self, now_s: float) -> None:
        """Make the identifiers that may be heard soon."""
        with self._lock:
            self._resolver.advance(now_s)

    def heard(self, frames: Iterable[bytes], now_s: float) -> list[Sighting | None]:
        """Return whose each frame is that a receiver heard, in order."""
        with self._lock:
            found = [self._resolver.resolve(frame, now_s) for frame in frames]
            for one in found:
                if one is not None and one.fresh:
                    self._pressing.hear(one.band, one.state.presses, now_s)
        return found

    def shown(self, frame: bytes) -> Shown | None:
        """Return whose the frame is that was shown to a reader, None if it is nobody's."""
        now_s = self._clock.monotonic()
        with self._lock:
            found = self._resolver.resolve(frame, now_s)
            if found is None:
                return None
            pressed = self._pressing.show(found.band, frame, found.state.presses, now_s)
        return Shown(found.band, pressed=pressed)

    def clock_of(self, number: int, now_s: float) -> tuple[float, float]:
        """Return between which seconds a band's clock stands now.

        Raises:
            KeyError: there is no such band.
        """
        with self._lock:
            return self._resolver.clock_of(number, now_s)
