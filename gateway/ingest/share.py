"""What a device says beyond its limit: taken from the broker, not stored, and so sent again.

Another broker's queue is first in, first out: whoever floods it stands before everybody
else. So that what lies beyond a device's limit costs a look instead of a transaction, it is
acknowledged and left with the device: it has no receipt for it.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from gateway.limits import DeviceLimits
from gateway.mqtt import Incoming
from gateway.wire.topics import Channel, device_of

_STATUS_ENDS = f"/{Channel.STATUS}"


class Share:
    """Looks at each batch; used by the ingest thread alone."""

    def __init__(self, limits: DeviceLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic

    def beyond(self, messages: Sequence[Incoming]) -> set[int]:
        """Return the ``id()`` of the messages that are left with their devices; mostly none.

        Never a status: a device says it once. An ack may be: its command is sent again.
        """
        said = Counter[str]()
        for topic, count in Counter(one.topic for one in messages).items():
            if not topic.endswith(_STATUS_ENDS):
                said[device_of(topic)] += count
        now_s = self._monotonic()
        room: dict[str, int] = {}
        for device_id, count in said.items():
            granted = self._limits.spend(device_id, count, now_s)
            if granted < count:
                room[device_id] = granted
        return _past(messages, room) if room else set()


def _past(messages: Sequence[Incoming], room: dict[str, int]) -> set[int]:
    past: set[int] = set()
    for one in messages:
        device_id = device_of(one.topic)
        if device_id not in room or one.topic.endswith(_STATUS_ENDS):
            continue
        room[device_id] -= 1
        if room[device_id] < 0:
            past.add(id(one))
    return past
