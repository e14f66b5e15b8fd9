"""Every select on bindings."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, and_, col, or_, select

from cart.carts.tables import ShopperSessionRow
from cart.db import is_sqlite
from cart.db.rows import TEXT, AnyRow, Ask, run
from gateway.binding.model import EndReason
from gateway.binding.tables import BindingRow
from gateway.registry.tables import DeviceRow, DeviceSeenRow

ALIKE_MAX: Final = 8  # visits of one code; in fifty million one pair is to be expected

VisitKey = tuple[str, str]  # device id, visit


@dataclass(slots=True)
class Bound:
    """A visit as ingest needs it."""

    binding_id: str
    device_id: str
    visit: str
    session_id: str
    cart_id: str
    currency: str
    live: bool
    started_at_us: int
    claimed_at_us: int | None = None
    prior_cart_id: str | None = None
    erased: bool = False  # whose visit it was is nobody's business any more: nothing is done for it


_COLUMNS = (
    "b.id, b.device_id, b.visit, b.session_id, s.cart_id, c.currency, b.ended_at, b.started_at_us,"
    " b.claimed_at_us, b.prior_cart_id, b.end_reason"
)
_VISIT_KEY = (("device_id", TEXT), ("visit", TEXT))
_JOIN = " JOIN shopper_session AS s ON s.id = b.session_id JOIN cart AS c ON c.id = s.cart_id"


def _bound(row: AnyRow) -> Bound:
    values: list[Any] = list(row)
    values[6], values[10] = values[6] is None, values[10] == EndReason.ERASED
    return Bound(*values)


def visits(db: Session, keys: Iterable[VisitKey], *, lock: bool = False) -> dict[VisitKey, Bound]:
    """Return what is known of these visits; with ``lock`` a claim waits for our commit."""
    wanted = list(keys)
    if lock and not is_sqlite(db.connection()):
        # In a statement of its own. A claim moves a binding to another session; PostgreSQL, having
        # waited for it, would join the new binding with the old session, find that they do not
        # match, and leave the visit out as if nobody had heard of it.
        run(
            db,
            "SELECT b.id FROM {rows} JOIN binding AS b"
            " ON b.device_id = d.device_id AND b.visit = d.visit ORDER BY b.id FOR UPDATE OF b",
            _VISIT_KEY,
            wanted,
        )
    found = run(
        db,
        f"SELECT {_COLUMNS} FROM {{rows}}"  # noqa: S608 - constants
        f" JOIN binding AS b ON b.device_id = d.device_id AND b.visit = d.visit{_JOIN}",
        _VISIT_KEY,
        wanted,
    )
    return {(row[1], row[2]): _bound(row) for row in found}


def claimed_by(db: Session, claim_hashes: Iterable[str]) -> dict[str, VisitKey]:
    """Return the visit that each of these claims belongs to, if there is one."""
    found = run(
        db,
        "SELECT b.claim_hash, b.device_id, b.visit FROM {rows} JOIN binding AS b"
        " ON b.claim_hash = d.claim_hash",
        (("claim_hash", TEXT),),
        [(one,) for one in claim_hashes],
    )
    return {row[0]: (row[1], row[2]) for row in found}


def live_of_devices(db: Session, device_ids: Iterable[str]) -> dict[str, Bound]:
    """Return the live binding of each device that has one."""
    found = run(
        db,
        f"SELECT {_COLUMNS} FROM {{rows}}"  # noqa: S608 - constants
        f" JOIN binding AS b ON b.device_id = d.device_id AND b.ended_at IS NULL{_JOIN}",
        (("device_id", TEXT),),
        [(device_id,) for device_id in device_ids],
    )
    return {row[1]: _bound(row) for row in found}


def live_of_carts(db: Session, cart_ids: Iterable[str]) -> list[Bound]:
    """Return the live bindings that show these carts."""
    found = run(
        db,
        f"SELECT {_COLUMNS} FROM {{rows}}"  # noqa: S608 - constants
        " JOIN shopper_session AS s ON s.cart_id = d.cart_id"
        " JOIN binding AS b ON b.session_id = s.id AND b.ended_at IS NULL"
        " JOIN cart AS c ON c.id = s.cart_id",
        (("cart_id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )
    return [_bound(row) for row in found]


def carts_shown(db: Session, partition: str) -> Sequence[str]:
    """Return the carts that devices of a partition show now."""
    return db.exec(
        select(ShopperSessionRow.cart_id)
        .join(BindingRow, col(BindingRow.session_id) == ShopperSessionRow.id)
        .join(DeviceRow, col(DeviceRow.id) == BindingRow.device_id)
        .where(col(BindingRow.ended_at).is_(None), DeviceRow.partition == partition)
        .distinct()
    ).all()


def places_ask(cart_ids: Iterable[str]) -> Ask:
    """Ask for each cart that a device holds now, and that device's location."""
    return Ask(
        "SELECT d.cart_id, min(b.location_id) FROM {rows}"
        " JOIN shopper_session AS s ON s.cart_id = d.cart_id"
        " JOIN binding AS b ON b.session_id = s.id AND b.ended_at IS NULL GROUP BY d.cart_id",
        (("cart_id", TEXT),),
        [(cart_id,) for cart_id in cart_ids],
    )


def of_session(db: Session, session_id: str) -> Sequence[BindingRow]:
    """Return the live bindings of a shopper session: the devices she holds now."""
    return db.exec(
        select(BindingRow).where(
            BindingRow.session_id == session_id, col(BindingRow.ended_at).is_(None)
        )
    ).all()


