"""Commands that move pieces. Each is one guarded UPDATE and one ledger row, together.

Never reads, decides and then writes: the statement that changes the number also
checks it, and its row count is the answer. Whoever calls owns the unit of work.
"""

from typing import Any, Final

from sqlalchemy import Row, text
from sqlmodel import Session

from cart.kernel.clock import Clock, to_us
from cart.kernel.errors import (
    InsufficientStock,
    InvalidInput,
    ReferenceReused,
    UnknownLocation,
    UnknownSku,
)
from inventory_api.stock import queries
from inventory_api.stock.counting import Count, count_many
from inventory_api.stock.model import ON_HAND_MAX, PROMISES, Reason, available
from inventory_api.stock.queries import Availability
from inventory_api.stock.recount import differences
from inventory_api.stock.tables import REFERENCE_LENGTH_MAX

_RETURNING: Final = "RETURNING on_hand, safety_stock, reserved, allocated, version, changed_at_us"
# A row's time never runs backwards, also when two machines' clocks disagree.
STAMP: Final = (
    "version = s.version + 1, changed_at_us = CASE WHEN s.changed_at_us < :now_us"
    " THEN :now_us ELSE s.changed_at_us + 1 END"
)
_MOVE: Final = (
    f"UPDATE stock AS s SET on_hand = s.on_hand + :delta, {STAMP}"  # noqa: S608 - constants
    " WHERE s.location_id = :location_id AND s.sku = :sku"
    f" AND s.on_hand + :delta BETWEEN 0 AND {ON_HAND_MAX} {_RETURNING}"
)
_FIRST: Final = (
    "INSERT INTO stock AS s (location_id, sku, on_hand, reserved, allocated, safety_stock,"  # noqa: S608
    " version, changed_at_us) VALUES (:location_id, :sku, :delta, 0, 0, 0, 1, :now_us)"
    f" ON CONFLICT (location_id, sku) DO UPDATE SET on_hand = s.on_hand + :delta, {STAMP}"
    f" WHERE s.on_hand + :delta BETWEEN 0 AND {ON_HAND_MAX} {_RETURNING}"
)
_LEDGER: Final = (
    "INSERT INTO movement (location_id, sku, delta, reason, reference, at_us)"
    " VALUES (:location_id, :sku, :delta, :reason, :reference, :now_us)"
    " ON CONFLICT (reason, reference, location_id, sku) DO NOTHING"
)
_CORRECTION: Final = (
    "INSERT INTO movement (location_id, sku, delta, reserved_delta, allocated_delta, reason,"
    " reference, at_us) VALUES (:location_id, :sku, :delta, :reserved_delta, :allocated_delta,"
    " :reason, :reference, :now_us)"
)

_PROMISED: Final = (
    f"UPDATE stock AS s SET reserved = :reserved, allocated = :allocated, {STAMP}"  # noqa: S608
    " WHERE s.location_id = :location_id AND s.sku = :sku"
)


def move(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    sku: str,
    delta: int,
    reason: Reason,
    reference: str | None = None,
) -> Availability:
    """Book ``delta`` pieces in or out, and return what is there now.

    With a ``reference`` the same fact counts once: a repeat changes nothing. A
    movement says what happened to real pieces, so only what is on hand limits
    it, not what is promised. A refusal leaves nothing behind, also inside a
    unit of work that goes on.

    Raises:
        InsufficientStock: fewer pieces are on hand than were taken.
        InvalidInput: a delta of zero, more pieces than a location can hold, or a
            reason that is a promise's.
        ReferenceReused: the reference was booked with another number of pieces.
        UnknownLocation, UnknownSku: the catalogue has no such name.
    """
    _require_bookable(delta, reference)
    if reason in PROMISES:
        msg = f"{reason} is no movement of pieces: orders book their promises themselves"
        raise InvalidInput(msg, reason=reason)
    db.connection()  # on SQLite the wait for other writers is here, before the time is taken
    values: dict[str, Any] = {
        "location_id": location_id,
        "sku": sku,
        "delta": delta,
        "reason": Reason(reason).value,
        "reference": reference,
        "now_us": to_us(clock.now()),
    }
    saved = db.begin_nested()  # what turns out a repeat or is refused is undone here
    try:
        row = _moved(db, values)
        if row is not None and db.connection().execute(text(_LEDGER), values).rowcount == 1:
            saved.commit()
            on_hand, buffer, reserved, allocated, version, changed_at_us = row
            atp = available(on_hand, buffer, reserved, allocated)
            return Availability(location_id, sku, on_hand, atp, version, clock.now(), changed_at_us)
    finally:
        if saved.is_active:
            saved.rollback()
    return _without_moving(db, clock, values)


