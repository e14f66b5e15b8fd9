"""What to send next and when to send it again: bookkeeping between spool and uplink.

Owns the window, the resend time and the learning of the clock. It never sends,
and it is used by one thread, the uplink's worker.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

from cart.kernel.clock import Clock, to_us
from gateway.wire.downlink import Receipt
from gateway.wire.topics import Channel
from store_devices.spool import Kept, Spool

WINDOW_MAX: Final = 100
"""Events under way without a receipt: ten seconds of a whole till line, 60 kB at the broker."""
TELEMETRY_WINDOW_MAX: Final = 5
"""Of health reports: one a minute is said, so this is a window for catching up, and small enough
that a thousand devices have no more under way than a gateway holds in seconds."""
RESEND_AFTER_S: Final = 5.0
"""The gateway commits within 50 ms; five seconds of silence is a lost message or a dead gateway."""
RESEND_AFTER_MAX_S: Final = 60.0  # a gateway that is down for an hour is not flooded when it is up
ROUND_TRIP_MAX_S: Final = 2.0  # the clock is not learnt from a slower receipt: too inexact
CLOCK_STEP_US: Final = 20_000  # a nearer miss than 20 ms is network noise, not worth a write
TIMED_MAX: Final = 256  # first sendings whose round trip is being timed


class Delivery:
    """Decides from the spool, the receipts and the time; see :meth:`due` and :meth:`wait_s`."""

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        *,
        window_max: int = WINDOW_MAX,
        resend_after_s: float = RESEND_AFTER_S,
        teach: Sequence[Spool] = (),
    ) -> None:
        """Deliver from ``spool``; what its receipts teach of the time, ``teach`` learns as well."""
        self._spool = spool
        self._clock = clock
        self._learners = (spool, *teach)
        self._window_max = window_max
        self._resend_after_s = resend_after_s
        self._patience_s = resend_after_s
        self._sent_through = 0
        # Only what was never sent before can time a round trip: a receipt that the broker
        # kept for us while we were away covers older events, with a time long past.
        self._sent_ever = spool.sequence
        self._timed: deque[tuple[int, float]] = deque(maxlen=TIMED_MAX)
        self._progress_at_s = clock.monotonic()
        self._went_back: tuple[int, float] = (0, float("-inf"))  # to which number, and when

    def connected(self) -> None:
        """Begin again with the oldest kept event: what the last connection had is unknown."""
        self._sent_through = 0
        self._patience_s = self._resend_after_s
        self._progress_at_s = self._clock.monotonic()
        self._timed.clear()

    def due(self) -> list[Kept]:
        """Return what may be sent now, in order; call :meth:`sent` for each that was."""
        if self._overdue():
            self._sent_through = 0
            self._patience_s = min(self._patience_s * 2, RESEND_AFTER_MAX_S)
            self._progress_at_s = self._clock.monotonic()
        under_way = self._spool.count_through(self._sent_through)
        room = self._window_max - under_way
        return self._spool.pending(self._sent_through, room) if room > 0 else []

    def sent(self, event: Kept) -> None:
        """Note that ``event`` has gone to the broker."""
        now_s = self._clock.monotonic()
        if not self._spool.count_through(self._sent_through):
            self._progress_at_s = now_s  # nothing was under way: the wait starts here
        self._sent_through = event.sequence
        if event.sequence > self._sent_ever:
            self._sent_ever = event.sequence
            self._timed.append((event.sequence, now_s))

    def receipt(self, receipt: Receipt) -> int:
        """Let the spool forget what is stored; return how many events that were.

        A receipt for a number that was never sent from here is about other events: this
        spool was put back from a copy. It begins anew, and all of it is sent again.

        Raises:
            Unavailable: the spool's disk refuses.
        """
        if receipt.spool != self._spool.id:
            return 0
        if receipt.stored_through > self._sent_ever:
            self._spool.begin_anew()
            self.connected()
            self._sent_ever = self._spool.sequence
            return 0
        gone = self._spool.receipt(receipt.spool, receipt.stored_through)
        if gone:
            self._progress_at_s = self._clock.monotonic()
            self._patience_s = self._resend_after_s
        if receipt.resend_from is not None:
            self._go_back(receipt.resend_from)
        self._learn(receipt)
        return gone

    def _go_back(self, sequence: int) -> None:
        """Send again from ``sequence``: the gateway has later ones and misses this one.

        What was under way behind it makes the gateway say so again until this one
        has come; those are echoes of the first.
        """
        now_s = self._clock.monotonic()
        echo = self._went_back[0] == sequence
        if sequence > self._sent_through or (
            echo and now_s - self._went_back[1] < self._resend_after_s
        ):
            return
        self._went_back = (sequence, now_s)
        self._sent_through = sequence - 1

    def wait_s(self) -> float | None:
        """Return the seconds until something is due again, None when nothing is under way."""
        if not self._spool.count_through(self._sent_through):
            return None
        return max(0.0, self._progress_at_s + self._patience_s - self._clock.monotonic())

    def _overdue(self) -> bool:
        return self.wait_s() == 0.0

    def _learn(self, receipt: Receipt) -> None:
        newest: float | None = None
        while self._timed and self._timed[0][0] <= receipt.stored_through:
            newest = self._timed.popleft()[1]
        if newest is None:
            return
        round_trip_s = self._clock.monotonic() - newest
        if round_trip_s <= ROUND_TRIP_MAX_S:
            # Cristian's algorithm: the server's stamp is half a round trip old.
            server_us = to_us(receipt.at) + int(round_trip_s * 500_000)
            offset_us = server_us - to_us(self._clock.now())
            for spool in self._learners:
                if abs(offset_us - spool.offset_us) > CLOCK_STEP_US:
                    spool.learn(offset_us)


def deliveries(
    spool: Spool,
    telemetry: Spool | None,
    clock: Clock,
    *,
    window_max: int,
    resend_after_s: float,
) -> dict[Channel, Delivery]:
    """Return a device's deliveries in the order in which they have the line: people go first.

    Each teaches the other's spool the time: an idle tablet gets receipts for telemetry only.
    """
    made = partial(Delivery, clock=clock, resend_after_s=resend_after_s)
    if telemetry is None:
        return {Channel.EVENTS: made(spool, window_max=window_max)}
    return {
        Channel.EVENTS: made(spool, window_max=window_max, teach=(telemetry,)),
        Channel.TELEMETRY: made(telemetry, window_max=TELEMETRY_WINDOW_MAX, teach=(spool,)),
    }
