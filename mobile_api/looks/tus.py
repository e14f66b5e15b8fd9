"""Uploads that survive bad networks: tus 1.0 with creation, expiration and termination.

The protocol's words only; what they do is ``cart.looks.uploading``. Of what was received before
a line was cut, everything is kept. Source: https://tus.io/protocols/resumable-upload
"""

import asyncio
from base64 import b64decode
from binascii import Error as NotBase64
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from cart.db import reading, unit_of_work
from cart.db.columns import ID_LENGTH_MAX
from cart.kernel.errors import InvalidInput, UploadBroken, UploadOutOfStep
from cart.looks import uploading
from cart.looks.model import BYTES_MAX, PIECE_BYTES, Part, State, as_bytes, piece_name
from cart.looks.tables import LookRow, LookUploadRow
from mobile_api.edge.access import Role, allow
from mobile_api.looks.devices import UPLOADS, CallingMirror
from mobile_api.wiring import Parts, Wired

router = APIRouter(prefix=UPLOADS, dependencies=[allow(Role.DEVICE)], include_in_schema=False)
VERSION: Final = "1.0.0"
UPLOAD_BYTES_MAX: Final = max(BYTES_MAX.values())  # a whole look may come in one request
METADATA_LENGTH_MAX: Final = 2_048
MEDIA_TYPE: Final = "application/offset+octet-stream"
SPOKEN: Final = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
FACTS: Final = {
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,expiration,termination",
    "Tus-Max-Size": str(UPLOAD_BYTES_MAX),
}
UploadId = Annotated[str, Path(max_length=ID_LENGTH_MAX)]
_DIGEST_LENGTH: Final = 64  # hex SHA-256


@router.options("")
def facts() -> Response:
    """Say what is spoken here."""
    return Response(status_code=204, headers=SPOKEN | FACTS)


@router.post("")
def create(request: Request, wired: Wired, mirror: CallingMirror) -> Response:
    """Begin the upload of a part. ``Upload-Metadata``: grant, part, type, sha256 and key."""
    if (refused := _other_version(request)) is not None:
        return refused
    said = _metadata(request.headers.get("upload-metadata", ""))
    try:
        announced = uploading.Announced(
            part=Part(said.get("part", "")),
            length_bytes=_number(request, "upload-length"),
            sha256=_hex(said.get("sha256", "")),
            media_type=said.get("type", ""),
            sealed_key=as_bytes(said.get("key", "")),
        )
    except ValueError as error:
        msg = f"a look's parts are {', '.join(Part)}"
        raise InvalidInput(msg) from error
    with unit_of_work(wired.engine) as db:
        row = uploading.create(
            db,
            wired.clock,
            wired.ids,
            device_id=mirror.id,
            token=said.get("grant", ""),
            said=announced,
        )
        until = db.get_one(LookRow, row.look_id).expires_at
    headers = {"Location": f"{wired.settings.base_url}{UPLOADS}/{row.id}"}
    return Response(status_code=201, headers=headers | _stand(row.received_bytes, until))


@router.head("/{upload_id}")
def stand(request: Request, upload_id: UploadId, wired: Wired, mirror: CallingMirror) -> Response:
    """Say from where on bytes are missing."""
    if (refused := _other_version(request)) is not None:
        return refused
    row, until = _found(wired, mirror.id, upload_id)
    if row.received_bytes == row.length_bytes and not row.done:
        _finish(wired, mirror.id, upload_id)  # the process died between the last byte and this
    headers = {"Upload-Length": str(row.length_bytes)} | _stand(row.received_bytes, until)
    return Response(status_code=200, headers=headers)


