"""An uploaded picture's bytes to pixels, with a bound on what it may unpack to.

Owns the look at the header: a few kilobytes of PNG can claim a gigabyte of
pixels. JPEG, PNG and WebP are taken; that is what phones send.
"""

import struct
from typing import Final

import cv2
import numpy as np

from cart.kernel.errors import InvalidPayload, PayloadTooLarge
from store_devices.hardware import Pixels

PIXELS_MAX: Final = 64_000_000
"""The larger phone cameras take 50 megapixels; as grey and colour that is 200 MB for a moment."""

_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Frame headers; the three left out are tables."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MARK: Final = 0xFF  # every marker begins with it
_JPEG_BARE: Final = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length
_JPEG_SEGMENTS_MAX: Final = 200  # a phone writes some twenty before the frame header


def pixels_of(data: bytes) -> Pixels:
    """Return the picture (BGR), turned the way its EXIF says.

    Raises:
        InvalidPayload: not a JPEG, PNG or WebP picture, or a broken one.
        PayloadTooLarge: it would unpack to more than ``PIXELS_MAX``.
    """
    size = size_of(data)
    if size is None:
        msg = "this is no JPEG, PNG or WebP picture"
        raise InvalidPayload(msg)
    width, height = size
    if width * height > PIXELS_MAX:
        msg = f"a picture of {width} x {height} is larger than {PIXELS_MAX} pixels"
        raise PayloadTooLarge(msg, width=width, height=height)
    if data.startswith(_PNG) and not _png_is_whole(data):
        msg = "the picture is broken: a part of it is longer than what came"
        raise InvalidPayload(msg)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        msg = "the picture is broken"
        raise InvalidPayload(msg)
    return np.asarray(pixels, dtype=np.uint8)


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height as the header says, or ``None`` for anything else."""
    try:
        if data.startswith(_PNG):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return width, height


def _png_is_whole(data: bytes) -> bool:
    """Say whether every chunk fits into what came.

    The decoder makes room for as many bytes as a chunk claims before it reads them: 116 bytes
    can ask for 4 GB.
    """
    at = len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND":
            break
    return at <= len(data)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    for _ in range(_JPEG_SEGMENTS_MAX):
        while data[at] == data[at + 1] == _MARK:  # fill bytes
            at += 1
        if data[at] != _MARK:
            return None
        marker = data[at + 1]
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 if marker in _JPEG_BARE else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return width, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
