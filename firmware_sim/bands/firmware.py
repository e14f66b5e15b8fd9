"""What runs in a wristband: a clock, a battery, a button, and what they make it say. Pure.

Time is given from outside, in seconds; the band's own clock runs a little fast or slow.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.wire.band import (
    COMPANY_FOR_TRYING,
    PERIOD_S,
    PRESSES_AGAIN,
    SALT_MAX,
    BandKey,
    BandState,
)

_FLAGS: Final = bytes([2, 0x01, 0x06])  # general discoverable, no BR/EDR
_MANUFACTURER: Final = 0xFF
_SALT_OF_ADDRESSES: Final = b"\xfd"
ADDRESS_BYTES: Final = 6


@dataclass(frozen=True, slots=True)
class Advert:
    """What is on the air. ``address``: as sent, least significant byte last; ``payload``: AD."""

    address: bytes
    payload: bytes


@dataclass
class Band:
    """A band. ``drift``: how much its clock gains, as a share; ``clock_s``: where it stood at 0."""

    secret: bytes
    clock_s: float = 0.0
    drift: float = 0.0
    state: BandState = field(default_factory=BandState)
    company: int = COMPANY_FOR_TRYING

    def __post_init__(self) -> None:
        """Make the key ready."""
        self._key = BandKey(self.secret)
        self._said: tuple[int, BandState] = (-1, self.state)
        self._salt = 0
        self._advert = Advert(b"", b"")

    def clock(self, now_s: float) -> float:
        """Return where the band's clock stands."""
        return self.clock_s + now_s * (1.0 + self.drift)

    def set_up(self, secret: bytes, clock_s: float, now_s: float) -> None:
        """Take on another secret, and set the clock: it stands at ``clock_s`` now."""
        self.secret = secret
        self.clock_s = clock_s - now_s * (1.0 + self.drift)
        self.__post_init__()

    def press(self) -> None:
        """Press its button once."""
        presses = (self.state.presses + 1) % PRESSES_AGAIN
        self.state = BandState(self.state.battery_percent, presses, self.state.worn)

    def advert(self, now_s: float) -> Advert:
        """Return what the band sends now.

        Identifier and address change in the same frame: one that stayed for a moment longer
        would tie the two periods together. After SALT_MAX changes within a period
        what is said stays as it is until the next one: no salt is used twice.
        """
        period = int(self.clock(now_s) // PERIOD_S)
        if (period, self.state) == self._said:
            return self._advert
        if period != self._said[0]:
            self._salt = 0
        elif self._salt == SALT_MAX:
            return self._advert
        else:
            self._salt += 1
        self._said = (period, self.state)
        frame = self._key.frame(period, self._salt, self.state)
        body = bytes([_MANUFACTURER]) + self.company.to_bytes(2, "little") + frame
        self._advert = Advert(self._address(period), _FLAGS + bytes([len(body)]) + body)
        return self._advert

    def _address(self, period: int) -> bytes:
        """Return a non-resolvable private address (Core Specification, vol. 6, part B, 1.3.2.2)."""
        block = bytes(11) + _SALT_OF_ADDRESSES + period.to_bytes(4, "big")
        made = Cipher(algorithms.AES(self.secret), modes.ECB()).encryptor().update(block)  # noqa: S305
        address = bytes([made[0] & 0x3F]) + made[1:ADDRESS_BYTES]
        return address if any(address[1:]) else address[:-1] + b"\x01"  # all zeros are not allowed
