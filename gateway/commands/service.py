"""Keeps commands with the change that caused them, and settles them by the device's ack."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case
from sqlmodel import Session, col, delete, select, update

from cart.db.guarded import insert_new
from cart.kernel.clock import Clock
from cart.kernel.errors import DeviceRevoked, UnknownDevice
from cart.kernel.ids import Ids
from gateway.commands.tables import DeviceCommandRow
from gateway.registry.queries import devices_by_id
from gateway.registry.tables import DeviceRow, DeviceSeenRow
from gateway.wire.band_asked import SetUpData, SignalData
from gateway.wire.codec import decode_command, encode
from gateway.wire.downlink import (
    Ack,
    ApplyDesired,
    BeginVisit,
    Claimed,
    ClaimedData,
    Clear,
    ClearData,
    CommandType,
    DesiredData,
    Greet,
    GreetData,
    Rotate,
    SetUpBand,
    SignalBand,
    SizeAnswered,
    TapAnswered,
    TapData,
    Veil,
    VeilData,
)
from gateway.wire.size_answer import SizeAnswerData

# A device that was away longer begins a new visit anyway; its twin is sent again at its birth.
LIFETIME = timedelta(days=7)
# A device answers within milliseconds; after two sweeps of the gateway it has heard.
UNHEARD_AFTER, UNHEARD_FOR = timedelta(seconds=5), timedelta(seconds=60)
UNHEARD_MAX = 500  # devices reminded in one sweep; the next takes the rest
FORGOTTEN_AT_ONCE_MAX = 1_000  # a sweep must not hold the writer's lock for long
GREETINGS = (CommandType.BEGIN_VISIT, CommandType.GREET)  # what has a name in it
# What says something of one shopper: once it is answered, no more is kept than that it was.
EMPTIED = (*GREETINGS, CommandType.SIZE_ANSWERED)
OPEN_MAX = 100  # commands sent to one device at its birth; older ones follow after its acks


def ask_clear(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, visit: str, reason: str
) -> None:
    """Ask a device to forget a visit and clear its screen."""
    command = Clear(id=ids.new("cmd"), time=clock.now(), data=ClearData(visit=visit, reason=reason))
    _keep(db, clock, device_id, command)


def ask_claimed(db: Session, clock: Clock, ids: Ids, *, device_id: str, visit: str) -> None:
    """Tell a device that a phone has the visit's list now."""
    command = Claimed(id=ids.new("cmd"), time=clock.now(), data=ClaimedData(visit=visit))
    _keep(db, clock, device_id, command)


def ask_greeting(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, greeting: GreetData, begin: bool
) -> None:
    """Tell a device whose visit it is; ``begin``: it is to begin it. Void when its time is up."""
    kind = BeginVisit if begin else Greet
    command = kind(id=ids.new("cmd"), time=clock.now(), data=greeting)
    _keep(db, clock, device_id, command, until=greeting.until)


def ask_tap_answered(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, answer: TapData
) -> None:
    """Tell a device why a band that was held to it began nothing. Void when its time is up."""
    command = TapAnswered(id=ids.new("cmd"), time=clock.now(), data=answer)
    _keep(db, clock, device_id, command, until=answer.until)


def ask_veil(db: Session, clock: Clock, ids: Ids, *, device_id: str, veil: VeilData) -> None:
    """Tell a device to hide what is hers, or to show it again. The last word replaces the others.

    Void when its time is up.
    """
    db.exec(
        delete(DeviceCommandRow).where(
            col(DeviceCommandRow.device_id) == device_id,
            col(DeviceCommandRow.type) == CommandType.VEIL,
            col(DeviceCommandRow.acked_at).is_(None),
        )
    )
    command = Veil(id=ids.new("cmd"), time=clock.now(), data=veil)
    _keep(db, clock, device_id, command, until=veil.until)


def ask_size_answered(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, answer: SizeAnswerData
) -> None:
    """Tell a device what staff say to a wish from its fitting room. Void when its time is up."""
    command = SizeAnswered(id=ids.new("cmd"), time=clock.now(), data=answer)
    _keep(db, clock, device_id, command, until=answer.until)


