"""Every select on bindings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from cart.carts.tables import ShopperSessionRow
from cart.db import is_sqlite
from cart.db.rows import TEXT, AnyRow, run
from gateway.binding.tables import BindingRow

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


_COLUMNS = (
    "b.id, b.device_id, b.visit, b.session_id, s.cart_id, c.currency, b.ended_at, b.started_at_us,"
    " b.claimed_at_us, b.prior_cart_id"
)
_JOIN = " JOIN shopper_session AS s ON s.id = b.session_id JOIN cart AS c ON c.id = s.cart_id"


def _bound(row: AnyRow) -> Bound:
    values: list[Any] = list(row)
    values[6] = values[6] is None
    return Bound(*values)


def visits(db: Session, keys: Iterable[VisitKey], *, lock: bool = False) -> dict[VisitKey, Bound]:
    """Return what is known of these visits; with ``lock`` a claim waits for our commit."""
    locked = lock and not is_sqlite(db.connection())
    suffix = " ORDER BY b.id FOR UPDATE OF b" if locked else ""
    found = run(
        db,
        f"SELECT {_COLUMNS} FROM {{rows}}"  # noqa: S608 - constants
        f" JOIN binding AS b ON b.device_id = d.device_id AND b.visit = d.visit{_JOIN}{suffix}",
        (("device_id", TEXT), ("visit", TEXT)),
        keys,
    )
    return {(row[1], row[2]): _bound(row) for row in found}


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


def of_session(db: Session, session_id: str) -> Sequence[BindingRow]:
    """Return the live bindings of a shopper session: the devices she holds now."""
    return db.exec(
        select(BindingRow).where(
            BindingRow.session_id == session_id, col(BindingRow.ended_at).is_(None)
        )
    ).all()


def of_claim(db: Session, claim_hash: str) -> BindingRow | None:
    """Return the binding that a claim link names, its row locked until the commit."""
    return db.exec(
        select(BindingRow).where(BindingRow.claim_hash == claim_hash).with_for_update()
    ).first()


def idle(db: Session, before_us: int, limit: int) -> Sequence[BindingRow]:
    """Return live bindings without any sign since ``before_us``."""
    return db.exec(
        select(BindingRow)
        .where(col(BindingRow.ended_at).is_(None), BindingRow.last_event_at_us < before_us)
        .limit(limit)
    ).all()


def session_of(db: Session, session_id: str) -> ShopperSessionRow | None:
    """Return a shopper session."""
    return db.get(ShopperSessionRow, session_id)