@router.patch("/{upload_id}", max_body_size=UPLOAD_BYTES_MAX)
async def receive(
    request: Request, upload_id: UploadId, wired: Wired, mirror: CallingMirror
) -> Response:
    """Take bytes in from where the upload stands, as far as they come."""
    if (refused := _other_version(request)) is not None:
        return refused
    if request.headers.get("content-type") != MEDIA_TYPE:
        return Response(status_code=415, headers=SPOKEN)
    row, until = await asyncio.to_thread(_found, wired, mirror.id, upload_id)
    offset = _number(request, "upload-offset")
    if offset != row.received_bytes:
        msg = f"upload {upload_id} stands at {row.received_bytes}"
        raise UploadOutOfStep(msg, offset=row.received_bytes)
    waiting = bytearray()
    try:
        async for some in request.stream():
            waiting += some
            if offset + len(waiting) > row.length_bytes:
                msg = f"upload {upload_id} was announced with {row.length_bytes} bytes"
                raise InvalidInput(msg)
            while len(waiting) >= PIECE_BYTES:
                piece = bytes(waiting[:PIECE_BYTES])
                await asyncio.to_thread(_keep, wired, upload_id, offset, piece)
                offset += len(piece)
                del waiting[:PIECE_BYTES]
    except ClientDisconnect:
        await asyncio.to_thread(_keep, wired, upload_id, offset, bytes(waiting))
        return Response(status_code=204, headers=SPOKEN)  # nobody hears it any more
    await asyncio.to_thread(_keep, wired, upload_id, offset, bytes(waiting))
    offset += len(waiting)
    if offset == row.length_bytes:
        await asyncio.to_thread(_finish, wired, mirror.id, upload_id)
    return Response(status_code=204, headers=_stand(offset, until))


@router.delete("/{upload_id}")
def give_up(request: Request, upload_id: UploadId, wired: Wired, mirror: CallingMirror) -> Response:
    """Take back a look that is not kept yet; all that was received of it is deleted."""
    if (refused := _other_version(request)) is not None:
        return refused
    with unit_of_work(wired.engine) as db:
        row = uploading.found(db, wired.clock, device_id=mirror.id, upload_id=upload_id)
        uploading.give_up(db, row.look_id)
    wired.looks_bell()
    return Response(status_code=204, headers=SPOKEN)


def _found(wired: Parts, device_id: str, upload_id: str) -> tuple[LookUploadRow, datetime]:
    with reading(wired.engine) as db:
        row = uploading.found(db, wired.clock, device_id=device_id, upload_id=upload_id)
        return row, db.get_one(LookRow, row.look_id).expires_at


def _keep(wired: Parts, upload_id: str, offset: int, piece: bytes) -> None:
    """Keep a piece: first its bytes, then the row that says so."""
    if not piece:
        return
    wired.objects.put(piece_name(upload_id, offset, len(piece)), [piece])
    with unit_of_work(wired.engine) as db:
        uploading.received(db, upload_id=upload_id, offset=offset, length=len(piece))


def _finish(wired: Parts, device_id: str, upload_id: str) -> None:
    """Put the part together, and keep the look if it was the last one.

    Raises:
        UploadBroken: what came is not what was announced; the look is taken back.
    """
    with reading(wired.engine) as db:
        row = uploading.found(db, wired.clock, device_id=device_id, upload_id=upload_id)
        pieces = uploading.pieces(db, upload_id)
    if row.done:
        return
    try:
        uploading.put_together(wired.objects, row, pieces)
    except UploadBroken:
        with unit_of_work(wired.engine) as db:
            uploading.give_up(db, row.look_id)
        wired.looks_bell()
        raise
    with unit_of_work(wired.engine) as db:
        look = uploading.done(db, row)
    if look is None or look.state == State.KEPT:
        wired.looks_bell()  # its pieces are of no use any more


def _other_version(request: Request) -> Response | None:
    if request.headers.get("tus-resumable") == VERSION:
        return None
    return Response(status_code=412, headers=SPOKEN | FACTS)


def _stand(offset: int, until: datetime) -> dict[str, str]:
    expires = format_datetime(until, usegmt=True)
    return SPOKEN | {"Upload-Offset": str(offset), "Upload-Expires": expires}


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit()) or int(text) > UPLOAD_BYTES_MAX:
        msg = f"{header}: a number up to {UPLOAD_BYTES_MAX} is needed"
        raise InvalidInput(msg)
    return int(text)


def _hex(text: str) -> str:
    if len(text) != _DIGEST_LENGTH or set(text) - set("0123456789abcdef"):
        msg = "sha256: 64 hex digits are needed"
        raise InvalidInput(msg)
    return text


def _metadata(header: str) -> dict[str, str]:
    """Return what ``name base64,name base64`` says."""
    found: dict[str, str] = {}
    if len(header) > METADATA_LENGTH_MAX:
        msg = f"Upload-Metadata has {METADATA_LENGTH_MAX} characters at most"
        raise InvalidInput(msg)
    for pair in filter(None, (one.strip() for one in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = b64decode(value, validate=True).decode("ascii")
        except (ValueError, NotBase64) as error:
            msg = f"Upload-Metadata: {name[:40]} is not base64 of text"
            raise InvalidInput(msg) from error
    return found
