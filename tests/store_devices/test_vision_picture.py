"""Uploaded pictures: what is taken, and what is refused before it is unpacked."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from cart.kernel.errors import InvalidPayload, PayloadTooLarge
from store_devices.vision.picture import pixels_of, size_of


def _encoded(kind: str) -> bytes:
    done, data = cv2.imencode(kind, np.full((40, 60, 3), 200, dtype=np.uint8))
    assert done
    return bytes(data.tobytes())


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp"])
def test_what_phones_send_is_taken(kind: str) -> None:
    """JPEG, PNG and WebP give their pixels; the header says their size."""
    data = _encoded(kind)
    assert size_of(data) == (60, 40)
    assert pixels_of(data).shape == (40, 60, 3)


def test_a_bomb_is_refused_by_its_header() -> None:
    """A tiny PNG that claims a huge picture is never unpacked."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    data = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    with pytest.raises(PayloadTooLarge):
        pixels_of(data)


def test_a_part_that_claims_more_than_came_is_refused_before_room_is_made() -> None:
    """The decoder would take gigabytes for it; what follows a whole picture does not matter."""
    whole = _encoded(".png")
    after_header = 8 + 12 + 13
    claims = struct.pack(">I", 0xF000_0000) + b"tEXt" + b"x" * 50
    with pytest.raises(InvalidPayload, match="longer than what came"):
        pixels_of(whole[:after_header] + claims + whole[after_header:])
    assert pixels_of(whole + b"\xff" * 30).shape == (40, 60, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\xff\xd8",
        b"\xff\xd8\xff\xff\xff",
        b"\xff\xd8hello",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBPVP8X",
        b"RIFF\0\0\0\0WEBPVP9 ",
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 300,
        _encoded(".png")[:60],
        _encoded(".jpg")[:30],
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """Cut off, of another kind or nonsense: refused with one and the same error."""
    with pytest.raises(InvalidPayload):
        pixels_of(data)
