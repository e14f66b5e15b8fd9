"""What runs in a wristband: a clock, a battery, a button, and what they make it say. Pure.

Time is given from outside, in seconds; the band's own clock runs a little fast or slow.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.wire.band import (
    AS_MADE,
    COMPANY_FOR_TRYING,
    FRAME_BYTES,
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

    @property
    def frame(self) -> bytes:
        """The frame in it."""
        return self.payload[-FRAME_BYTES:]


def _drawn_address() -> bytes:
    return secrets.token_bytes(ADDRESS_BYTES)


@dataclass
class Band:
    """A band. ``drift``: how much its clock gains, as a share; ``clock_s``: where it stood at 0.

    ``switched_on``: drawn when its battery was put in. A band without a secret has its address
    from that: by the secret they would all have the same one. Its clock stands still at 0.
    """

    secret: bytes
    clock_s: float = 0.0
    drift: float = 0.0
    state: BandState = field(default_factory=BandState)
    company: int = COMPANY_FOR_TRYING
    switched_on: bytes = field(default_factory=_drawn_address)

    def __post_init__(self) -> None:
        """Make the key ready."""
        self._key = BandKey(self.secret)
        self._said: tuple[int, BandState] = (-1, self.state)
        self._salt = 0
        self._advert = Advert(b"", b"")

    @property
    def is_fresh(self) -> bool:
        """Whether it is as it left the factory."""
        return self.secret == AS_MADE

    def clock(self, now_s: float) -> float:
        """Return where the band's clock stands."""
        if self.is_fresh:
            return 0.0
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
        key = Cipher(algorithms.AES(self.secret), modes.ECB())  # noqa: S305 - of a single block
        made = self.switched_on if self.is_fresh else key.encryptor().update(block)
        address = bytes([made[0] & 0x3F]) + made[1:ADDRESS_BYTES]
        return address if any(address[1:]) else address[:-1] + b"\x01"  # all zeros are not allowed
