"""How much one device may say: a bucket of tokens each. No clock, no database, no MQTT.

What is beyond is never lost: the embedded broker reads it later, and of another broker's
messages the gateway gives no receipt, so that the device sends them again.
"""

from dataclasses import dataclass
from typing import Final, Self

from gateway.settings import MqttSettings

KNOWN_MAX: Final = 20_000  # devices whose buckets are kept; twice a chain
MEASURED_S_MIN: Final = 1.0  # a rate of less than this says nothing


@dataclass(frozen=True, slots=True)
class Flood:
    """A device beyond its limit: how fast it spoke, and how many messages had to wait for it."""

    device_id: str
    per_s: float
    beyond: int


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float
    since_s: float  # when it was full last
    said: int = 0  # since then


class DeviceLimits:
    """One bucket per device: ``burst`` messages at once, ``per_s`` a second for ever."""

    def __init__(self, burst: int, per_s: int) -> None:
        self._burst, self._per_s = float(burst), float(per_s)
        self._buckets: dict[str, _Bucket] = {}
        self._floods: dict[str, Flood] = {}

    @classmethod
    def of(cls, settings: MqttSettings) -> Self:
        """Return full buckets as large as the settings say."""
        return cls(settings.gateway_device_burst_events, settings.gateway_device_events_per_s)

    def spend(self, device_id: str, count: int, now_s: float) -> int:
        """Return how many of ``count`` messages are within the device's limit; the first ones."""
        bucket = self._buckets.get(device_id)
        if bucket is None:
            bucket = self._opened(device_id, now_s)
        tokens = bucket.tokens + (now_s - bucket.at_s) * self._per_s
        if tokens >= self._burst:
            tokens, bucket.since_s, bucket.said = self._burst, now_s, 0
        bucket.at_s = now_s
        bucket.said += count
        if tokens >= count:
            bucket.tokens = tokens - count
            return count
        granted = int(tokens)
        bucket.tokens = tokens - granted
        before = self._floods.get(device_id)
        self._floods[device_id] = Flood(
            device_id,
            bucket.said / max(now_s - bucket.since_s, MEASURED_S_MIN),
            count - granted + (before.beyond if before else 0),
        )
        return granted

    def floods(self) -> list[Flood]:
        """Return who went beyond the limit since the last call; from any thread."""
        found, self._floods = self._floods, {}
        return list(found.values())

    def _opened(self, device_id: str, now_s: float) -> _Bucket:
        if len(self._buckets) >= KNOWN_MAX:  # whose bucket is full again loses nothing by it
            self._buckets = {
                name: one
                for name, one in self._buckets.items()
                if one.tokens + (now_s - one.at_s) * self._per_s < self._burst
            }
        if len(self._buckets) >= KNOWN_MAX:
            self._buckets.clear()
        made = self._buckets[device_id] = _Bucket(self._burst, now_s, now_s)
        return made
