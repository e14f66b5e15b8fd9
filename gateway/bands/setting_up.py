"""Setting a band up over the air at a desk: asked of the desk's receiver, taken in when it answers.

The secret is made by the band and by this server, of two public keys; it is in no command and no
answer. The server's own key follows from its secret and the command's id, so nothing of it is
kept. A band is in the registry from its receiver's answer on, in one transaction with it: until
then there is nothing to clear away, whatever fails.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session, col, select, update

from cart.db.guarded import write
from cart.kernel.clock import Clock
from cart.kernel.errors import DeskReaderAway, InvalidInput, InvalidPayload
from cart.kernel.ids import Ids
from gateway.bands import service
from gateway.bands.model import FIRMWARE_LENGTH_MAX, MADE_OFF_S
from gateway.bands.sealing import Sealing
from gateway.commands.service import ask_set_up, open_commands
from gateway.commands.tables import DeviceCommandRow
from gateway.floor.tables import FloorReceiverRow
from gateway.registry.tables import DeviceRow, DeviceSeenRow
from gateway.wire.band import FRAME_BYTES, PERIOD_S, BandKey
from gateway.wire.band_asked import SetUpData
from gateway.wire.band_exchange import KEY_BYTES
from gateway.wire.codec import decode_command
from gateway.wire.downlink import AckOutcome, CommandType, SetUpBand

# Staff hold the band there within eight seconds, it is connected to within ten.
LASTS: Final = timedelta(seconds=25)
ANSWER_AFTER: Final = timedelta(seconds=5)  # beyond LASTS a receiver that is there has answered
SHOWN_FOR: Final = timedelta(minutes=2)  # what came of it: until the next band is at hand
DESKS_MAX: Final = 50  # of one location
NOT_AGREED: Final = "not_agreed"  # the band's frame is not that of the secret that we have
_SAID: Final = re.compile(
    rf"(?P<key>[0-9a-f]{{{2 * KEY_BYTES}}}) (?P<frame>[0-9a-f]{{{2 * FRAME_BYTES}}})"
    r"(?: (?P<firmware>.*))?"
)


class Standing(StrEnum):
    """How far a setting up is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SettingUp:
    """The latest one of a location.

    ``number``: of the band, once it is done. ``fault``: a word of ``SetUpFault``, NOT_AGREED, or
    "" when the receiver said nothing. ``until``: by then it has been answered.
    """

    desk: str
    standing: Standing
    number: int | None
    fault: str
    until: datetime


def desks(db: Session, location_id: str) -> list[str]:
    """Return the desks of a location at which a receiver stands, by name."""
    found = db.exec(
        select(FloorReceiverRow.desk)
        .where(FloorReceiverRow.location_id == location_id, col(FloorReceiverRow.desk).is_not(None))
        .order_by(col(FloorReceiverRow.desk))
        .limit(DESKS_MAX)
    )
    return [one for one in found if one]


def begin(
    db: Session, clock: Clock, ids: Ids, sealing: Sealing, *, location_id: str, desk: str
) -> str:
    """Ask the receiver of a desk to set up the band held to it; return which receiver that is.

    One that is asked already will do.

    Raises:
        InvalidInput: no receiver stands at such a desk here.
        DeskReaderAway: it is not connected.
    """
    found = db.exec(
        select(FloorReceiverRow.device_id, DeviceSeenRow.online)
        .join(DeviceRow, col(DeviceRow.id) == FloorReceiverRow.device_id)
        .join(DeviceSeenRow, col(DeviceSeenRow.device_id) == DeviceRow.id, isouter=True)
        .where(
            FloorReceiverRow.location_id == location_id,
            FloorReceiverRow.desk == desk,
            col(DeviceRow.revoked_at).is_(None),
        )
    ).first()
    if found is None:
        msg = f"no receiver stands at desk {desk!r} of {location_id}"
        raise InvalidInput(msg, field="desk")
    device_id, online = found
    if not online:
        msg = f"the receiver at desk {desk} is not connected"
        raise DeskReaderAway(msg)
    waiting = open_commands(db, clock, device_id)
    if not any(one.type == CommandType.SET_UP_BAND for one in waiting):
        command_id, now = ids.new("cmd"), clock.now()
        asked = SetUpData(
            key=sealing.exchange(command_id).public.hex(),
            clock_s=int(now.timestamp()),
            until=now + LASTS,
        )
        ask_set_up(db, clock, command_id=command_id, device_id=device_id, asked=asked)
    return str(device_id)


