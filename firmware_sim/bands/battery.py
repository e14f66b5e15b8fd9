"""A band's battery: it falls, is saved when it is low, and dies. Pure."""

from dataclasses import dataclass
from typing import Final

from firmware_sim.bands.air import ADVERTISED_EVERY_S

# A coin cell at five advertisements a second and 0 dBm: some 30 µA on average, of 220 mAh.
LASTS_S: Final = 300.0 * 24 * 3600
# Below this a coin cell's resistance makes the radio brown out at full power (CR2032, 2.6 V):
# the band sends a fifth as often and a quarter as strongly, and so lasts to the evening.
LOW_PERCENT: Final = 15
RARER: Final = 5.0
WEAKER_DB: Final = 6.0
DEAD_PERCENT: Final = 2  # below 2.0 V the chip resets


@dataclass(frozen=True, slots=True)
class Battery:
    """One that was ``percent`` full at 0 s and lasts for ``lasts_s`` when it is full."""

    percent: float = 100.0
    lasts_s: float = LASTS_S

    def left_percent(self, now_s: float) -> int:
        """Return what is left, as the band says it."""
        return max(0, int(self.percent - now_s / self.lasts_s * 100.0))

    def every_s(self, now_s: float) -> float | None:
        """Return how often the band advertises; None: it is dead."""
        left = self.left_percent(now_s)
        if left < DEAD_PERCENT:
            return None
        return ADVERTISED_EVERY_S * (RARER if left < LOW_PERCENT else 1.0)

    def weaker_db(self, now_s: float) -> float:
        """Return by how much it sends less strongly than a full one."""
        return WEAKER_DB if self.left_percent(now_s) < LOW_PERCENT else 0.0
