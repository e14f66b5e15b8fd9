"""What the broker keeps per client: its queue, what is in flight, and its limits. No sockets."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from gateway.broker.fair import FairQueue
from gateway.broker.packets import Publish

PACKET_ID_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client may have waiting and on the way."""

    queue_messages_max: int
    queue_bytes_max: int
    in_flight_max: int


# The gateway acknowledges after its commit, so its window is also the largest batch it can
# take. The queue is a second of a busy chain; then devices wait, and their spools hold the rest.
SERVER_LIMITS = Limits(10_000, 32 * 2**20, 1_000)
# A tablet that was off for a day needs its latest receipts and commands, and the cart as it is.
DEVICE_LIMITS = Limits(500, 2 * 2**20, 32)
# Of one device in a server process's queue: ten times what a tablet has without a receipt. Who
# brings more waits for its own turn to come, and nobody else does.
SHARE_MESSAGES_MAX = 1_000


@dataclass(slots=True, eq=False)
class MqttSession:
    """One client's state; with ``clean`` it ends with its connection."""

    key: tuple[str, str]
    limits: Limits
    clean: bool
    filters: dict[str, int] = field(default_factory=dict)
    waiting: FairQueue = field(default_factory=FairQueue)
    waiting_bytes: int = 0
    in_flight: OrderedDict[int, Publish] = field(default_factory=OrderedDict)
    received: set[int] = field(default_factory=set)  # ids of QoS 2 messages not yet released
    dropped: int = 0
    offline_since: float | None = None
    _last_id: int = 0

    @property
    def full(self) -> bool:
        """Whether one message more would push the oldest out."""
        return (
            len(self.waiting) >= self.limits.queue_messages_max
            or self.waiting_bytes >= self.limits.queue_bytes_max
        )

    @property
    def roomy(self) -> bool:
        """Whether less than half of the queue is used: who waited for room may go on."""
        return (
            len(self.waiting) * 2 <= self.limits.queue_messages_max
            and self.waiting_bytes * 2 <= self.limits.queue_bytes_max
        )

    def must_wait(self, sender: str) -> bool:
        """Say whether the queue, or this sender's part of it, is full."""
        return self.full or self.waiting.of(sender) >= SHARE_MESSAGES_MAX

    def may_go_on(self, sender: str) -> bool:
        """Say whether there is room again for a sender who waited."""
        return self.roomy and self.waiting.of(sender) * 2 <= SHARE_MESSAGES_MAX

    def add(self, message: Publish, sender: str = "", *, unbounded: bool = False) -> None:
        """Queue a message; when there is no room its sender's oldest goes and is counted.

        ``unbounded``: the caller holds whoever sends until there is room.
        """
        while self.waiting and self.full and not unbounded:
            self.waiting_bytes -= len(self.waiting.drop(sender).payload)
            self.dropped += 1
        self.waiting.append(message, sender)
        self.waiting_bytes += len(message.payload)

    def next_to_send(self) -> Publish | None:
        """Return the next message, with its packet id, if the window has room for it."""
        if not self.waiting:
            return None
        if self.waiting.head.qos and len(self.in_flight) >= self.limits.in_flight_max:
            return None
        message = self.waiting.popleft()
        self.waiting_bytes -= len(message.payload)
        if message.qos:
            message = replace(message, packet_id=self._free_id())
            self.in_flight[message.packet_id] = message
        return message

    def acknowledged(self, packet_id: int) -> None:
        """Forget a message that the client has; an id that is not in flight is passed over."""
        self.in_flight.pop(packet_id, None)

    def connection_lost(self) -> None:
        """Forget what was worth sending only while the client was there."""
        self.waiting.keep_certain()
        self.waiting_bytes = sum(len(message.payload) for message in self.waiting)

    def _free_id(self) -> int:
        while True:  # ends: the window is far smaller than the ids
            self._last_id = self._last_id % PACKET_ID_MAX + 1
            if self._last_id not in self.in_flight:
                return self._last_id
