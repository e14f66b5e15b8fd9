"""Seals a kept turn before it leaves the mirror: from then on only its shopper opens it. Pure."""

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass

from cart.kernel import sealed_file, sealed_key
from cart.kernel.errors import SealBroken


@dataclass(frozen=True, slots=True)
class Turn:
    """A kept turn as the mirror has it in memory.

    ``video``: bytes of ``media_type`` (``video/webm`` or ``video/mp4``); ``sheet``: a JPEG of
    eight frames in two rows of four, at 0, 45, ... 315 degrees, row by row.
    """

    video: bytes
    media_type: str
    sheet: bytes


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One sealed file. ``sha256``: hex, of ``content``."""

    name: str
    media_type: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class SealedTurn:
    """What leaves the mirror. ``key``: the content key, sealed to the shopper."""

    key: bytes
    parts: tuple[SealedPart, ...]


def seal(
    turn: Turn, *, look_id: str, public_key: str, randomness: Callable[[int], bytes]
) -> SealedTurn:
    """Return the turn sealed to whoever has the other half of ``public_key`` (base64url).

    ``randomness``: so many bytes that nobody can guess; ``secrets.token_bytes`` outside of tests.

    Raises:
        SealBroken: the key is none.
    """
    try:
        public = urlsafe_b64decode(public_key + "=" * (-len(public_key) % 4))
    except ValueError as error:
        msg = "the server's key is not base64url"
        raise SealBroken(msg) from error
    content_key = randomness(sealed_file.KEY_BYTES)
    sealed = sealed_key.seal_to(public, content_key, f"carryover look {look_id}")
    files = (("sheet", "image/jpeg", turn.sheet), ("video", turn.media_type, turn.video))
    return SealedTurn(
        sealed,
        tuple(
            _part(content_key, name, media_type, plain, randomness(sealed_file.PREFIX_BYTES))
            for name, media_type, plain in files
        ),
    )


def _part(
    content_key: bytes, name: str, media_type: str, plain: bytes, prefix: bytes
) -> SealedPart:
    key = sealed_file.key_of(content_key, name)
    content = b"".join(sealed_file.seal(key, prefix, [plain]))
    return SealedPart(name, media_type, content, hashlib.sha256(content).hexdigest())
