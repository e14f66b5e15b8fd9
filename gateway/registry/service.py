"""Commands of the registry: enrol, redeem, revoke, rotate, and noting who was seen.

Knows neither MQTT nor HTTP: the command line and the API's enrolment route both
come here. Secrets are returned to the caller once and kept as hashes.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from cart.db import is_sqlite
from cart.db.rows import BIGINT, BOOLEAN, TEXT, run
from cart.kernel.clock import Clock
from cart.kernel.errors import (
    DeviceRevoked,
    EnrolmentRefused,
    InvalidPayload,
    Unavailable,
    UnknownDevice,
)
from cart.kernel.ids import Ids, secret_hash
from gateway.registry.model import (
    ENROLMENT_LIFETIME,
    ROTATION_OVERLAP,
    Enrolled,
    Seen,
    checked_enrolment,
    device_id_from,
)
from gateway.registry.tables import DeviceRow, EnrolmentRow
from gateway.wire.credential import HASH, credential_hash
from gateway.wire.topics import partition_of

DRAWS_MAX = 8  # ids tried; that many taken in a row means the randomness is broken
# Signs of life closer than this are one: a busy device's row is written once a second at most.
SEEN_PRECISION_US = 1_000_000


def enrol(
    db: Session,
    clock: Clock,
    ids: Ids,
    *,
    kind: str,
    location_id: str,
    name: str = "",
    lifetime: timedelta = ENROLMENT_LIFETIME,
) -> str:
    """Return a one-time token with which one device of this kind can enrol at this location.

    Whether the location exists is the caller's to ask (:mod:`gateway.registry.locations`).

    Raises:
        InvalidInput: see :func:`gateway.registry.model.checked_enrolment`.
    """
    checked_enrolment(kind, location_id, name, lifetime)
    token, now = ids.token(), clock.now()
    db.add(
        EnrolmentRow(
            token_hash=secret_hash(token),
            kind=kind,
            location_id=location_id,
            name=name,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    db.flush()
    return token


def redeem(db: Session, clock: Clock, ids: Ids, *, token: str) -> Enrolled:
    """Turn a token into a device and its credential; of rivals exactly one gets them.

    Raises:
        EnrolmentRefused: the token is unknown, used or too old. Nothing has changed.
    """
    now, token_hash = clock.now(), secret_hash(token)
    granted = db.execute(
        update(EnrolmentRow)
        .where(
            col(EnrolmentRow.token_hash) == token_hash,
            col(EnrolmentRow.used_at).is_(None),
            col(EnrolmentRow.expires_at) > now,
        )
        .values(used_at=now)
        .returning(col(EnrolmentRow.kind), col(EnrolmentRow.location_id), col(EnrolmentRow.name))
    ).one_or_none()
    if granted is None:
        msg = "this enrolment token is unknown, used or too old; ask for a new one"
        raise EnrolmentRefused(msg)
    kind, location_id, name = granted
    credential = ids.token()
    partition = partition_of(location_id)
    device_id = _insert(
        db,
        ids,
        {
            "kind": kind,
            "location_id": location_id,
            "partition": partition,
            "credential_hash": credential_hash(credential),
            "name": name,
            "enrolled_at": now,
        },
    )
    db.execute(
        update(EnrolmentRow)
        .where(col(EnrolmentRow.token_hash) == token_hash)
        .values(device_id=device_id)
    )
    return Enrolled(device_id, kind, location_id, partition, credential)


def _insert(db: Session, ids: Ids, values: dict[str, object]) -> str:
    insert = sqlite.insert if is_sqlite(db.connection()) else postgresql.insert
    for _ in range(DRAWS_MAX):
        device_id = device_id_from(str(values["kind"]), ids.token())
        statement = (
            insert(DeviceRow)
            .values(id=device_id, **values)
            .on_conflict_do_nothing()
            .returning(col(DeviceRow.id))
        )
        if db.execute(statement).one_or_none() is not None:
            return device_id
    msg = f"{DRAWS_MAX} device ids in a row were taken already"
    raise Unavailable(msg)


def revoke(db: Session, clock: Clock, *, device_id: str) -> None:
    """Withdraw a device's credential for ever; once more changes nothing.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
    """
    row = _locked(db, device_id)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        db.add(row)
        db.flush()


def rotate(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, overlap: timedelta = timedelta(0)
) -> str:
    """Return a fresh credential, good from the commit on.

    The one before is good until the fresh one is used, ``overlap`` at most.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
        DeviceRevoked: a revoked device gets no new one; it is enrolled anew.
    """
    credential = ids.token()
    _exchange(db, clock, device_id, credential_hash(credential), overlap)
    return credential


def rotated(db: Session, clock: Clock, *, device_id: str, kept: str) -> None:
    """Take the hash of a credential that the device has made and kept; otherwise as rotate.

    The one before is good until the fresh one is used, ROTATION_OVERLAP at most.

    Raises:
        InvalidPayload: this is no hash.
        DeviceRevoked: a revoked device gets no new one.
    """
    if HASH.fullmatch(kept) is None:
        msg = "a device answers a rotation with the hash of its fresh credential"
        raise InvalidPayload(msg)
    _exchange(db, clock, device_id, kept, ROTATION_OVERLAP)


def _exchange(db: Session, clock: Clock, device_id: str, kept: str, overlap: timedelta) -> None:
    row = _locked(db, device_id)
    if row.revoked_at is not None:
        msg = f"device {device_id} was revoked; enrol it anew"
        raise DeviceRevoked(msg, device_id=device_id)
    now = clock.now()
    # Twice before it was used: the device still has the first.
    unused = row.previous_until is not None and row.previous_until > now
    row.previous_hash = row.previous_hash if unused else row.credential_hash
    row.previous_until = now + overlap
    row.credential_hash = kept
    if not overlap:
        row.previous_hash, row.previous_until = "", None
    db.add(row)
    db.flush()


def first_use(db: Session, device_id: str, kept: str) -> None:
    """End the credential before the one whose hash is ``kept``: the device has used this one."""
    db.exec(
        update(DeviceRow)
        .where(col(DeviceRow.id) == device_id, col(DeviceRow.credential_hash) == kept)
        .values(previous_hash="", previous_until=None)
    )


def _locked(db: Session, device_id: str) -> DeviceRow:
    row = db.get(DeviceRow, device_id, with_for_update=True)
    if row is None:
        msg = f"there is no device {device_id!r}"
        raise UnknownDevice(msg, device_id=device_id)
    return row


_SEEN_COLUMNS = (("device_id", TEXT), ("at_us", BIGINT), ("online", BOOLEAN))
_SEEN_INSERT = (
    "INSERT INTO device_seen (device_id, last_seen_at_us, online, since_us)"
    " SELECT v.id, d.at_us, COALESCE(d.online, false), d.at_us"
    " FROM {rows} JOIN device AS v ON v.id = d.device_id"
    " WHERE true ORDER BY v.id"
)
_HEARD = (
    f"{_SEEN_INSERT} ON CONFLICT (device_id) DO UPDATE"
    " SET last_seen_at_us = excluded.last_seen_at_us"
    " WHERE device_seen.last_seen_at_us + :precision_us <= excluded.last_seen_at_us"
)
_TURNED = (
    f"{_SEEN_INSERT} ON CONFLICT (device_id) DO UPDATE SET"
    " last_seen_at_us = CASE WHEN device_seen.last_seen_at_us > excluded.last_seen_at_us"
    " THEN device_seen.last_seen_at_us ELSE excluded.last_seen_at_us END,"
    " since_us = CASE WHEN device_seen.online = excluded.online"
    " THEN device_seen.since_us ELSE excluded.since_us END,"
    " online = excluded.online"
)


def seen(db: Session, rows: Iterable[Seen]) -> None:
    """Note signs of life, in the order of ``rows``; at most two statements.

    Devices that are not enrolled are passed over. A row whose ``online`` is None
    moves only the time, and only by steps of SEEN_PRECISION_US.
    """
    heard: dict[str, Seen] = {}
    turned: dict[str, Seen] = {}
    for row in rows:
        batch = heard if row.online is None else turned
        batch[row.device_id] = row
    run(db, _TURNED, _SEEN_COLUMNS, [(r.device_id, r.at_us, r.online) for r in turned.values()])
    run(
        db,
        _HEARD,
        _SEEN_COLUMNS,
        [(r.device_id, r.at_us, None) for r in heard.values()],
        {"precision_us": SEEN_PRECISION_US},
    )
