"""Notes findings, and that somebody looked at them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, func, or_, select, update

from cart.db.rows import BIGINT, TEXT, run
from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import UnknownDevice
from gateway.findings.tables import DETAIL_LENGTH_MAX, DeviceFindingRow, FindingKind

_OPEN = or_(
    col(DeviceFindingRow.looked_at_us).is_(None),
    col(DeviceFindingRow.looked_at_us) < col(DeviceFindingRow.last_seen_us),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Something odd, ``count`` times; ``detail`` is for a person, in English as logs are."""

    device_id: str
    kind: FindingKind
    detail: str
    count: int = 1


def note(db: Session, clock: Clock, found: Iterable[Found]) -> None:
    """Add findings to those of their kinds; of devices that are not enrolled nothing is kept."""
    together: dict[tuple[str, str], Found] = {}
    for one in found:
        key = (one.device_id, one.kind.value)
        before = together.get(key)
        count = one.count + (before.count if before else 0)
        together[key] = Found(one.device_id, one.kind, one.detail, count)
    if not together:
        return
    run(
        db,
        "INSERT INTO device_finding"
        " (device_id, kind, first_seen_us, last_seen_us, count, detail, looked_by)"
        " SELECT v.id, d.kind, :now_us, :now_us, d.count, d.detail, ''"
        " FROM {rows} JOIN device AS v ON v.id = d.device_id WHERE true ORDER BY v.id, d.kind"
        " ON CONFLICT (device_id, kind) DO UPDATE SET last_seen_us = excluded.last_seen_us,"
        " count = device_finding.count + excluded.count, detail = excluded.detail",
        (("device_id", TEXT), ("kind", TEXT), ("count", BIGINT), ("detail", TEXT)),
        [
            (*key, one.count, "".join(filter(str.isprintable, one.detail))[:DETAIL_LENGTH_MAX])
            for key, one in together.items()
        ],
        {"now_us": to_us(clock.now())},
    )


def looked_at(db: Session, clock: Clock, *, device_id: str, kind: FindingKind, by: str) -> None:
    """Note that ``by`` has looked at a finding; once more changes only who and when.

    Raises:
        UnknownDevice: nothing of this kind was found of such a device.
    """
    done = db.exec(
        update(DeviceFindingRow)
        .where(
            col(DeviceFindingRow.device_id) == device_id,
            col(DeviceFindingRow.kind) == kind.value,
        )
        .values(looked_at_us=to_us(clock.now()), looked_by=by)
    )
    if not done.rowcount:
        msg = f"nothing of the kind {kind} was found of a device {device_id!r}"
        raise UnknownDevice(msg, device_id=device_id)


def findings(db: Session, device_id: str) -> list[DeviceFindingRow]:
    """Return what was found of a device, the latest first."""
    return list(
        db.exec(
            select(DeviceFindingRow)
            .where(DeviceFindingRow.device_id == device_id)
            .order_by(col(DeviceFindingRow.last_seen_us).desc())
        )
    )


def is_open(row: DeviceFindingRow) -> bool:
    """Say whether nobody has looked since it was seen last."""
    return row.looked_at_us is None or row.looked_at_us < row.last_seen_us


def open_by_device(db: Session) -> dict[str, int]:
    """Return how many findings of each device nobody has looked at."""
    found = db.exec(
        select(DeviceFindingRow.device_id, func.count())
        .where(_OPEN)
        .group_by(col(DeviceFindingRow.device_id))
    )
    return dict(found.all())


def open_by_kind(db: Session) -> dict[str, int]:
    """Return of how many devices each kind is open; every kind is there."""
    found = db.exec(
        select(DeviceFindingRow.kind, func.count())
        .where(_OPEN)
        .group_by(col(DeviceFindingRow.kind))
    )
    return dict.fromkeys(FindingKind, 0) | dict(found.all())
