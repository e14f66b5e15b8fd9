"""Asks every guard at the moment of sending, and writes down what stood against it.

Behind the lock of her session: of two messages that want to be the last that the cap allows, one
goes. What is taken counts, whatever the mail server says later.
"""

from collections.abc import Sequence
from dataclasses import asdict
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
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow


def may_go(db: Session, world: World, message_id: str) -> bool:
    """Say whether a message may be sent now; if not, its row says why, and it is settled.

    If it may, its row has what it shows from now on.
    """
    row = db.get(JourneyMessageRow, message_id)
    if row is None:
        return False
    person = people.person_of(db, row.session_id)
    db.exec(
        select(ShopperSessionRow.id).where(ShopperSessionRow.id == person.home).with_for_update()
    ).one()
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
    left = people.pieces_left(db, world.shop, things, run.location_id)
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
        zone=ZoneInfo(people.zone_of(db, world.shop, run.location_id)),
    )
    return facts, things


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
