"""Gives every visit of a batch its binding, session and cart; set-based, for ingest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC

from sqlmodel import Session

from cart.db import is_sqlite
from cart.db.rows import BIGINT, TEXT, Columns, run
from cart.kernel.clock import Clock, to_us
from cart.kernel.ids import Ids
from gateway.binding import queries
from gateway.binding.model import EndReason
from gateway.binding.queries import Bound, VisitKey

CURRENCY = "EUR"  # until a location says otherwise


@dataclass(frozen=True, slots=True)
class VisitStart:
    """The first sign of a visit: when, and what the device said of it."""

    key: VisitKey
    location_id: str
    at_us: int
    claim_hash: str | None = None
    locale: str = "en"


def begin(
    db: Session, clock: Clock, ids: Ids, starts: Iterable[VisitStart], currency: str = CURRENCY
) -> tuple[dict[VisitKey, Bound], list[Bound]]:
    """Make session, cart and binding of each new visit; return them, and those that they ended.

    A device's earlier visit ends where a later one begins. A visit first heard
    of after the device had moved on is bound, and over at once.
    """
    new = sorted(starts, key=lambda start: start.at_us)
    if not new:
        return {}, []
    live = queries.live_of_devices(db, {start.key[0] for start in new})
    latest = {device: (bound.started_at_us, bound.visit) for device, bound in live.items()}
    made: dict[VisitKey, tuple[VisitStart, Bound]] = {}
    for start in new:
        made[start.key] = (start, _bound(ids, start, currency))
        device_id, visit = start.key
        if (start.at_us, visit) >= latest.get(device_id, (start.at_us, "")):
            latest[device_id] = (start.at_us, visit)
    for device_id, (_, visit) in latest.items():
        if (device_id, visit) in made:
            made[device_id, visit][1].live = True
    over = [bound for device, bound in live.items() if latest[device][1] != bound.visit]
    for bound in over:
        bound.live = False
    end(db, clock, [(bound.binding_id, EndReason.SUPERSEDED) for bound in over])
    _insert(db, clock, made.values(), set(live))
    return {key: bound for key, (_, bound) in made.items()}, over


def _bound(ids: Ids, start: VisitStart, currency: str) -> Bound:
    return Bound(
        binding_id=ids.new("binding"),
        device_id=start.key[0],
        visit=start.key[1],
        session_id=ids.new("session"),
        cart_id=ids.new("cart"),
        currency=currency,
        live=False,
        started_at_us=start.at_us,
    )


_COLUMNS = (
    ("id", TEXT),
    ("device_id", TEXT),
    ("visit", TEXT),
    ("session_id", TEXT),
    ("cart_id", TEXT),
    ("currency", TEXT),
    ("locale", TEXT),
    ("location_id", TEXT),
    ("claim_hash", TEXT),
    ("started_at_us", BIGINT),
    ("end_reason", TEXT),
)
_INSERT_CARTS = (
    "INSERT INTO cart (id, version, latest_at_us, currency, created_at)"
    " SELECT cart_id, 0, 0, currency, {now} FROM {rows}"
)
_INSERT_SESSIONS = (
    "INSERT INTO shopper_session (id, cart_id, locale, created_at)"
    " SELECT session_id, cart_id, locale, {now} FROM {rows}"
)
_INSERT_BINDINGS = (
    "INSERT INTO binding (id, device_id, visit, session_id, location_id, claim_hash,"
    " started_at_us, last_event_at_us, ended_at, end_reason)"
    " SELECT id, device_id, visit, session_id, location_id, claim_hash, started_at_us, :now_us,"
    " CASE WHEN end_reason = '' THEN NULL ELSE {now} END, end_reason FROM {rows}"
)
_END = (
    "UPDATE binding SET ended_at = {now}, end_reason = d.reason FROM {rows}"
    " WHERE binding.id = d.id AND binding.ended_at IS NULL"
)


def _insert(
    db: Session, clock: Clock, made: Iterable[tuple[VisitStart, Bound]], had_live: set[str]
) -> None:
    rows = [
        (
            bound.binding_id,
            bound.device_id,
            bound.visit,
            bound.session_id,
            bound.cart_id,
            bound.currency,
            start.locale,
            start.location_id,
            start.claim_hash,
            bound.started_at_us,
            _why_over(bound, had_live),
        )
        for start, bound in made
    ]
    _run_at(db, clock, _INSERT_CARTS, _COLUMNS, rows)
    _run_at(db, clock, _INSERT_SESSIONS, _COLUMNS, rows)
    _run_at(db, clock, _INSERT_BINDINGS, _COLUMNS, rows, now_us=to_us(clock.now()))


def _run_at(
    db: Session,
    clock: Clock,
    statement: str,
    columns: Columns,
    rows: Iterable[tuple[object, ...]],
    **extra: int,
) -> None:
    """Run a statement whose ``{now}`` is this moment, as each database keeps moments."""
    moment = clock.now().astimezone(UTC)
    if is_sqlite(db.connection()):
        now, text = ":now", moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    else:
        now, text = "CAST(:now AS timestamptz)", moment.isoformat()
    run(db, statement.replace("{now}", now), columns, rows, {"now": text, **extra})


def _why_over(bound: Bound, had_live: set[str]) -> str:
    if bound.live:
        return ""
    return EndReason.LATE if bound.device_id in had_live else EndReason.SUPERSEDED


def end(db: Session, clock: Clock, ended: Iterable[tuple[str, str]]) -> None:
    """End bindings (id, reason) that are still live."""
    _run_at(db, clock, _END, (("id", TEXT), ("reason", TEXT)), list(ended))


def touch(db: Session, clock: Clock, claims: dict[str, str | None]) -> None:
    """Note a sign of each binding, and the claim link of those that report one only now."""
    run(
        db,
        "UPDATE binding SET last_event_at_us = :now_us,"
        " claim_hash = COALESCE(binding.claim_hash, d.claim_hash)"
        " FROM {rows} WHERE binding.id = d.id",
        (("id", TEXT), ("claim_hash", TEXT)),
        list(claims.items()),
        {"now_us": to_us(clock.now())},
    )
