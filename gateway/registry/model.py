"""Rules of the registry: kinds, device ids, credentials at rest. No database, no clock.

A credential is kept in Mosquitto's own form, so that the same text stands in the
registry and in a broker's password file.
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cart.kernel.errors import InvalidInput
from gateway.wire.events import EVENTS_OF_KIND
from gateway.wire.topics import NAME, DeviceAddress

KINDS: Final = tuple(EVENTS_OF_KIND)
# How the id of a device of this kind begins: an operator sees in a log what it is.
PREFIX_OF_KIND: Final = {"tablet": "tab", "scanner": "scan", "receiver": "rcv", "mirror": "mir"}
# Without i, l, o and u: an id is read aloud over the phone.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
# 30 bits: among ten thousand devices one new id in a hundred thousand is taken, and drawn again.
ID_CHARACTERS: Final = 6

# A credential of ours has 32 characters. More than this is refused before it is hashed.
CREDENTIAL_LENGTH_MAX: Final = 256
# Also the dearest hash that a row may ask for, whoever wrote it.
HASH_ITERATIONS_MAX: Final = 100_000

# How long the credential before is good as well: time for somebody to carry the new one to the
# device. It ends sooner, as soon as the new one is used.
ROTATION_OVERLAP: Final = timedelta(hours=24)
ENROLMENT_LIFETIME: Final = timedelta(hours=24)  # long enough to carry the token to the shop
ENROLMENT_LIFETIME_MAX: Final = timedelta(days=30)
DEVICE_NAME_LENGTH_MAX: Final = 80  # a label on a desk, in a table on an operator's screen


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the hot path needs to know of a device."""

    id: str
    kind: str
    address: DeviceAddress
    revoked: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """A device that proved itself, by the credential with this hash.

    ``first_use``: there is one before it, which is to end now.
    """

    record: DeviceRecord
    credential_hash: str
    first_use: bool = False


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A fresh device. ``credential`` is said once and cannot be asked for again."""

    device_id: str
    kind: str
    location_id: str
    partition: str
    credential: str

    @property
    def address(self) -> DeviceAddress:
        """Where the device lives on the broker."""
        return DeviceAddress(self.partition, self.location_id, self.device_id)


@dataclass(frozen=True, slots=True)
class Seen:
    """One sign of life; ``online`` is None when it says nothing of the connection."""

    device_id: str
    at_us: int
    online: bool | None = None


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device as an operator sees it; times are aware UTC, None when there is none."""

    id: str
    kind: str
    name: str
    location_id: str
    partition: str
    enrolled_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None
    online: bool
    since: datetime | None

    @property
    def address(self) -> DeviceAddress:
        """Where the device lives on the broker."""
        return DeviceAddress(self.partition, self.location_id, self.id)


def checked_enrolment(kind: str, location_id: str, name: str, lifetime: timedelta) -> None:
    """Check what an operator asks an enrolment for.

    Raises:
        InvalidInput: an unknown kind, a location or name that cannot be one, or a
            lifetime that is not between 0 and ENROLMENT_LIFETIME_MAX.
    """
    if kind not in KINDS:
        msg = f"{kind!r} is no kind of device; there are {', '.join(KINDS)}"
        raise InvalidInput(msg, field="kind")
    if not NAME.fullmatch(location_id):
        msg = f"{location_id!r} cannot be a location: use a-z, 0-9, _ and -, 64 at most"
        raise InvalidInput(msg, field="location_id")
    if len(name) > DEVICE_NAME_LENGTH_MAX or not (name.isprintable() or not name):
        msg = f"a device's name is up to {DEVICE_NAME_LENGTH_MAX} printable characters"
        raise InvalidInput(msg, field="name")
    if not timedelta(0) < lifetime <= ENROLMENT_LIFETIME_MAX:
        msg = f"a token lives up to {ENROLMENT_LIFETIME_MAX.days} days, not {lifetime}"
        raise InvalidInput(msg, field="lifetime")


def device_id_from(kind: str, randomness: str) -> str:
    """Return an id such as ``tab-7k2m9q``; the same for the same ``randomness``."""
    digest = hashlib.sha256(randomness.encode()).digest()
    return f"{PREFIX_OF_KIND[kind]}-" + "".join(
        _ALPHABET[byte & 31] for byte in digest[:ID_CHARACTERS]
    )


def credential_matches(credential: str, kept: str) -> bool:
    """Say whether ``credential`` is the one whose hash is ``kept``, in constant time.

    Anything wrong with either (too long, not a hash of this form) is a no.
    """
    if len(credential) > CREDENTIAL_LENGTH_MAX:
        return False
    try:
        empty, scheme, iterations, salt, digest = kept.split("$")
        rounds, salt_bytes, expected = int(iterations), b64decode(salt), b64decode(digest)
    except (ValueError, NotBase64):
        return False
    if (empty, scheme) != ("", "7") or not 1 <= rounds <= HASH_ITERATIONS_MAX:
        return False
    actual = hashlib.pbkdf2_hmac("sha512", credential.encode(), salt_bytes, rounds)
    return hmac.compare_digest(actual, expected)
