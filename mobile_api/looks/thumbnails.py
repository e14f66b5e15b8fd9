"""The small picture of a look, out of the head of its contact sheet; kept nowhere.

The mirror puts it there (``store_devices.mirror.thumbnail``; docs/looks.md says how), so it is the
sheet's in all that matters: who opens it, when it ends, what deletes it.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from cart.looks.model import MEDIA_TYPES, Part
from mobile_api.looks import streaming

MARK: Final = b"carryover thumbnail 1\x00"
_JPEG: Final = b"\xff\xd8"
_COMMENT: Final = b"\xff\xfe"
_FIRST: Final = len(_JPEG) + len(_COMMENT) + 2  # its text begins here; two bytes say how long it is


def thumbnail_of(request: Request, found: streaming.Sealed) -> Response:
    """Return the small picture of a look whose sheet this is; of an older look the sheet itself.

    Raises:
        SealBroken, ObjectGone: as for the sheet.
    """
    small = in_head(streaming.head_of(found))
    if small is None:
        return streaming.part_of(request, found)
    return Response(small, 200, streaming.HERS_ALONE, MEDIA_TYPES[Part.SHEET][0])


def in_head(head: bytes) -> bytes | None:
    """Return the JPEG in the first comment of a sheet; None: there is none, or not all of it."""
    if head[:4] != _JPEG + _COMMENT or not head.startswith(MARK, _FIRST):
        return None
    end = 4 + int.from_bytes(head[4:_FIRST])
    small = head[_FIRST + len(MARK) : end]
    return small if end <= len(head) and small.startswith(_JPEG) else None