def of_claim(db: Session, claim_hash: str, session_id: str | None = None) -> BindingRow | None:
    """Return the binding that a claim link names, its row locked until the commit.

    Locked with it are the devices that ``session_id`` holds already: whatever they
    have scanned is in that session's cart before a claim looks whether it is empty.
    """
    found = db.exec(
        select(BindingRow)
        .where(
            or_(
                col(BindingRow.claim_hash) == claim_hash,
                and_(
                    col(BindingRow.session_id) == session_id,
                    col(BindingRow.ended_at).is_(None),
                ),
            )
        )
        .order_by(col(BindingRow.id))  # as ingest does, so that neither waits for the other
        .with_for_update()
    )
    return next((one for one in found.all() if one.claim_hash == claim_hash), None)


def of_code(db: Session, hashes: tuple[str, str], ended_after: datetime) -> str | None:
    """Return the claim hash from the first to the last of these; None: nobody can say which.

    Of several it is the one that can still be claimed: not claimed, and live or ended after
    ``ended_after``. Where none can be, it is the newest.
    """
    rows = db.exec(
        select(BindingRow)
        .where(
            col(BindingRow.claim_hash) >= hashes[0],
            col(BindingRow.claim_hash) <= hashes[1],
        )
        .order_by(col(BindingRow.started_at_us).desc())
        .limit(ALIKE_MAX)
    ).all()
    good = [
        one
        for one in rows
        if one.claimed_at_us is None and (one.ended_at is None or one.ended_at >= ended_after)
    ]
    found = good or rows[:1]
    return found[0].claim_hash if len(found) == 1 else None


def held_for_tap(
    db: Session, device_id: str, session_ids: Collection[str] = ()
) -> BindingRow | None:
    """Return the live binding of a device, locked with those that these sessions hold already.

    The device's own row is locked as well: of two bands at once, the second sees what the
    first has come to, also where there was no binding before.
    """
    db.exec(
        select(DeviceRow.id).where(DeviceRow.id == device_id).with_for_update(key_share=True)
    ).all()
    found = db.exec(
        select(BindingRow)
        .where(
            or_(BindingRow.device_id == device_id, col(BindingRow.session_id).in_(session_ids)),
            col(BindingRow.ended_at).is_(None),
        )
        .order_by(col(BindingRow.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return next((one for one in found.all() if one.device_id == device_id), None)


def of_visit(db: Session, device_id: str, visit: str) -> BindingRow | None:
    """Return the binding of a visit, ended or not, locked until the commit."""
    return db.exec(
        select(BindingRow)
        .where(BindingRow.device_id == device_id, BindingRow.visit == visit)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def latest_late(db: Session, device_id: str, since: datetime) -> BindingRow | None:
    """Return the last visit that was first heard of since then, when its device had moved on."""
    return db.exec(
        select(BindingRow)
        .where(
            BindingRow.device_id == device_id,
            BindingRow.end_reason == EndReason.LATE,
            col(BindingRow.ended_at) >= since,
        )
        .order_by(col(BindingRow.started_at_us).desc(), col(BindingRow.visit).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def by_band(
    db: Session,
    *,
    loan_id: str | None = None,
    session_id: str | None = None,
    device_ids: Collection[str] | None = None,
    location_id: str | None = None,
) -> list[VisitKey]:
    """Return live visits that a band made somebody's, locked until the commit.

    Hers by this loan of a band, or as this session; of all devices, or of these, or of those at a
    location.
    """
    asked = select(BindingRow).where(
        col(BindingRow.band_loan_id).is_not(None),
        col(BindingRow.ended_at).is_(None),
        or_(BindingRow.band_loan_id == loan_id, BindingRow.session_id == session_id),
    )
    if device_ids is not None:
        asked = asked.where(col(BindingRow.device_id).in_(device_ids))
    if location_id is not None:
        asked = asked.where(BindingRow.location_id == location_id)
    found = db.exec(asked.order_by(col(BindingRow.id)).with_for_update())
    return [(one.device_id, one.visit) for one in found.all()]


def idle(db: Session, before_us: int, offline_before_us: int, limit: int) -> Sequence[BindingRow]:
    """Return live bindings without any sign since ``before_us``.

    Of a device that is offline only those without one since ``offline_before_us``:
    somebody may be using it, and it has a countdown of its own.
    """
    return db.exec(
        select(BindingRow)
        .join(DeviceSeenRow, col(DeviceSeenRow.device_id) == BindingRow.device_id, isouter=True)
        .where(
            col(BindingRow.ended_at).is_(None),
            BindingRow.last_event_at_us < before_us,
            col(DeviceSeenRow.online).is_(True) | (BindingRow.last_event_at_us < offline_before_us),
        )
        .order_by(col(BindingRow.id))  # locked in this order, as ingest does
        .limit(limit)
        .with_for_update(of=BindingRow)
    ).all()


def session_of(db: Session, session_id: str, *, lock: bool = False) -> ShopperSessionRow | None:
    """Return a shopper session; with ``lock`` as it is now, its row locked until the commit."""
    if not lock:
        return db.get(ShopperSessionRow, session_id)
    # Not the whole key: rows that refer to the session need not wait.
    return db.get(
        ShopperSessionRow, session_id, populate_existing=True, with_for_update={"key_share": True}
    )


def session_now(db: Session, session_id: str, customer_id: str | None) -> str | None:
    """Return the session of who had this one, None when it is over.

    A customer's own, which she may have signed in to since: its cart is the one she has.
    """
    if customer_id is not None:
        hers = select(ShopperSessionRow.id).where(ShopperSessionRow.customer_id == customer_id)
        if (found := db.exec(hers).one_or_none()) is not None:
            return found
    session = session_of(db, session_id)
    return session.id if session is not None and session.ended_at is None else None
