"""Two lanes into one loop: what people do goes before what devices say of themselves.

Each lane has an MQTT session and an inbox of its own. Under overload the queues form at the
broker, one for each session: a scan never stands behind telemetry, neither there nor here.
"""

import threading
from collections.abc import Sequence
from typing import Final

from gateway.ingest.inbox import Inbox
from gateway.mqtt import Incoming
from gateway.wire.topics import Channel, is_telemetry

TELEMETRY_HELD_MAX: Final = 2_000
"""Messages between network and database. What Mosquitto has in flight at most, by our
configuration: also over MQTT 3.1.1, which has no receive maximum, the network thread never waits
for room, and can answer the broker's pings while the database hangs."""
TELEMETRY_BATCH_MAX: Final = 200
"""Of one batch. A scan that comes while it is being committed waits for it: 20 ms, not 100."""
FULL_BATCHES_MAX: Final = 9
"""Batches full of scans in a row; then telemetry has its turn. A tenth of the batches, a fiftieth
of the work: a device that reports once a minute is heard within minutes in any rush."""


class Lanes:
    """To the loop, an inbox. ``events``: scans, statuses and acks; ``telemetry``: the rest."""

    def __init__(self, events_held_max: int) -> None:
        self._arrived = threading.Event()
        self.events = Inbox(events_held_max, self._arrived)
        self.telemetry = Inbox(TELEMETRY_HELD_MAX, self._arrived)
        self._full_batches = 0

    def __len__(self) -> int:
        """How many messages wait in both."""
        return len(self.events) + len(self.telemetry)

    def take(self, most: int, wait_s: float) -> list[Incoming]:
        """Return up to ``most`` messages, waiting ``wait_s`` for the first; maybe none.

        Telemetry gets the room that events leave. When they leave none for long, it gets
        a part of a batch all the same.
        """
        if not len(self):
            self._arrived.clear()
            # Between the look and the clear one may have come.
            if not len(self):
                self._arrived.wait(wait_s)
        kept_free = 0
        if self._full_batches >= FULL_BATCHES_MAX:
            kept_free = min(TELEMETRY_BATCH_MAX, len(self.telemetry), most // 2)
        taken = self.events.take_now(most - kept_free)
        room = most - len(taken)
        self._full_batches = 0 if room else self._full_batches + 1
        return taken + self.telemetry.take_now(min(room, TELEMETRY_BATCH_MAX))

    def held(self, in_hand: Sequence[Incoming]) -> dict[str, int]:
        """Return by lane how many messages wait, those of the batch ``in_hand`` included."""
        telemetry = sum(is_telemetry(one.topic) for one in in_hand)
        return {
            Channel.EVENTS.value: len(self.events) + len(in_hand) - telemetry,
            Channel.TELEMETRY.value: len(self.telemetry) + telemetry,
        }

    @property
    def limits(self) -> dict[str, int]:
        """How many may, by lane."""
        return {
            Channel.EVENTS.value: self.events.limit,
            Channel.TELEMETRY.value: self.telemetry.limit,
        }

    def close(self) -> None:
        """Let waiting producers go; what they bring comes again from the broker."""
        self.events.close()
        self.telemetry.close()
