"""What a wristband can be asked over a connection: its GATT service, byte by byte. Pure.

Beside it a band has two services of the Bluetooth SIG: battery (0x180F) and device information
(0x180A). Numbers of more than one byte have their big end first, as in the frame.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from gateway.wire.band import PERIOD_S
from gateway.wire.band_exchange import KEY_BYTES

SERVICE: Final = "5a1c0001-8f0e-4f6b-9d3e-2b7f4c6a9e10"
SETUP: Final = "5a1c0002-8f0e-4f6b-9d3e-2b7f4c6a9e10"  # write
VIBRATION: Final = "5a1c0003-8f0e-4f6b-9d3e-2b7f4c6a9e10"  # write
LIGHT: Final = "5a1c0004-8f0e-4f6b-9d3e-2b7f4c6a9e10"  # write
BUTTON: Final = "5a1c0005-8f0e-4f6b-9d3e-2b7f4c6a9e10"  # read, notify
EXCHANGE: Final = "5a1c0006-8f0e-4f6b-9d3e-2b7f4c6a9e10"  # read
BATTERY_SERVICE: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY: Final = "00002a19-0000-1000-8000-00805f9b34fb"  # read: one byte, per cent
INFORMATION_SERVICE: Final = "0000180a-0000-1000-8000-00805f9b34fb"
FIRMWARE: Final = "00002a26-0000-1000-8000-00805f9b34fb"  # read: text
FIRMWARE_MAX_BYTES: Final = 64

# Application errors of ATT (Core Specification, vol. 3, part F, 3.4.1.1).
# It has a secret already and nobody holds its button, or its own key was not read before.
NOT_NOW: Final = 0x80
NOT_UNDERSTOOD: Final = 0x81  # a length or a value that there is not

CLOCK_MAX_S: Final = 2**32 - 1
TIMES_MAX: Final = 5  # more is a nuisance on somebody's wrist
TENTHS_MAX: Final = 10
LIGHT_MAX_S: Final = 60


class Light(IntEnum):
    """What a band can shine in. There is no red: it would say that something is wrong with her."""

    OFF = 0
    BLUE = 1
    GREEN = 2
    WHITE = 3


@dataclass(frozen=True, slots=True)
class Setup:
    """The shop's public key (KEY_BYTES) and where the band's clock is to stand, in seconds."""

    key: bytes
    clock_s: int

    def __post_init__(self) -> None:
        """Refuse what no band has.

        Raises:
            ValueError: a key of another length, or a clock out of its 32 bits.
        """
        if len(self.key) != KEY_BYTES or not 0 <= self.clock_s <= CLOCK_MAX_S - PERIOD_S:
            msg = f"a setup is a key of {KEY_BYTES} bytes and a clock of 32 bits"
            raise ValueError(msg)

    def encoded(self) -> bytes:
        """Return it as it is written: the key, four bytes of clock."""
        return self.key + self.clock_s.to_bytes(4, "big")

    @classmethod
    def decoded(cls, written: bytes) -> Self:
        """Return what was written.

        Raises:
            ValueError: it is none.
        """
        if len(written) != KEY_BYTES + 4:
            msg = f"a setup has {KEY_BYTES + 4} bytes, not {len(written)}"
            raise ValueError(msg)
        return cls(written[:KEY_BYTES], int.from_bytes(written[KEY_BYTES:], "big"))


@dataclass(frozen=True, slots=True)
class Vibration:
    """So many times, each so many tenths of a second."""

    times: int = 1
    tenths: int = 3

    def __post_init__(self) -> None:
        """Refuse what no band does.

        Raises:
            ValueError: more than TIMES_MAX or TENTHS_MAX, or none.
        """
        if not (1 <= self.times <= TIMES_MAX and 1 <= self.tenths <= TENTHS_MAX):
            msg = f"a band vibrates 1 to {TIMES_MAX} times, of 1 to {TENTHS_MAX} tenths of a second"
            raise ValueError(msg)

    def encoded(self) -> bytes:
        """Return it as it is written: two bytes."""
        return bytes([self.times, self.tenths])

    @classmethod
    def decoded(cls, written: bytes) -> Self:
        """Return what was written.

        Raises:
            ValueError: it is none.
        """
        times, tenths = written  # of another length: a ValueError as well
        return cls(times, tenths)


@dataclass(frozen=True, slots=True)
class Shine:
    """A light for so many seconds; then it is off."""

    light: Light
    seconds: int = 3

    def __post_init__(self) -> None:
        """Refuse what no band does.

        Raises:
            ValueError: longer than LIGHT_MAX_S, or not at all.
        """
        if not 1 <= self.seconds <= LIGHT_MAX_S:
            msg = f"a band shines for 1 to {LIGHT_MAX_S} s"
            raise ValueError(msg)

    def encoded(self) -> bytes:
        """Return it as it is written: two bytes."""
        return bytes([self.light, self.seconds])

    @classmethod
    def decoded(cls, written: bytes) -> Self:
        """Return what was written.

        Raises:
            ValueError: it is none, such as a light that there is not.
        """
        light, seconds = written  # of another length: a ValueError as well
        return cls(Light(light), seconds)


@dataclass(frozen=True, slots=True)
class Button:
    """Presses so far, modulo 256, and whether it is being held."""

    presses: int
    held: bool

    def encoded(self) -> bytes:
        """Return it as it is read and notified: two bytes."""
        return bytes([self.presses, int(self.held)])

    @classmethod
    def decoded(cls, read: bytes) -> Self:
        """Return what was read.

        Raises:
            ValueError: it is none.
        """
        presses, held = read  # of another length: a ValueError as well
        return cls(presses, bool(held & 1))
