"""Rules of looks: names, limits, keys of phones. Pure; no database, no clock."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Final

from cart.kernel import sealed_key
from cart.kernel.errors import InvalidInput, PinTooEasy
from cart.kernel.ids import secret_hash
from cart.profile.model import Limit


class Part(StrEnum):
    """What a look has; each is a sealed file of its own."""

    VIDEO = "video"
    SHEET = "sheet"  # the contact sheet: eight frames of the turn in one JPEG


class State(StrEnum):
    """How a look stands. Only ``kept`` is shown."""

    GRANTED = "granted"  # a mirror may upload it
    KEPT = "kept"
    DELETED = "deleted"  # can be undone, for UNDO_FOR
    GONE = "gone"  # its key is overwritten; its objects are being deleted


# Sealed. Eight seconds of video are one or two megabytes; four times that is a mirror at fault.
BYTES_MAX: Final = {Part.VIDEO: 32 * 2**20, Part.SHEET: 2 * 2**20}
MEDIA_TYPES: Final = {
    Part.VIDEO: ("video/webm", "video/mp4"),
    Part.SHEET: ("image/jpeg",),
}
LOOKS_MAX: Final = 50  # of one shopper at a time; a long day in the fitting rooms has ten
GRANTS_MAX: Final = 4  # of one mirror at a time; it records one turn after the other
GRANTED_FOR: Final = timedelta(hours=1)  # a shop's line may be away; then the turn is lost
PIECE_BYTES: Final = 2**20  # of an upload in one object: what a cut line costs at most
UNDO_FOR: Final = timedelta(seconds=10)  # as long as the page offers it
KEEP_DAYS: Final = (7, 30, 90, 365)
KEEP_DAYS_USUAL: Final = 30
SHARES_MAX: Final = 10  # links to one look at a time
SHARE_DAYS: Final = (1, 7, 30)
ITEMS_MAX: Final = 20  # products tried in one turn
DURATION_MS_MAX: Final = 60_000
GROUP_MIN: Final = 5  # shoppers; what fewer did is shown to nobody
PHONES_MAX: Final = 20  # that open one shopper's looks

PIN_DIGITS: Final = 6
PIN_SAID_FOR: Final = timedelta(minutes=15)
# Of a million PINs ten an hour: one in a thousand within four days of trying, all day.
PINS_PER_SESSION: Final = (Limit("looks:pin:hour", 10, 3_600), Limit("looks:pin:day", 40, 86_400))
ASKED_FOR: Final = timedelta(minutes=15)  # a phone that asks to be let in; both are at hand
ASKS_MAX: Final = 5  # that wait at a time

_SCRYPT_MEMORY_MAX: Final = 64 * 2**20  # bytes
_EASY: Final = re.compile(r"(\d)\1*")


@dataclass(frozen=True, slots=True)
class Work:
    """What one try at a PIN costs.

    The least of OWASP's list for scrypt with 16 MiB: N=2^14, r=8, p=5; about a quarter second.
    """

    n: int = 2**14
    r: int = 8
    p: int = 5


@dataclass(frozen=True)
class PhoneKey:
    """A phone that opens looks, by the secret in its cookie; the server keeps no part of it."""

    secret: str
    device: str = ""  # in words, for her list

    @cached_property
    def private(self) -> bytes:
        """The private half of the phone's key pair."""
        return sealed_key.private_from(self.secret)

    @cached_property
    def public(self) -> bytes:
        """The public half: to it others seal what this phone may open."""
        return sealed_key.public_of(self.private)

    @property
    def name(self) -> str:
        """What the phone's rows are found by."""
        return phone_name(self.public)


def phone_name(public: bytes) -> str:
    """Return what the rows of a phone with this public key are found by."""
    return secret_hash("looks phone " + public.hex())


@dataclass(frozen=True, slots=True)
class PinKeys:
    """What a PIN comes to: ``check`` is kept to know it again, ``key`` seals and is not kept."""

    check: str
    key: bytes


def checked_pin(pin: str) -> str:
    """Return a PIN that may be one.

    Raises:
        PinTooEasy: not PIN_DIGITS digits, or all the same, or counting up or down.
    """
    digits = pin.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) != PIN_DIGITS:
        msg = f"a PIN has {PIN_DIGITS} digits"
        raise PinTooEasy(msg)
    steps = {int(b) - int(a) for a, b in pairwise(digits)}
    if _EASY.fullmatch(digits) or steps in ({1}, {-1}):
        msg = "a PIN that is guessed first"
        raise PinTooEasy(msg)
    return digits


def pin_keys(secret: bytes, pin: str, salt: str, work: Work) -> PinKeys:
    """Return what follows from a PIN, its salt and the server's own key.

    Six digits are tried through within hours by whoever has the rows; without the server's key,
    which is not among them, there is nothing to try.
    """
    peppered = hmac.digest(secret, f"looks pin\0{salt}\0{pin}".encode(), hashlib.sha256)
    root = hashlib.scrypt(
        peppered,
        salt=salt.encode(),
        n=work.n,
        r=work.r,
        p=work.p,
        maxmem=_SCRYPT_MEMORY_MAX,
        dklen=64,
    )
    return PinKeys(root[:32].hex(), root[32:])


def key_context(key_id: str) -> str:
    """Return what a private key is bound to when it is sealed to a phone, or under a PIN."""
    return f"carryover looks key {key_id}"


def look_context(look_id: str) -> str:
    """Return what a look's content key is bound to when it is sealed to its shopper."""
    return f"carryover look {look_id}"


def object_name(look_id: str, part: Part) -> str:
    """Return under which name a look's part is kept."""
    return f"looks/{look_id}/{part.value}"


def piece_name(upload_id: str, offset: int, length: int) -> str:
    """Return under which name a piece of an upload is kept, until all are there."""
    return f"uploads/{upload_id}/{offset:012d}-{length}"


def as_text(value: bytes) -> str:
    """Return bytes as base64url without padding, as rows and messages have them."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def as_bytes(text: str) -> bytes:
    """Return the bytes of a base64url text, padded or not.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, NotBase64) as error:
        msg = "not base64url"
        raise InvalidInput(msg) from error
