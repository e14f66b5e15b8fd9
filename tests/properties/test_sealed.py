"""Sealed files and keys: what is sealed opens whole and in any part; what was touched does not."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cart.kernel import sealed_key
from cart.kernel.errors import SealBroken
from cart.kernel.sealed_file import (
    CHUNK_BYTES,
    HEAD_BYTES,
    PREFIX_BYTES,
    TAG_BYTES,
    key_of,
    open_range,
    opened,
    plain_bytes,
    seal,
    sealed_bytes,
)

KEY = key_of(b"k" * 32, "video")
PREFIX = b"prefix!"
# Around the edges of a chunk, where mistakes of one live.
LENGTHS = st.one_of(
    st.integers(0, 300),
    st.builds(
        lambda chunks, off: max(0, chunks * CHUNK_BYTES + off),
        st.integers(1, 3),
        st.integers(-2, 2),
    ),
)
WHOLE = CHUNK_BYTES + TAG_BYTES


def plain(length: int) -> bytes:
    """Return bytes that differ from place to place."""
    return random.Random(length).randbytes(length)


def sealed(length: int, prefix: bytes = PREFIX) -> bytes:
    """Return a sealed file of that many bytes."""
    return b"".join(seal(KEY, prefix, [plain(length)]))


@settings(deadline=None)
@given(LENGTHS, st.lists(st.integers(1, 100_000), max_size=5))
def test_a_file_opens_as_it_was_however_it_was_cut(length: int, cuts: list[int]) -> None:
    """Pieces of any size give the same file, of the length that is said beforehand."""
    whole, pieces, at = plain(length), [], 0
    for cut in cuts:
        pieces.append(whole[at : at + cut])
        at += cut
    made = b"".join(seal(KEY, PREFIX, [*pieces, whole[at:]]))
    assert made == sealed(length)
    assert len(made) == sealed_bytes(length)
    assert plain_bytes(len(made)) == length
    assert opened(KEY, made) == whole


@settings(deadline=None)
@given(LENGTHS, st.data())
def test_any_range_is_that_part_of_the_file(length: int, data: st.DataObject) -> None:
    """And no byte further than its chunks is asked for."""
    first = data.draw(st.integers(0, length))
    past = data.draw(st.integers(first, length))
    made, asked = sealed(length), 0

    def fetch(offset: int, count: int) -> bytes:
        nonlocal asked
        asked += count
        return made[offset : offset + count]

    found = open_range(KEY, fetch, sealed=len(made), first=first, past=past)
    assert b"".join(found) == plain(length)[first:past]
    assert asked <= HEAD_BYTES + ((past - first) // CHUNK_BYTES + 2) * WHOLE


@settings(deadline=None)
@given(LENGTHS, st.data())
def test_any_byte_that_was_changed_is_noticed(length: int, data: st.DataObject) -> None:
    """In the head, in a chunk, in a tag."""
    made = bytearray(sealed(length))
    place = data.draw(st.integers(0, len(made) - 1))
    made[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        opened(KEY, bytes(made))


@settings(deadline=None)
@given(LENGTHS, st.data())
def test_a_file_that_was_cut_off_is_noticed(length: int, data: st.DataObject) -> None:
    """Anywhere, also between two chunks."""
    made = sealed(length)
    edges = [HEAD_BYTES + number * WHOLE for number in range(len(made) // WHOLE + 1)]
    end = data.draw(st.integers(0, len(made) - 1) | st.sampled_from(edges))
    if end < len(made):
        with pytest.raises(SealBroken):
            opened(KEY, made[:end])


def chunks(made: bytes) -> list[bytes]:
    """Return the chunks of a sealed file."""
    return [made[at : at + WHOLE] for at in range(HEAD_BYTES, len(made), WHOLE)]


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("swapped", (1, 0, 2)),
        ("left out", (0, 2)),
        ("repeated", (0, 0, 1, 2)),
        ("the last twice", (0, 1, 2, 2)),
        ("the last first", (2,)),
    ],
)
def test_chunks_have_one_place(name: str, order: tuple[int, ...]) -> None:
    """Whole chunks of the same file, in another order."""
    made = sealed(3 * CHUNK_BYTES)
    parts = chunks(made)
    with pytest.raises(SealBroken):
        opened(KEY, made[:HEAD_BYTES] + b"".join(parts[one] for one in order))
    assert name


def test_a_chunk_of_another_file_or_key_does_not_fit() -> None:
    """Same key and place, another prefix; same prefix, another part's key."""
    made, other = sealed(2 * CHUNK_BYTES), sealed(2 * CHUNK_BYTES, b"another")
    with pytest.raises(SealBroken):
        opened(KEY, made[: HEAD_BYTES + WHOLE] + other[HEAD_BYTES + WHOLE :])
    with pytest.raises(SealBroken):
        opened(key_of(b"k" * 32, "sheet"), made)
    with pytest.raises(SealBroken):
        opened(KEY, b"\x02" + made[1:])


def test_a_prefix_has_its_length_and_a_range_lies_within() -> None:
    """Mistakes of the caller, not of whoever sent something."""
    with pytest.raises(ValueError, match=str(PREFIX_BYTES)):
        b"".join(seal(KEY, b"short", [b""]))
    made = sealed(10)
    with pytest.raises(ValueError, match="within"):
        list(open_range(KEY, lambda _a, _b: made, sealed=len(made), first=3, past=11))


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.text(min_size=20, max_size=40), st.data())
def test_a_sealed_key_opens_for_one_pair_and_one_thing(
    key: bytes, secret: str, data: st.DataObject
) -> None:
    """To a pair by HPKE, under a secret by AES-GCM; any byte changed is noticed."""
    private = sealed_key.private_from(secret)
    to = sealed_key.seal_to(sealed_key.public_of(private), key, "look 1")
    under = sealed_key.seal_under(secret.encode(), key, "look 1")
    assert (len(to), len(under)) == (sealed_key.SEALED_TO_BYTES, sealed_key.SEALED_UNDER_BYTES)
    assert sealed_key.open_sealed_to(private, to, "look 1") == key
    assert sealed_key.open_under(secret.encode(), under, "look 1") == key
    place = data.draw(st.integers(0, len(under) - 1))
    for wrong_private, wrong_secret, context, flip in (
        (sealed_key.private_from(secret + "x"), secret + "x", "look 1", 0),
        (private, secret, "look 2", 0),
        (private, secret, "look 1", 1),
    ):
        with pytest.raises(SealBroken):
            sealed_key.open_sealed_to(wrong_private, _flipped(to, place, flip), context)
        with pytest.raises(SealBroken):
            sealed_key.open_under(wrong_secret.encode(), _flipped(under, place, flip), context)


def test_nothing_is_sealed_to_what_is_no_key() -> None:
    """A public half of small order would let anybody open it."""
    for public in (bytes(32), b"\x01" + bytes(31), b"short"):
        with pytest.raises(SealBroken):
            sealed_key.seal_to(public, b"k" * 32, "look 1")


def _flipped(content: bytes, place: int, flip: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= flip
    return bytes(changed)