def count(
    db: Session,
    clock: Clock,
    *,
    location_id: str,
    sku: str,
    on_hand: int,
    safety_stock: int | None = None,
    reference: str,
) -> Availability:
    """Set ``on_hand`` to what somebody counted; the ledger gets the difference.

    ``reference`` names the count: the same one again changes nothing, whatever
    was sold since.

    Raises:
        InvalidInput: a number below zero, or more pieces than a location can hold.
        UnknownLocation, UnknownSku: the catalogue has no such name.
    """
    if not 0 <= on_hand <= ON_HAND_MAX:
        msg = f"a count is between 0 and {ON_HAND_MAX} pieces, not {on_hand}"
        raise InvalidInput(msg, on_hand=on_hand)
    require_names(db, location_id, sku)
    if queries.movement_of(db, Reason.COUNTED, reference, (location_id, sku)) is None:
        counted = Count(location_id, sku, on_hand, safety_stock)
        count_many(db, clock, [counted], reference=reference, run_reference=reference)
    (answer,) = queries.availability(db, [sku], [location_id], as_of=clock.now())
    return answer


def correct_ledger(
    db: Session, clock: Clock, *, location_id: str, sku: str, reference: str
) -> int | None:
    """Bring the ledger back to the stock; return the pieces booked, None if it was right.

    What is on hand stays: it is what shoppers were told and staff counted. So do
    the promises; 0 is returned where only their entries were missing.
    """
    queries.positions(db, [(location_id, sku)], lock=True)
    found = differences(db, 1, only=(location_id, sku))
    if not found or not any(found[0].ledger_deltas):
        return None
    delta, reserved_delta, allocated_delta = found[0].ledger_deltas
    db.connection().execute(
        text(_CORRECTION),
        {
            "location_id": location_id,
            "sku": sku,
            "delta": delta,
            "reserved_delta": reserved_delta,
            "allocated_delta": allocated_delta,
            "reason": Reason.CORRECTED.value,
            "reference": reference,
            "now_us": to_us(clock.now()),
        },
    )
    return delta


def correct_promises(db: Session, clock: Clock, *, location_id: str, sku: str) -> bool:
    """Set what stock says is promised to what its reservations say; False if it was right.

    The reservations are the promises that people hold; the stock only sums them.
    """
    queries.positions(db, [(location_id, sku)], lock=True)
    found = differences(db, 1, only=(location_id, sku))
    if not found or found[0].promises_agree:
        return False
    values = {
        "location_id": location_id,
        "sku": sku,
        "reserved": found[0].promised_reserved,
        "allocated": found[0].promised_allocated,
        "now_us": to_us(clock.now()),
    }
    db.connection().execute(text(_PROMISED), values)
    return True


def require_names(db: Session, location_id: str, sku: str) -> None:
    """Let a known location and SKU pass.

    Raises:
        UnknownLocation, UnknownSku: the catalogue has no such name.
    """
    skus, locations = queries.names_known(db, [sku], [location_id])
    if not locations:
        msg = f"there is no location {location_id}"
        raise UnknownLocation(msg, location_id=location_id)
    if not skus:
        msg = f"there is no variant with the SKU {sku}"
        raise UnknownSku(msg, sku=sku)


def _require_bookable(delta: int, reference: str | None) -> None:
    if not 0 < abs(delta) <= ON_HAND_MAX:
        msg = f"a movement has between 1 and {ON_HAND_MAX} pieces, not {delta}"
        raise InvalidInput(msg, delta=delta)
    if reference is not None and not 0 < len(reference) <= REFERENCE_LENGTH_MAX:
        msg = f"a reference has between 1 and {REFERENCE_LENGTH_MAX} characters"
        raise InvalidInput(msg)


def _moved(db: Session, values: dict[str, Any]) -> tuple[int, ...] | None:
    row: Row[Any] | None = db.connection().execute(text(_MOVE), values).first()
    if row is None and values["delta"] > 0:
        require_names(db, values["location_id"], values["sku"])
        row = db.connection().execute(text(_FIRST), values).first()
    return None if row is None else tuple(row)


def _without_moving(db: Session, clock: Clock, values: dict[str, Any]) -> Availability:
    """Say why nothing was booked: a repeat, or too few, or too many pieces."""
    location_id, sku, delta = values["location_id"], values["sku"], values["delta"]
    named: dict[str, str | int] = {"location_id": location_id, "sku": sku, "delta": delta}
    if values["reference"] is not None:
        booked = queries.movement_of(db, values["reason"], values["reference"], (location_id, sku))
        if booked is not None and booked != delta:
            msg = f"{values['reference']} was booked before, with {booked} pieces"
            raise ReferenceReused(msg, **named)
        if booked is not None:
            (answer,) = queries.availability(db, [sku], [location_id], as_of=clock.now())
            return answer
    require_names(db, location_id, sku)
    if delta > 0:
        msg = f"a location holds at most {ON_HAND_MAX} pieces of one SKU"
        raise InvalidInput(msg, **named)
    (there,) = queries.availability(db, [sku], [location_id], as_of=clock.now())
    msg = f"{location_id} has {there.on_hand} pieces of {sku} on hand, not {-delta}"
    raise InsufficientStock(msg, **named, on_hand=there.on_hand)
