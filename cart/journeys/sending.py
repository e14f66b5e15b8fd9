"""Asks every guard at the moment of sending, and writes down what stood against it.

Behind the lock of her session: of two messages that want to be the last that the cap allows, one
goes. What is taken counts, whatever the mail server says later. A mail is noted as handed over
before the server hears of it: without its answer it is unknown, and not sent again.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select, update

from cart.carts.tables import ShopperSessionRow
from cart.db.guarded import write
from cart.journeys import people, reach
from cart.journeys.guards import MESSAGES_WITHIN, Facts, Piece, Reason, Refusal, refusal
from cart.journeys.loading import find, version_of
from cart.journeys.model import Channel
from cart.journeys.people import Person, Thing
from cart.journeys.ports import World
from cart.journeys.rounds import bought
from cart.journeys.tables import FAILURE_LENGTH_MAX, JourneyMessageRow, JourneyRunRow
from cart.kernel.clock import Clock


def may_go(db: Session, world: World, message_id: str) -> bool:
    """Say whether a message may be sent now; if not, its row says why, and it is settled.

    If it may, its row has what it shows from now on. A mail that was handed over before, and of
    which no answer was noted, may have reached her: it is settled as that, whatever holds now.
    """
    row = db.get(JourneyMessageRow, message_id)
    if row is None:
        return False
    run_session = db.get_one(JourneyRunRow, row.run_id).session_id
    person = people.person_of(db, run_session)  # a joining may have been undone since it was asked
    db.exec(
        select(ShopperSessionRow.id).where(ShopperSessionRow.id == person.home).with_for_update()
    ).one()
    db.refresh(row)
    if row.handed_at is not None:
        lost_sight_of(db, message_id, "handed over, and no answer was noted")
        return False
    facts, things = facts_of(db, world, row, person)
    said = refusal(facts)
    values: dict[str, object]
    if said is None:
        values = {"taken_at": facts.now, "lines": [asdict(one) for one in things]}
    else:
        values = {
            "state": _state(said),
            "reason": said.reason.value,
            "not_before": said.until,
            "taken_at": None,
        }
    settled = write(
        db,
        update(JourneyMessageRow)
        .where(col(JourneyMessageRow.id) == row.id, col(JourneyMessageRow.state) == "requested")
        .values(**values, session_id=person.home),
    )
    return settled == 1 and said is None


def hand(db: Session, clock: Clock, message_id: str, to_hash: str) -> bool:
    """Note that a mail goes to the mail server now; say whether it may: nobody else has it."""
    return bool(
        write(
            db,
            update(JourneyMessageRow)
            .where(
                col(JourneyMessageRow.id) == message_id,
                col(JourneyMessageRow.state) == "requested",
                col(JourneyMessageRow.taken_at).is_not(None),
                col(JourneyMessageRow.handed_at).is_(None),
            )
            .values(handed_at=clock.now(), to_hash=to_hash),
        )
    )


def put_back(db: Session, message_id: str) -> None:
    """Note that the mail server did not take it, so it may be handed over again."""
    _of_requested(db, message_id, handed_at=None)


def lost_sight_of(db: Session, message_id: str, reason: str) -> None:
    """Settle a mail of which nobody knows whether it was taken."""
    _of_requested(db, message_id, state="unknown", failure=reason[:FAILURE_LENGTH_MAX])


def opened(db: Session, clock: Clock, message_id: str) -> None:
    """Note that somebody moved on a mail's page; the first time counts. Of no mail: nothing."""
    write(
        db,
        update(JourneyMessageRow)
        .where(
            col(JourneyMessageRow.id) == message_id,
            col(JourneyMessageRow.channel) == "mail",
            col(JourneyMessageRow.opened_at).is_(None),
        )
        .values(opened_at=clock.now()),
    )


def pressed(db: Session, clock: Clock, message_id: str) -> None:
    """Note that somebody pressed the button of a message's page; the first time counts."""
    opened(db, clock, message_id)
    write(
        db,
        update(JourneyMessageRow)
        .where(col(JourneyMessageRow.id) == message_id, col(JourneyMessageRow.pressed_at).is_(None))
        .values(pressed_at=clock.now()),
    )


def _of_requested(db: Session, message_id: str, **values: object) -> None:
    write(
        db,
        update(JourneyMessageRow)
        .where(col(JourneyMessageRow.id) == message_id, col(JourneyMessageRow.state) == "requested")
        .values(**values),
    )


def _state(said: Refusal) -> str:
    if said.reason is Reason.HELD_OUT:
        return "held_out"
    return "postponed" if said.until is not None else "refused"


def facts_of(
    db: Session, world: World, row: JourneyMessageRow, person: Person
) -> tuple[Facts, Sequence[Thing]]:
    """Return what the guards ask for, as it is at this moment, and what would be shown."""
    now = world.clock.now()
    run = db.get_one(JourneyRunRow, row.run_id, populate_existing=True)
    one = version_of(db, row.journey, row.version)
    things = people.things_of(db, world.shop, one.trigger.kind, run, person)
    place = people.place_of(db, run, person)
    left = people.to_be_had(db, world.shop, one.trigger.kind, things, place)
    channel = Channel(row.channel)
    address = reach.address_for(db, world, person, channel)
    facts = Facts(
        now=now,
        active=find(db, row.journey).active,
        held_out=bool(run.held_out),
        bought=bought(db, world, one, run, person),
        consents=people.consents(db, person),
        address=address,
        suppressed=reach.suppressed(db, world, person, channel, address),
        pieces=tuple(Piece(one.gtin, left[one.gtin]) for one in things),
        sent_lately=sent_lately(db, person, now, row.id),
        channel=channel,
        dearer=people.dearer(db, world.shop, one.trigger, things),
        order_over=people.order_over(db, one.trigger.kind, run.about),
        zone=ZoneInfo(people.zone_of(db, world.shop, place)),
    )
    return facts, [replace(one, location_id=one.location_id or place) for one in things]


def sent_lately(db: Session, person: Person, now: datetime, but: str = "") -> int:
    """Return how many messages of any journey went to her lately; ``but``: one left out."""
    return db.exec(
        select(func.count())
        .select_from(JourneyMessageRow)
        .where(
            col(JourneyMessageRow.session_id).in_(person.sessions),
            col(JourneyMessageRow.taken_at) > now - MESSAGES_WITHIN,
            JourneyMessageRow.id != but,
        )
    ).one()


def waiting(db: Session, before: datetime, limit: int) -> Sequence[str]:
    """Return messages that are not settled, asked for before ``before``, oldest first."""
    return db.exec(
        select(JourneyMessageRow.id)
        .where(JourneyMessageRow.state == "requested", JourneyMessageRow.requested_at <= before)
        .order_by(col(JourneyMessageRow.requested_at), col(JourneyMessageRow.id))
        .limit(limit)
    ).all()
