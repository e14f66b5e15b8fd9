"""A file that is sealed chunk by chunk, so that any part of it can be opened by itself. Pure.

STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015) with AES-256-GCM: each chunk's nonce is
a random prefix, the chunk's number and whether it is the last one. So no chunk can be changed,
swapped, left out, repeated or taken from another file, and a file that was cut off does not
end with a last chunk. A mirror seals, the server opens: both use this module.

    version (1 byte) | prefix (7) | chunk | chunk | ... | last chunk
    chunk: up to CHUNK_BYTES of the file and TAG_BYTES; only the last one may be shorter
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cart.kernel.errors import SealBroken

VERSION: Final = b"\x01"
PREFIX_BYTES: Final = 7  # with the number and the mark it fills GCM's nonce of 12 bytes
HEAD_BYTES: Final = 1 + PREFIX_BYTES
CHUNK_BYTES: Final = 65_536  # what a player asks for is opened with at most two chunks to spare
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
CHUNKS_MAX: Final = 2**16  # 4 GiB, far below the 2**32 that the nonce can number
FETCHED_CHUNKS: Final = 16  # 1 MiB at a time from an object far away: few questions, little memory

_WHOLE_CHUNK: Final = CHUNK_BYTES + TAG_BYTES
Fetch = Callable[[int, int], bytes]  # (offset, length) of the sealed file


def key_of(content_key: bytes, part: str) -> bytes:
    """Return the key of one file of those that share a content key (HKDF-SHA256, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"carryover look " + part.encode()).derive(
        content_key
    )


def sealed_bytes(plain: int) -> int:
    """Return how long a file of ``plain`` bytes is once it is sealed."""
    return HEAD_BYTES + plain + TAG_BYTES * max(1, -(-plain // CHUNK_BYTES))


def plain_bytes(sealed: int) -> int:
    """Return how long the file in ``sealed`` bytes is.

    Raises:
        SealBroken: no file of ours is that long.
    """
    chunks, rest = divmod(sealed - HEAD_BYTES, _WHOLE_CHUNK)
    alone = chunks == 0 and rest == TAG_BYTES
    if chunks < 0 or (rest <= TAG_BYTES and not alone and not (rest == 0 and chunks)):
        msg = f"no sealed file has {sealed} bytes"
        raise SealBroken(msg)
    if chunks + bool(rest) > CHUNKS_MAX:
        msg = f"a sealed file has at most {CHUNKS_MAX} chunks"
        raise SealBroken(msg)
    return chunks * CHUNK_BYTES + max(0, rest - TAG_BYTES)


def seal(key: bytes, prefix: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the sealed file of these pieces, however they are cut.

    ``prefix``: PREFIX_BYTES, random for every file: with the same one twice under one key,
    both could be read.

    Raises:
        ValueError: the prefix has another length, or the file more than CHUNKS_MAX chunks.
    """
    if len(prefix) != PREFIX_BYTES:
        msg = f"a prefix has {PREFIX_BYTES} bytes"
        raise ValueError(msg)
    yield VERSION + prefix
    cipher, number, waiting = AESGCM(key), 0, bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK_BYTES:  # a whole chunk waits: it may be the last one
            yield cipher.encrypt(
                _nonce(prefix, number, last=False), bytes(waiting[:CHUNK_BYTES]), VERSION
            )
            del waiting[:CHUNK_BYTES]
            number += 1
            if number >= CHUNKS_MAX:
                msg = f"more than {CHUNKS_MAX} chunks"
                raise ValueError(msg)
    yield cipher.encrypt(_nonce(prefix, number, last=True), bytes(waiting), VERSION)


def open_range(key: bytes, fetch: Fetch, *, sealed: int, first: int, past: int) -> Iterator[bytes]:
    """Yield bytes ``first`` up to ``past`` of a sealed file that is ``sealed`` bytes long.

    Memory: FETCHED_CHUNKS chunks. Nothing of a chunk is yielded before the whole chunk is proved.

    Raises:
        SealBroken: another key, or a file that is not as it was sealed.
        ValueError: the range is not within the file.
    """
    plain = plain_bytes(sealed)
    if not 0 <= first <= past <= plain:
        msg = f"{first} to {past} is not within {plain} bytes"
        raise ValueError(msg)
    head = fetch(0, HEAD_BYTES)
    if len(head) != HEAD_BYTES or head[:1] != VERSION:
        msg = "a sealed file of another kind"
        raise SealBroken(msg)
    cipher, prefix = AESGCM(key), head[1:]
    final = max(0, -(-plain // CHUNK_BYTES) - 1)
    number, end = first // CHUNK_BYTES, max(first, past - 1) // CHUNK_BYTES
    end = min(end, final)
    while number <= end:
        together = min(FETCHED_CHUNKS, end - number + 1)
        at = HEAD_BYTES + number * _WHOLE_CHUNK
        wanted = min(together * _WHOLE_CHUNK, sealed - at)
        block = fetch(at, wanted)
        if len(block) != wanted:
            msg = "a sealed file was cut off"
            raise SealBroken(msg)
        for start in range(0, wanted, _WHOLE_CHUNK):
            nonce = _nonce(prefix, number, last=number == final)
            try:
                chunk = cipher.decrypt(nonce, block[start : start + _WHOLE_CHUNK], VERSION)
            except InvalidTag as error:
                msg = f"chunk {number} is not as it was sealed, or the key is another"
                raise SealBroken(msg) from error
            begins = number * CHUNK_BYTES
            piece = chunk[max(0, first - begins) : max(0, past - begins)]
            if piece:
                yield piece
            number += 1


def opened(key: bytes, whole: bytes) -> bytes:
    """Return the file in a sealed one that is in memory.

    Raises:
        SealBroken: another key, or not as it was sealed.
    """
    plain = plain_bytes(len(whole))

    def fetch(offset: int, length: int) -> bytes:
        return whole[offset : offset + length]

    return b"".join(open_range(key, fetch, sealed=len(whole), first=0, past=plain))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4) + bytes([last])
