"""How a look comes in: a grant for a visit, parts in pieces, and then it is kept at once.

A piece is an object before its row says so, and a row says how far an upload is: a process
that dies leaves both, and the device goes on from there. A look is shown when both of its
parts are whole, have the digest that was announced and lie under their names; not before.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, func, select, update

from cart.db.guarded import insert_new
from cart.kernel import sealed_file, sealed_key
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    GrantRefused,
    InvalidInput,
    NoLooksKey,
    SourceMismatch,
    TooManyLooks,
    UnknownUpload,
    UploadBroken,
    UploadOutOfStep,
)
from cart.kernel.gtin import Gtin
from cart.kernel.ids import Ids, secret_hash
from cart.looks import queries
from cart.looks.model import (
    BYTES_MAX,
    GRANTED_FOR,
    GRANTS_MAX,
    LOOKS_MAX,
    MEDIA_TYPES,
    Part,
    State,
    as_text,
    object_name,
    piece_name,
)
from cart.looks.tables import LookItemRow, LookKeyRow, LookPieceRow, LookRow, LookUploadRow
from cart.objects.model import Objects

logger = logging.getLogger(__name__)
READ_BYTES: Final = 2**20  # of a piece at a time


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose turn it was: a device's visit, and the shopper session that it is bound to."""

    device_id: str
    location_id: str
    visit: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Granted:
    """What a mirror needs to upload one look. ``token`` is said once."""

    look_id: str
    token: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Announced:
    """What a device says of a part before it sends it. ``sealed_key``: bytes, of the look's key."""

    part: Part
    length_bytes: int
    sha256: str
    media_type: str
    sealed_key: bytes


def grant(db: Session, clock: Clock, ids: Ids, visit: Visit) -> Granted:
    """Let a mirror upload one look of a visit, and say to which key it is sealed.

    Raises:
        NoLooksKey: no phone of this shopper has said yes to looks.
        TooManyLooks: she has LOOKS_MAX, or this mirror has GRANTS_MAX under way.
    """
    keys = queries.keys_of(db, visit.session_id)
    if not keys:
        msg = "nothing can be sealed to this shopper: no phone of hers opens looks"
        raise NoLooksKey(msg)
    under_way = (
        select(func.count())
        .select_from(LookRow)
        .where(
            LookRow.device_id == visit.device_id,
            LookRow.state == State.GRANTED,
            LookRow.expires_at > clock.now(),
        )
    )
    if db.exec(under_way).one() >= GRANTS_MAX:
        msg = f"{visit.device_id} uploads {GRANTS_MAX} looks already"
        raise TooManyLooks(msg)
    if queries.counted(db, visit.session_id) >= LOOKS_MAX:
        msg = f"this shopper has {LOOKS_MAX} looks"
        raise TooManyLooks(msg)
    look_id, token, now = ids.new("look"), ids.token(), clock.now()
    db.add(
        LookRow(
            id=look_id,
            key_id=keys[0].id,
            device_id=visit.device_id,
            location_id=visit.location_id,
            visit=visit.visit,
            state=State.GRANTED.value,
            grant_hash=secret_hash(token),
            taken_at=now,
            expires_at=now + GRANTED_FOR,
        )
    )
    db.flush()
    return Granted(look_id, token, keys[0].public_key)


def create(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, token: str, said: Announced
) -> LookUploadRow:
    """Begin the upload of a part; once more, for an answer that was lost, it is the same one.

    Raises:
        GrantRefused: the grant is unknown, over, used, or another device's.
        InvalidInput: a length, type, digest or key that cannot be.
        UploadOutOfStep: this part was announced otherwise before.
    """
    _check(said)
    wanted = select(LookRow).where(LookRow.grant_hash == secret_hash(token)).with_for_update()
    look = db.exec(wanted).first()
    now = clock.now()
    if look is None or look.device_id != device_id:
        msg = "no such grant of this device"
        raise GrantRefused(msg)
    if look.state != State.GRANTED or look.expires_at <= now:
        msg = f"the grant for look {look.id} is over"
        raise GrantRefused(msg)
    key = as_text(said.sealed_key)
    if look.sealed_key not in {"", key}:
        msg = "the parts of a look have one key"
        raise InvalidInput(msg)
    look.sealed_key = key
    if said.part is Part.VIDEO:
        look.media_type = said.media_type
    db.add(look)
    values = {
        "id": ids.new("lookup"),
        "look_id": look.id,
        "part": said.part.value,
        "length_bytes": said.length_bytes,
        "sha256": said.sha256,
        "received_bytes": 0,
        "done": False,
    }
    insert_new(db, LookUploadRow, values, keys=["look_id", "part"])
    row = db.exec(
        select(LookUploadRow).where(
            LookUploadRow.look_id == look.id, LookUploadRow.part == said.part
        )
    ).one()
    if (row.length_bytes, row.sha256) != (said.length_bytes, said.sha256):
        msg = "this part was announced with another length or digest"
        raise UploadOutOfStep(msg, offset=row.received_bytes)
    return row


def _check(said: Announced) -> None:
    if not 0 < said.length_bytes <= BYTES_MAX[said.part]:
        msg = f"a {said.part} has {BYTES_MAX[said.part]} bytes at most, not {said.length_bytes}"
        raise InvalidInput(msg)
    sealed_file.plain_bytes(said.length_bytes)
    if said.media_type not in MEDIA_TYPES[said.part]:
        msg = f"a {said.part} is one of {', '.join(MEDIA_TYPES[said.part])}"
        raise InvalidInput(msg)
    if len(said.sealed_key) != sealed_key.SEALED_TO_BYTES:
        msg = f"a sealed key has {sealed_key.SEALED_TO_BYTES} bytes"
        raise InvalidInput(msg)