def ask_desired(
    db: Session, clock: Clock, ids: Ids, *, device_id: str, desired: DesiredData
) -> None:
    """Ask a device to become what its twin desires."""
    _keep(db, clock, device_id, ApplyDesired(id=ids.new("cmd"), time=clock.now(), data=desired))


def ask_rotate(db: Session, clock: Clock, ids: Ids, *, device_id: str) -> str:
    """Ask a device for a fresh credential; return the command's id. One that is open will do.

    Raises:
        UnknownDevice: nothing is enrolled under this id.
        DeviceRevoked: a revoked device gets no new one.
    """
    device = devices_by_id(db, [device_id]).get(device_id)
    if device is None:
        msg = f"there is no device {device_id!r}"
        raise UnknownDevice(msg, device_id=device_id)
    if device.revoked:
        msg = f"device {device_id} was revoked; enrol it anew"
        raise DeviceRevoked(msg, device_id=device_id)
    for row in open_commands(db, clock, device_id):
        if row.type == CommandType.ROTATE:
            return row.id
    command = Rotate(id=ids.new("cmd"), time=clock.now())
    _keep(db, clock, device_id, command)
    return command.id


def ask_signal(
    db: Session, clock: Clock, *, command_id: str, device_id: str, signal: SignalData
) -> bool:
    """Have a receiver make a band vibrate or shine; False: that was asked under this id before."""
    command = SignalBand(id=command_id, time=clock.now(), data=signal)
    values = {
        "id": command.id,
        "device_id": device_id,
        "type": command.type,
        "payload": encode(command).decode(),
        "issued_at": clock.now(),
        "expires_at": signal.until,
        "outcome": "",
        "detail": "",
    }
    return insert_new(db, DeviceCommandRow, values, keys=["id"])


def ask_set_up(
    db: Session, clock: Clock, *, command_id: str, device_id: str, asked: SetUpData
) -> None:
    """Have the receiver of a desk set up the band that is held to it."""
    command = SetUpBand(id=command_id, time=clock.now(), data=asked)
    _keep(db, clock, device_id, command, until=asked.until)


def _keep(
    db: Session,
    clock: Clock,
    device_id: str,
    command: Clear
    | Claimed
    | BeginVisit
    | Greet
    | TapAnswered
    | SizeAnswered
    | Veil
    | ApplyDesired
    | Rotate
    | SetUpBand,
    *,
    until: datetime | None = None,
) -> None:
    db.add(
        DeviceCommandRow(
            id=command.id,
            device_id=device_id,
            type=command.type,
            payload=encode(command).decode(),
            issued_at=clock.now(),
            expires_at=until or clock.now() + LIFETIME,
        )
    )
    db.flush()


def open_commands(db: Session, clock: Clock, device_id: str) -> Sequence[DeviceCommandRow]:
    """Return a device's unanswered commands, oldest first."""
    return db.exec(
        select(DeviceCommandRow)
        .where(
            DeviceCommandRow.device_id == device_id,
            col(DeviceCommandRow.acked_at).is_(None),
            DeviceCommandRow.expires_at > clock.now(),
        )
        .order_by(col(DeviceCommandRow.issued_at), col(DeviceCommandRow.id))
        .limit(OPEN_MAX)
    ).all()


def unheard(db: Session, clock: Clock) -> Sequence[str]:
    """Return devices that are online and have not answered a command of the last minutes.

    The notice that should have sent it may have been lost between processes. What
    is younger than UNHEARD_AFTER is on its way; what is older than UNHEARD_FOR is
    sent at the device's next birth.
    """
    now = clock.now()
    waits = (
        select(DeviceCommandRow.id)
        .where(
            DeviceCommandRow.device_id == DeviceSeenRow.device_id,
            col(DeviceCommandRow.acked_at).is_(None),
            DeviceCommandRow.issued_at > now - UNHEARD_FOR,
            DeviceCommandRow.issued_at <= now - UNHEARD_AFTER,
        )
        .exists()
    )
    return db.exec(
        select(DeviceSeenRow.device_id).where(col(DeviceSeenRow.online), waits).limit(UNHEARD_MAX)
    ).all()