def settle(
    db: Session,
    clock: Clock,
    ids: Ids,
    sealing: Sealing,
    *,
    location_id: str,
    command_id: str,
) -> int | None:
    """Take the band in that a receiver says it has set up; None: it is not what was agreed.

    After the answer is noted, in the same transaction; what is shown says so then.
    """
    row = db.get_one(DeviceCommandRow, command_id, populate_existing=True)
    try:
        number: int | None = _made(db, clock, ids, sealing, location_id=location_id, row=row)
        outcome, detail = AckOutcome.DONE, str(number)
    except (InvalidPayload, InvalidInput):
        number, outcome, detail = None, AckOutcome.FAILED, NOT_AGREED
    write(
        db,
        update(DeviceCommandRow)
        .where(col(DeviceCommandRow.id) == command_id)
        .values(outcome=outcome.value, detail=detail),
    )
    return number


def _made(
    db: Session,
    clock: Clock,
    ids: Ids,
    sealing: Sealing,
    *,
    location_id: str,
    row: DeviceCommandRow,
) -> int:
    command = decode_command(row.payload.encode())
    said = _SAID.fullmatch(row.detail)
    if said is None or not isinstance(command, SetUpBand):
        msg = "the receiver does not say with which key the band was set up"
        raise InvalidPayload(msg)
    try:
        secret = sealing.exchange(row.id).secret_with_band(bytes.fromhex(said["key"]))
    except ValueError as error:
        msg = "what the band offered is no key"
        raise InvalidPayload(msg) from error
    clock_s = command.data.clock_s + (clock.now() - row.issued_at).total_seconds()
    first = max(0, int((clock_s - MADE_OFF_S) // PERIOD_S))
    periods = range(first, int((clock_s + MADE_OFF_S) // PERIOD_S) + 1)
    key, frame = BandKey(secret), bytes.fromhex(said["frame"])
    if not any(
        key.identifier(one) == frame[1:9] and key.opened(frame, one) is not None for one in periods
    ):
        msg = "the band has another secret than we have"
        raise InvalidPayload(msg)
    firmware = "".join(filter(str.isprintable, said["firmware"] or ""))
    return service.make(
        db,
        clock,
        ids,
        sealing,
        location_id=location_id,
        secret=secret,
        clock_s=clock_s,
        firmware=firmware[:FIRMWARE_LENGTH_MAX],
    )


def latest(db: Session, clock: Clock, location_id: str) -> SettingUp | None:
    """Return the setting up that was asked for last at a location, if it is still to be shown."""
    found = db.exec(
        select(DeviceCommandRow, FloorReceiverRow.desk)
        .join(FloorReceiverRow, col(FloorReceiverRow.device_id) == DeviceCommandRow.device_id)
        .where(
            DeviceCommandRow.type == CommandType.SET_UP_BAND.value,
            FloorReceiverRow.location_id == location_id,
            DeviceCommandRow.issued_at > clock.now() - SHOWN_FOR,
        )
        .order_by(col(DeviceCommandRow.issued_at).desc(), col(DeviceCommandRow.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        return None
    row, desk = found
    until = row.expires_at + ANSWER_AFTER
    if row.acked_at is None:
        over = clock.now() >= until
        standing, number, fault = (Standing.FAILED if over else Standing.WAITING), None, ""
    elif row.outcome == AckOutcome.DONE:
        standing, number, fault = Standing.DONE, int(row.detail), ""
    else:
        standing, number, fault = Standing.FAILED, None, row.detail
    return SettingUp(desk or "", standing, number, fault, until)
