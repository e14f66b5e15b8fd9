"""Parts of looks as they go out: opened chunk by chunk for whoever has the key; kept nowhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from cart.kernel import sealed_file
from cart.looks.model import MEDIA_TYPES, Part, object_name
from cart.looks.tables import LookRow
from mobile_api.edge.keeping import NO_STORE
from mobile_api.wiring import Parts

# One range, as players and browsers ask; of anything else the whole file is the right answer
# (RFC 9110, 14.2).
_RANGE: Final = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
# "identity": compressing a video gains nothing, and a range is one of the bytes as they are.
HERS_ALONE: Final = {
    **NO_STORE,
    "Content-Encoding": "identity",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_COMMON: Final = {**HERS_ALONE, "Accept-Ranges": "bytes"}


@dataclass(frozen=True, slots=True)
class Sealed:
    """A part of a look, and what opens it."""

    wired: Parts
    look: LookRow
    part: Part
    content_key: bytes

    @property
    def sealed_bytes(self) -> int:
        """How long the sealed file is."""
        return self.look.video_bytes if self.part is Part.VIDEO else self.look.sheet_bytes


def head_of(found: Sealed) -> bytes:
    """Return the beginning of a part: what one chunk has, 64 KiB.

    Raises:
        SealBroken: it is not as the mirror sealed it.
        ObjectGone: its object is lost.
    """
    whole = sealed_file.plain_bytes(found.sealed_bytes)
    return b"".join(_opened(found, 0, min(whole, sealed_file.CHUNK_BYTES)))


def part_of(request: Request, found: Sealed, name: str = "") -> Response:
    """Return a part of a look, or the range of it that is asked for.

    ``name``: of the file, where it is to be saved rather than shown.

    Raises:
        SealBroken: it is not as the mirror sealed it; what was sent before is right.
        ObjectGone: its object is lost.
    """
    look, part = found.look, found.part
    whole = sealed_file.plain_bytes(found.sealed_bytes)
    asked = asked_range(request.headers.get("range", ""), whole)
    headers = dict(_COMMON)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if asked is None:
        headers["Content-Range"] = f"bytes */{whole}"
        return Response(status_code=416, headers=headers)
    first, past = asked
    headers["Content-Length"] = str(past - first)
    status = 200
    if request.headers.get("range") and (first, past) != (0, whole):
        status, headers["Content-Range"] = 206, f"bytes {first}-{past - 1}/{whole}"
    pieces = _opened(found, first, past)
    media_type = look.media_type if part is Part.VIDEO else MEDIA_TYPES[part][0]
    return StreamingResponse(_begun(pieces), status, headers, media_type=media_type)


def asked_range(header: str, whole: int) -> tuple[int, int] | None:
    """Return the bytes that are asked for, as (first, past the last); None: there are none such.

    Source: RFC 9110, 14.1.2.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.groups() == ("", ""):
        return 0, whole
    begins, ends = found.groups()
    if not begins:
        first, past = max(0, whole - int(ends)), whole
    else:
        first = int(begins)
        past = min(whole, int(ends) + 1) if ends else whole
        if ends and int(ends) < first:
            return 0, whole  # no range at all: to be ignored
    return (first, past) if first < past else None


def _opened(found: Sealed, first: int, past: int) -> Iterator[bytes]:
    part = found.part
    name, key = object_name(found.look.id, part), sealed_file.key_of(found.content_key, part.value)

    def fetch(offset: int, length: int) -> bytes:
        return found.wired.objects.read(name, offset, length)

    return sealed_file.open_range(key, fetch, sealed=found.sealed_bytes, first=first, past=past)


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Open the first chunk before the answer begins: a wrong key is an error, not a short file."""
    first = next(pieces, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()