def found(db: Session, clock: Clock, *, device_id: str, upload_id: str) -> LookUploadRow:
    """Return an upload of this device that is under way or done.

    Raises:
        UnknownUpload: there is none, it is another device's, or its time is over.
    """
    row = db.get(LookUploadRow, upload_id, populate_existing=True)
    look = db.get(LookRow, row.look_id, populate_existing=True) if row else None
    if row is None or look is None or look.device_id != device_id:
        msg = f"{device_id} has no upload {upload_id}"
        raise UnknownUpload(msg)
    if look.state == State.GRANTED and look.expires_at <= clock.now():
        msg = f"the time for upload {upload_id} is over"
        raise UnknownUpload(msg)
    return row


def received(db: Session, *, upload_id: str, offset: int, length: int) -> None:
    """Note a piece that lies under its name.

    Raises:
        UploadOutOfStep: the upload stands elsewhere: another request was faster.
    """
    counted = db.connection().execute(
        update(LookUploadRow)
        .where(
            col(LookUploadRow.id) == upload_id,
            col(LookUploadRow.received_bytes) == offset,
            col(LookUploadRow.length_bytes) >= offset + length,
        )
        .values(received_bytes=offset + length)
    )
    if not counted.rowcount:
        row = db.get(LookUploadRow, upload_id, populate_existing=True)
        msg = f"upload {upload_id} does not stand at {offset}"
        raise UploadOutOfStep(msg, offset=row.received_bytes if row else 0)
    db.add(LookPieceRow(upload_id=upload_id, offset_bytes=offset, length_bytes=length))
    db.flush()


def pieces(db: Session, upload_id: str) -> Sequence[LookPieceRow]:
    """Return an upload's pieces in their order."""
    return db.exec(
        select(LookPieceRow)
        .where(LookPieceRow.upload_id == upload_id)
        .order_by(col(LookPieceRow.offset_bytes))
    ).all()


def put_together(objects: Objects, row: LookUploadRow, parts: Sequence[LookPieceRow]) -> None:
    """Keep an upload's pieces as the look's part; again after a crash is the same.

    Raises:
        UploadBroken: they are not the bytes that were announced; nothing is kept.
    """
    digest = hashlib.sha256()

    def whole() -> Iterator[bytes]:
        for one in parts:
            name = piece_name(row.id, one.offset_bytes, one.length_bytes)
            for at in range(0, one.length_bytes, READ_BYTES):
                piece = objects.read(name, at, min(READ_BYTES, one.length_bytes - at))
                digest.update(piece)
                yield piece
        if digest.hexdigest() != row.sha256:
            msg = f"upload {row.id} has another digest than it was announced with"
            raise UploadBroken(msg)

    objects.put(object_name(row.look_id, Part(row.part)), whole())


def done(db: Session, row: LookUploadRow) -> LookRow | None:
    """Note that a part lies under its name; keep the look if it was the last one.

    Return the look, None where it was taken back meanwhile.
    """
    wanted = select(LookRow).where(LookRow.id == row.look_id).with_for_update()
    look = db.exec(wanted.execution_options(populate_existing=True)).first()
    if look is None or look.state not in {State.GRANTED, State.KEPT}:
        return None
    uploads = db.exec(
        select(LookUploadRow)
        .where(LookUploadRow.look_id == look.id)
        .execution_options(populate_existing=True)
    ).all()
    for one in uploads:
        if one.id == row.id:
            one.done = True
            db.add(one)
    lengths = {one.part: one.length_bytes for one in uploads if one.done}
    if look.state == State.GRANTED and len(lengths) == len(Part):
        key = db.get_one(LookKeyRow, look.key_id)
        days = queries.keep_days(db, key.session_id)
        look.state = State.KEPT.value
        look.video_bytes, look.sheet_bytes = lengths[Part.VIDEO], lengths[Part.SHEET]
        look.expires_at = look.taken_at + timedelta(days=days)
        db.add(look)
    db.flush()
    return look


def give_up(db: Session, look_id: str) -> None:
    """Take a look back that did not come in as announced: it is deleted like any other."""
    db.exec(
        update(LookRow)
        .where(col(LookRow.id) == look_id, col(LookRow.state) == State.GRANTED)
        .values(state=State.GONE.value, sealed_key="")
    )


def told(
    db: Session,
    *,
    device_id: str,
    visit: str,
    look_id: str,
    gtins: Sequence[Gtin],
    duration_ms: int,
) -> None:
    """Note what a mirror says of a look.

    A look that is not here was deleted since: nothing is kept of it then.

    Raises:
        SourceMismatch: it is another device's, or of another visit.
    """
    look = db.get(LookRow, look_id, with_for_update=True, populate_existing=True)
    if look is None or look.state in {State.DELETED, State.GONE}:
        logger.info("%s tells of look %s, which is not here any more", device_id, look_id)
        return
    if (look.device_id, look.visit) != (device_id, visit):
        msg = f"look {look_id} is not of visit {visit} of {device_id}"
        raise SourceMismatch(msg, source=device_id)
    look.duration_ms = duration_ms
    db.add(look)
    for position, gtin in enumerate(dict.fromkeys(gtins)):
        values = {"look_id": look_id, "gtin": str(gtin), "position": position}
        insert_new(db, LookItemRow, values, keys=["look_id", "gtin"])
