"""Who begins a journey: reads the timeline by position, and writes a run that waits for its time.

The mark and the runs are one transaction, behind the mark's lock: each interaction counts once,
also with several processes. Nobody enters here; whoever moves runs on decides that when it is due.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from cart.db.guarded import insert_new, write
from cart.journeys.model import Definition, TriggerKind, read
from cart.journeys.people import homes_of
from cart.journeys.tables import JourneyRow, JourneyRunRow, JourneyVersionRow
from cart.kernel.clock import Clock
from cart.profile.timeline import queries as timeline
from cart.profile.timeline.model import Interaction, Kind, Placed
from cart.profile.timeline.tables import TimelineMarkRow

READER: Final = "journeys"
READ_AT_ONCE_MAX: Final = 500  # interactions in one transaction: some tens of milliseconds
# What is told later than this after it was due is history: nobody is reminded of last month
# because a journey was switched on, or a device came back from the cupboard.
LATE_MAX: Final = timedelta(days=2)
STARTS: Final = {
    TriggerKind.CART_IDLE: Kind.SCANNED,
    TriggerKind.LIST_SENT_NOT_BOUGHT: Kind.LIST_MAILED,
    TriggerKind.TRIED_NOT_BOUGHT: Kind.TRIED,
    TriggerKind.READY_TO_COLLECT: Kind.READY,
    TriggerKind.ORDERED: Kind.ORDERED,
}
# Whoever does one of these with her cart is not idle.
BUSY: Final = frozenset({Kind.SCANNED, Kind.REMOVED, Kind.CHECKOUT_OPENED})


@dataclass(frozen=True, slots=True)
class Start:
    """A trigger: whose, by which fact and when, what it is about, when she enters.

    ``session_id``: in which it happened. A run stays there: whose it is follows from who that
    session is, so undoing a joining splits runs too.
    """

    journey: str
    version: int
    home: str
    session_id: str
    trigger_id: str
    at: datetime
    location_id: str
    about: str
    due_at: datetime

    @property
    def run_id(self) -> str:
        """The id of the run: the same fact starts one run, however often it is read."""
        named = f"{self.journey}\0{self.home}\0{self.trigger_id}"
        return f"run-{hashlib.sha256(named.encode()).hexdigest()[:40]}"


def active(db: Session) -> list[Definition]:
    """Return the journeys that are on, in the version with which new runs begin."""
    found = db.exec(
        select(JourneyVersionRow.source)
        .join(JourneyRow, col(JourneyRow.name) == col(JourneyVersionRow.journey))
        .where(col(JourneyRow.active), JourneyRow.version == JourneyVersionRow.version)
        .order_by(col(JourneyRow.name))
    )
    return [read(source) for source in found]


def start_of(one: Definition, home: str, interaction: Interaction) -> Start | None:
    """Return the trigger that an interaction is for a journey, if it is one. Pure."""
    kind = one.trigger.kind
    if interaction.kind is not STARTS.get(kind):
        return None
    about = {
        TriggerKind.LIST_SENT_NOT_BOUGHT: interaction.ref,
        TriggerKind.TRIED_NOT_BOUGHT: interaction.gtin,
        TriggerKind.READY_TO_COLLECT: interaction.ref,
        TriggerKind.ORDERED: interaction.ref,
    }.get(kind, "")
    if not about and kind is not TriggerKind.CART_IDLE:
        return None
    due_at = interaction.at + timedelta(hours=one.trigger.after_hours)
    said = (interaction.id, interaction.at, interaction.location_id)
    return Start(one.name, one.version, home, interaction.session_id, *said, about, due_at)


def unread(db: Session) -> bool:
    """Say whether there is something to read, and a journey for which to."""
    if db.exec(select(JourneyRow.name).limit(1)).first() is None:
        return False
    row = db.get(TimelineMarkRow, READER)
    return bool(timeline.after(db, row.position if row is not None else 0, 1))


def enrol(db: Session, clock: Clock) -> int:
    """Read on; return how many interactions were read, fewer than READ_AT_ONCE_MAX at the end."""
    position = lock_mark(db, READER)
    batch = timeline.after(db, position, READ_AT_ONCE_MAX)
    if not batch:
        return 0
    definitions = active(db)
    if definitions:
        _begin(db, clock.now(), definitions, batch)
    move_mark(db, READER, batch[-1].position)
    return len(batch)


def lock_mark(db: Session, name: str) -> int:
    """Return how far a reader has come; nobody else reads on until the commit."""
    insert_new(
        db,
        TimelineMarkRow,
        {"name": name, "position": 0, "read_until_us": 0},
        keys=["name"],
    )
    asked = select(TimelineMarkRow.position).where(TimelineMarkRow.name == name)
    return db.exec(asked.with_for_update()).one()


def move_mark(db: Session, name: str, position: int) -> None:
    """Note how far a reader has come; under :func:`lock_mark`."""
    marked = update(TimelineMarkRow).where(col(TimelineMarkRow.name) == name)
    db.connection().execute(marked.values(position=position))


def _begin(
    db: Session, now: datetime, definitions: Sequence[Definition], batch: Sequence[Placed]
) -> None:
    homes = homes_of(db, {one.interaction.session_id for one in batch})
    hers = {home: timeline.sessions_of(db, home) for home in set(homes.values())}
    for placed in batch:
        interaction = placed.interaction
        home = homes[interaction.session_id]
        for one in definitions:
            if one.trigger.kind is TriggerKind.CART_IDLE and interaction.kind in BUSY:
                due_at = interaction.at + timedelta(hours=one.trigger.after_hours)
                _put_off(db, one.name, hers[home], interaction, due_at)
            start = start_of(one, home, interaction)
            if start is not None:
                begin(db, one, start, now, hers[home])


def _put_off(
    db: Session,
    journey: str,
    sessions: Sequence[str],
    interaction: Interaction,
    due_at: datetime,
) -> None:
    """Let the time begin anew for whoever has not entered: she is still at it."""
    write(
        db,
        update(JourneyRunRow)
        .where(
            col(JourneyRunRow.journey) == journey,
            col(JourneyRunRow.session_id).in_(sessions),
            col(JourneyRunRow.state) == "pending",
            col(JourneyRunRow.due_at) < due_at,
        )
        .values(
            due_at=due_at,
            started_at=interaction.at,
            location_id=interaction.location_id or JourneyRunRow.location_id,
            moves=JourneyRunRow.moves + 1,
        ),
    )


def begin(
    db: Session, one: Definition, start: Start, now: datetime, sessions: Sequence[str]
) -> None:
    """Write a run, unless it is too late for it, or she is on this journey or was lately.

    ``sessions``: all of hers.
    """
    if start.due_at + LATE_MAX < now:
        return
    since = start.at - timedelta(days=one.again_after_days)
    lately = db.exec(
        select(JourneyRunRow.id)
        .where(
            JourneyRunRow.journey == start.journey,
            col(JourneyRunRow.session_id).in_(sessions),
            # On the way, or begun lately. Who bought before she entered may begin again.
            col(JourneyRunRow.state).in_(("pending", "running"))
            | (col(JourneyRunRow.entered_at) > since),
        )
        .limit(1)
    ).first()
    if lately is None:
        insert_new(
            db,
            JourneyRunRow,
            JourneyRunRow(
                id=start.run_id,
                journey=start.journey,
                version=start.version,
                session_id=start.session_id,
                trigger_id=start.trigger_id,
                about=start.about,
                location_id=start.location_id,
                started_at=start.at,
                due_at=start.due_at,
            ).model_dump(),
            keys=["id"],
        )
