"""What a wristband says on the air: who it is, for this shop alone, and how it does. Pure.

A frame is the payload of a manufacturer-specific structure (Bluetooth Core Specification
Supplement, part A, 1.4) of FRAME_BYTES, the same length and head for every band:

====== ===== ======================================================================
offset bytes
====== ===== ======================================================================
0      1     version of this layout
1      8     ephemeral identifier of the period
9      1     salt: how often the state has changed within the period
10     3     state, encrypted: battery in per cent, presses so far, flags
13     4     tag over all of it
====== ===== ======================================================================

The identifier is that of Eddystone-EID (Google, "Eddystone-EID", computing the EID): AES-128
over the band's own clock, under a key that changes every 18 hours and is itself AES-128 of
that clock under the band's secret. The state is AES-CCM with a tag of 4 bytes, as Bluetooth's
own link layer has it (Core Specification, vol. 6, part E; RFC 3610), under a key of its own.
Whoever does not have the secret sees 8 bytes that look random and change with the period.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

VERSION: Final = 1
# A company that has no number of its own uses this one (Bluetooth Assigned Numbers, 7.1).
COMPANY_FOR_TRYING: Final = 0xFFFF
SECRET_BYTES: Final = 16
AS_MADE: Final = bytes(SECRET_BYTES)  # of a band as it leaves the factory: it has none
IDENTIFIER_BYTES: Final = 8
TAG_BYTES: Final = 4
STATE_BYTES: Final = 3
FRAME_BYTES: Final = 1 + IDENTIFIER_BYTES + 1 + STATE_BYTES + TAG_BYTES
# A period is 2^9 = 512 s: as long as Eddystone's own example, half a visit at the most.
PERIOD_EXPONENT: Final = 9
PERIOD_S: Final = 1 << PERIOD_EXPONENT
SALT_MAX: Final = 255
PRESSES_AGAIN: Final = 256  # presses are counted in one byte, which starts anew
BATTERY_UNKNOWN: Final = 255
_CLOCK_MAX: Final = 2**32 - 1  # seconds: 136 years
_EPOCH_BITS: Final = 16  # the key of identifiers changes with the clock's upper half
_SALT_OF_EPOCHS: Final = b"\xff"  # Eddystone's
_SALT_OF_STATES: Final = b"\xfe"  # ours: the two keys must never be one


@dataclass(frozen=True, slots=True)
class BandState:
    """How a band does. ``presses``: of its button, modulo PRESSES_AGAIN; lost frames lose none."""

    battery_percent: int | None = None
    presses: int = 0
    worn: bool = True


class BandKey:
    """A band's secret, ready to be used. Both ends have it; it is given when the band is made."""

    __slots__ = ("_epoch", "_identifiers", "_secret", "_state_key", "_states")

    def __init__(self, secret: bytes) -> None:
        """``secret``: SECRET_BYTES, random, of one band alone.

        Raises:
            ValueError: another length.
        """
        if len(secret) != SECRET_BYTES:
            msg = f"a band's secret has {SECRET_BYTES} bytes, not {len(secret)}"
            raise ValueError(msg)
        self._secret = secret
        self._epoch = -1
        self._identifiers = b""
        self._state_key = b""
        self._states: AESCCM | None = None

    def identifier(self, period: int) -> bytes:
        """Return the identifier of a period: the band's clock in seconds, over PERIOD_S.

        Raises:
            ValueError: before the clock's beginning, or after its end.
        """
        clock_s = period << PERIOD_EXPONENT
        if not 0 <= clock_s <= _CLOCK_MAX:
            msg = f"a band has no period {period}"
            raise ValueError(msg)
        epoch = clock_s >> _EPOCH_BITS
        if epoch != self._epoch:
            self._make_keys(epoch)
        block = bytes(11) + bytes([PERIOD_EXPONENT]) + clock_s.to_bytes(4, "big")
        return _aes(self._identifiers, block)[:IDENTIFIER_BYTES]

    def frame(self, period: int, salt: int, state: BandState) -> bytes:
        """Return what is advertised in this period.

        ``salt``: another one for each state within the period, from 0 on: the same with two
        states would give away how they differ.
        """
        head = bytes([VERSION]) + self.identifier(period) + bytes([salt])
        battery = BATTERY_UNKNOWN if state.battery_percent is None else state.battery_percent
        plain = bytes([battery, state.presses % PRESSES_AGAIN, int(state.worn)])
        return head + self._cipher().encrypt(_nonce(period, salt), plain, head)

    def opened(self, frame: bytes, period: int) -> BandState | None:
        """Return the state in a frame of this band and period, None if somebody else made it."""
        head, sealed = frame[: 2 + IDENTIFIER_BYTES], frame[2 + IDENTIFIER_BYTES :]
        try:
            battery, presses, flags = self._cipher().decrypt(_nonce(period, head[-1]), sealed, head)
        except InvalidTag:
            return None
        return BandState(None if battery == BATTERY_UNKNOWN else battery, presses, bool(flags & 1))

    def _cipher(self) -> AESCCM:
        if self._states is None:
            if not self._state_key:
                self._make_keys(0)
            self._states = AESCCM(self._state_key, tag_length=TAG_BYTES)
        return self._states

    def _make_keys(self, epoch: int) -> None:
        """Make both keys at once: what costs is to set AES up for a secret, not a second block.

        So the key of states is there before a band's first frame is.
        """
        of_epoch = bytes(11) + _SALT_OF_EPOCHS + bytes(2) + epoch.to_bytes(2, "big")
        made = _aes(self._secret, of_epoch + bytes(11) + _SALT_OF_STATES + bytes(4))
        self._epoch, self._identifiers, self._state_key = epoch, made[:16], made[16:]


def identifier_in(frame: bytes) -> bytes | None:
    """Return the identifier in a frame, None if this is no frame of ours."""
    if len(frame) != FRAME_BYTES or frame[0] != VERSION:
        return None
    return frame[1 : 1 + IDENTIFIER_BYTES]


def is_fresh(frame: bytes) -> bool:
    """Say whether a frame is of a band that has no secret yet: its clock stands still at 0."""
    return identifier_in(frame) == _OF_FRESH


def _nonce(period: int, salt: int) -> bytes:
    return period.to_bytes(4, "big") + bytes([salt]) + bytes(8)


def _aes(key: bytes, blocks: bytes) -> bytes:
    """Encrypt blocks that differ, each by itself: ECB of those is AES itself."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(blocks)


_OF_FRESH: Final = BandKey(AS_MADE).identifier(0)