def devices_waiting(db: Session, clock: Clock, partition: str) -> Sequence[str]:
    """Return the devices of a partition that are online and have not answered a command."""
    waits = (
        select(DeviceCommandRow.id)
        .where(
            DeviceCommandRow.device_id == DeviceRow.id,
            col(DeviceCommandRow.acked_at).is_(None),
            DeviceCommandRow.expires_at > clock.now(),
        )
        .exists()
    )
    return db.exec(
        select(DeviceRow.id)
        .join(DeviceSeenRow, col(DeviceSeenRow.device_id) == DeviceRow.id)
        .where(DeviceRow.partition == partition, col(DeviceSeenRow.online), waits)
        .order_by(DeviceRow.id)
        .limit(UNHEARD_MAX)
    ).all()


def unanswered_greetings(db: Session, clock: Clock) -> list[tuple[str, GreetData]]:
    """Return the greetings whose time is up without an answer, and whose device each was for."""
    rows = db.exec(
        select(DeviceCommandRow)
        .where(
            col(DeviceCommandRow.type).in_(GREETINGS),
            col(DeviceCommandRow.acked_at).is_(None),
            DeviceCommandRow.expires_at <= clock.now(),
        )
        .order_by(col(DeviceCommandRow.expires_at), col(DeviceCommandRow.id))
        .limit(UNHEARD_MAX)
    ).all()
    return [(row.device_id, found) for row in rows if (found := _greeting(row)) is not None]


def _greeting(row: DeviceCommandRow) -> GreetData | None:
    command = decode_command(row.payload.encode())
    return command.data if isinstance(command, BeginVisit | Greet) else None


def forget_greetings(
    db: Session, device_ids: Iterable[str], *, void_at: datetime | None = None
) -> None:
    """Forget with what devices were to greet, as far as they have not answered.

    ``void_at``: only what is void by then. Call with the bindings locked: whoever settles an
    answer locks them first, too.
    """
    open_ones = delete(DeviceCommandRow).where(
        col(DeviceCommandRow.device_id).in_(set(device_ids)),
        col(DeviceCommandRow.type).in_(GREETINGS),
        col(DeviceCommandRow.acked_at).is_(None),
    )
    if void_at is not None:
        open_ones = open_ones.where(col(DeviceCommandRow.expires_at) <= void_at)
    db.exec(open_ones)


def forget_size_answers(db: Session, device_ids: Iterable[str]) -> None:
    """Forget what devices were to answer and have not: the visits that asked are over."""
    db.exec(
        delete(DeviceCommandRow).where(
            col(DeviceCommandRow.device_id).in_(set(device_ids)),
            col(DeviceCommandRow.type) == CommandType.SIZE_ANSWERED,
            col(DeviceCommandRow.acked_at).is_(None),
        )
    )


def greeting_of(db: Session, device_id: str, command_id: str) -> GreetData | None:
    """Return what a device was to greet with; None when it has answered before."""
    row = db.get(DeviceCommandRow, command_id, populate_existing=True)
    if row is None or row.device_id != device_id or row.type not in GREETINGS or not row.payload:
        return None
    return _greeting(row)


def settle(db: Session, clock: Clock, *, device_id: str, ack: Ack) -> str | None:
    """Note a device's answer; return the type of the command, None if none waited for it.

    The name in a greeting, and what was asked for in a fitting room, are not kept any longer.
    """
    done = db.execute(
        update(DeviceCommandRow)
        .where(
            col(DeviceCommandRow.id) == ack.command_id,
            col(DeviceCommandRow.device_id) == device_id,
            col(DeviceCommandRow.acked_at).is_(None),
        )
        .values(
            acked_at=clock.now(),
            outcome=ack.outcome.value,
            detail=ack.detail,
            payload=case(
                (col(DeviceCommandRow.type).in_(EMPTIED), ""), else_=DeviceCommandRow.payload
            ),
        )
        .returning(col(DeviceCommandRow.type))
    ).one_or_none()
    return done[0] if done else None


def forget(db: Session, clock: Clock) -> int:
    """Delete commands whose time is over, a bounded number at once; return how many."""
    old = (
        select(DeviceCommandRow.id)
        .where(DeviceCommandRow.expires_at <= clock.now())
        .limit(FORGOTTEN_AT_ONCE_MAX)
    )
    gone = db.exec(delete(DeviceCommandRow).where(col(DeviceCommandRow.id).in_(old)))
    return int(gone.rowcount)
