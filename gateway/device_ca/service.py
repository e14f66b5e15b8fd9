"""Commands of the shop's CA: a certificate at enrolment, and each next one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from cart.kernel.clock import Clock
from cart.kernel.errors import EnrolmentRefused, InvalidPayload
from gateway.device_ca.authority import DeviceAuthority
from gateway.device_ca.tables import DeviceCertificateRow
from gateway.registry import queries
from gateway.registry.tables import DeviceRow
from gateway.wire.certificate import certificate_in, common_name, is_proved, requested_key

# A device asks every hour from two thirds of a certificate's life on; it needs one. More than
# this within one life is a device that cannot keep what it gets, or somebody who plays.
GOOD_AT_ONCE_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A device that wants its next certificate, by the present one or, without, its credential."""

    device_id: str
    request: str
    certificate: str = ""
    signature: bytes = b""
    credential: str = ""


def issue(
    db: Session,
    clock: Clock,
    authority: DeviceAuthority,
    *,
    device_id: str,
    request: str,
    lifetime: timedelta,
) -> str:
    """Return a certificate (PEM) for the key of ``request``; those that ran out are forgotten.

    Raises:
        InvalidPayload: the request is none.
        EnrolmentRefused: the device has GOOD_AT_ONCE_MAX that are good.
    """
    key, now = requested_key(request), clock.now()
    db.exec(delete(DeviceCertificateRow).where(col(DeviceCertificateRow.not_after) <= now))
    found = select(func.count()).where(DeviceCertificateRow.device_id == device_id)
    if db.exec(found).one() >= GOOD_AT_ONCE_MAX:
        msg = f"{device_id} has {GOOD_AT_ONCE_MAX} certificates that are good; it gets no more"
        raise EnrolmentRefused(msg)
    made = authority.issue(key, device_id, now, lifetime)
    row = DeviceCertificateRow(
        serial=made.serial, device_id=device_id, issued_at=now, not_after=made.not_after
    )
    db.add(row)
    db.flush()
    return made.pem


def renew(
    db: Session, clock: Clock, authority: DeviceAuthority, asked: Asked, lifetime: timedelta
) -> str:
    """Return the next certificate of a device that proves who it is; the one before stays good.

    By credential a device gets its first one only: from then on the key in it is the proof.

    Raises:
        EnrolmentRefused: it does not prove it, was revoked, or what it had has run out.
        InvalidPayload: the request is none.
    """
    row = db.get(DeviceRow, asked.device_id, with_for_update=True)
    good = row is not None and row.revoked_at is None
    if not (good and _is_itself(db, clock, authority, asked)):
        msg = "this is not a device's own certificate or credential, or it is good no longer"
        raise EnrolmentRefused(msg)
    return issue(
        db, clock, authority, device_id=asked.device_id, request=asked.request, lifetime=lifetime
    )


def withdrawn_serials(db: Session, clock: Clock) -> list[str]:
    """Return the certificates of revoked devices that have not run out."""
    found = (
        select(DeviceCertificateRow.serial)
        .join(DeviceRow, col(DeviceRow.id) == DeviceCertificateRow.device_id)
        .where(
            col(DeviceRow.revoked_at).is_not(None),
            DeviceCertificateRow.not_after > clock.now(),
        )
        .order_by(DeviceCertificateRow.serial)
    )
    return list(db.exec(found))


def _is_itself(db: Session, clock: Clock, authority: DeviceAuthority, asked: Asked) -> bool:
    if not asked.certificate:
        has = select(DeviceCertificateRow.serial).where(
            DeviceCertificateRow.device_id == asked.device_id
        )
        right = queries.verify_credential(db, clock, asked.device_id, asked.credential)
        return right is not None and db.exec(has.limit(1)).first() is None
    try:
        certificate = certificate_in(asked.certificate)
    except InvalidPayload:
        return False
    known = db.get(DeviceCertificateRow, f"{certificate.serial_number:x}")
    return (
        authority.has_signed(certificate)
        and known is not None
        and known.device_id == asked.device_id == common_name(certificate)
        and certificate.not_valid_after_utc > clock.now()
        and is_proved(certificate, asked.device_id, asked.request, asked.signature)
    )
