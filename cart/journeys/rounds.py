"""Moves on whoever is due: a bounded batch in one transaction, each row by a guarded UPDATE.

A message and the move that asks for it are one commit, so a process that dies before it has done
nothing, and one that dies after it has left a row that the next one sends.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine
from sqlmodel import Session, col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from cart.db import unit_of_work
from cart.db.guarded import insert_new, write
from cart.journeys import people
from cart.journeys.loading import find, version_of
from cart.journeys.membership import NONE, Membership, asked_by, memberships, of_runs
from cart.journeys.model import (
    OF_GOODS,
    OF_ORDERS,
    Definition,
    Fact,
    Message,
    TriggerKind,
    held_out,
)
from cart.journeys.moving import End, Move, Standing, arm_for, entry_refused, go_on
from cart.journeys.people import Person
from cart.journeys.ports import World
from cart.journeys.tables import JourneyMessageRow, JourneyRunRow
from cart.profile.subscriptions.model import mark_of

logger = logging.getLogger(__name__)
LIVE: Final = ("pending", "running")
MOVED_AT_ONCE_MAX: Final = 100  # runs in one transaction; each takes some ten selects
BATCHES_MAX: Final = 20  # of one round: others want to be looked at too
# A message is settled within seconds; a mail server that is away is tried for nine hours.
LOOK_AGAIN: Final = timedelta(minutes=10)
_ONE_ARTICLE: Final = OF_GOODS | {TriggerKind.TRIED_NOT_BOUGHT}  # which ``about`` names
TROUBLE_WAITS: Final = timedelta(hours=1)  # a run that cannot be moved stands in nobody's way


@dataclass(frozen=True, slots=True)
class _Due:
    """A run that is due, with who it is about by now, and in which segments she is."""

    row: JourneyRunRow
    one: Definition
    person: Person
    now: datetime
    member: Membership = NONE


def move_all(engine: Engine, world: World) -> int:
    """Move on whoever is due; return how many were, bounded."""
    moved = 0
    for _ in range(BATCHES_MAX):
        try:
            with unit_of_work(engine) as db:
                ids = due(db, world.clock.now())
                known = of_runs(db, world, ids)
                for run_id in ids:
                    move(db, world, run_id, known)
        except Exception:  # of one of them; the others are moved without it
            logger.exception("moving journeys on; trying one by one")
            _one_by_one(engine, world)
            break
        moved += len(ids)
        if len(ids) < MOVED_AT_ONCE_MAX:
            break
    return moved


def due(db: Session, now: datetime) -> list[str]:
    """Return runs that are due, the longest first; those that a rival moves now are left out."""
    return list(db.exec(asked_due(now).with_for_update(skip_locked=True)).all())


def asked_due(now: datetime) -> SelectOfScalar[str]:
    """Return the select of what is due: a part of ``ix_journey_run_due``, whoever else waits."""
    return (
        select(JourneyRunRow.id)
        .where(col(JourneyRunRow.state).in_(LIVE), JourneyRunRow.due_at <= now)
        .order_by(col(JourneyRunRow.due_at), col(JourneyRunRow.id))
        .limit(MOVED_AT_ONCE_MAX)
    )


def any_due(db: Session, now: datetime) -> bool:
    """Say whether somebody is due; for whoever wants to know before beginning to write."""
    asked = select(JourneyRunRow.id).where(
        col(JourneyRunRow.state).in_(LIVE), JourneyRunRow.due_at <= now
    )
    return db.exec(asked.limit(1)).first() is not None


def _one_by_one(engine: Engine, world: World) -> None:
    with unit_of_work(engine) as db:
        ids = due(db, world.clock.now())
    for run_id in ids:
        try:
            with unit_of_work(engine) as db:
                move(db, world, run_id)
        except Exception:
            logger.exception("journey run %s is looked at again in an hour", run_id)
            with unit_of_work(engine) as db:
                later = world.clock.now() + TROUBLE_WAITS
                write(
                    db,
                    update(JourneyRunRow)
                    .where(col(JourneyRunRow.id) == run_id)
                    .values(due_at=later, moves=JourneyRunRow.moves + 1),
                )


def move(
    db: Session, world: World, run_id: str, known: Mapping[str, Membership] | None = None
) -> bool:
    """Move one run on, if it is due and nobody else has; say whether that was so.

    ``known``: what was asked of segments for the whole batch, by home.
    """
    row = db.get_one(JourneyRunRow, run_id, populate_existing=True)
    now = world.clock.now()
    if row.state not in LIVE or row.due_at > now:
        return False
    person = people.person_of(db, row.session_id)
    one = version_of(db, row.journey, row.version)
    asked = asked_by(one, row.step)
    # Who joined another home in this very moment is asked for by herself.
    if asked and (known is None or person.home not in known):
        known = memberships(db, world, {person.home: asked})
    member = known.get(person.home, NONE) if known else NONE
    run = _Due(row, one, person, now, member)
    if _other(db, run):
        return _end(db, run, End.JOINED)
    if not find(db, row.journey).active:
        return _end(db, run, End.SWITCHED_OFF)
    standing = _standing(db, world, run)
    if row.state == "pending":
        return _enter(db, world, run, standing)
    if row.message_id:
        return _after_message(db, world, run, standing)
    return _go_on(db, world, run, row.step, standing)


def _other(db: Session, run: _Due) -> bool:
    """Say whether another identity of hers is on this journey, and goes on: she signed in.

    Of two the one goes on that has entered, her account's, that began first.
    """
    if len(run.person.sessions) == 1:
        return False

    def rank(one: JourneyRunRow) -> tuple[bool, bool, datetime, str]:
        account = one.session_id == run.person.home
        return one.state != "running", not account, one.started_at, one.id

    rivals = db.exec(
        select(JourneyRunRow).where(
            JourneyRunRow.journey == run.row.journey,
            col(JourneyRunRow.session_id).in_(run.person.sessions),
            JourneyRunRow.id != run.row.id,
            col(JourneyRunRow.state).in_(LIVE),
        )
    )
    return any(rank(one) < rank(run.row) for one in rivals)


def bought(db: Session, world: World, one: Definition, row: JourneyRunRow, person: Person) -> bool:
    """Say whether she has bought what a run is about, since it began; of her cart: anything.

    What an order is about she has bought: that ends nothing.
    """
    gtins = None
    if one.trigger.kind in OF_ORDERS:
        return False
    if one.trigger.kind is not TriggerKind.CART_IDLE:
        things = people.things_of(db, world.shop, one.trigger.kind, row, person)
        gtins = [thing.gtin for thing in things]
        if one.trigger.kind in _ONE_ARTICLE:
            gtins = [row.about]
    return people.has_bought(db, person, row.started_at, gtins)


def _standing(db: Session, world: World, run: _Due) -> Standing:
    row, one, person = run.row, run.one, run.person
    if bought(db, world, one, row, person):
        return Standing(bought=True)
    things = people.things_of(db, world.shop, one.trigger.kind, row, person)
    kind, place = one.trigger.kind, people.place_of(db, row, person)
    left = people.to_be_had(db, world.shop, kind, things, place)
    found = {
        Fact.CUSTOMER: bool(person.customer_id),
        Fact.CONSENTS: people.consents(db, person),
        Fact.HAS_THINGS: bool(things),
        Fact.IN_STOCK: any(left.values()),
    }
    holding = frozenset(fact for fact, is_so in found.items() if is_so)
    return Standing(
        bought=False,
        over=people.dearer(db, world.shop, one.trigger, things)
        or people.order_over(db, kind, row.about),
        facts=holding,
        inside=run.member.inside,
        gone=run.member.gone,
    )


def _enter(db: Session, world: World, run: _Due, standing: Standing) -> bool:
    refused = entry_refused(run.one, standing)
    if refused is not None:
        return _end(db, run, refused)
    out = held_out(world.secret, run.one, run.person.home)
    entered = {"state": "running", "held_out": out, "entered_at": run.now}
    return _go_on(db, world, run, 0, standing, **entered)


def _after_message(db: Session, world: World, run: _Due, standing: Standing) -> bool:
    sent = db.get_one(JourneyMessageRow, run.row.message_id, populate_existing=True)
    if sent.state == "requested" and not standing.bought:
        return _change(db, run, {"due_at": run.now + LOOK_AGAIN})
    if sent.state == "postponed":
        until = sent.not_before or run.now
        if until > run.now:
            return _change(db, run, {"due_at": until})
        return _go_on(db, world, run, run.row.step, standing)
    return _go_on(db, world, run, run.row.step + 1, standing)


def _go_on(
    db: Session,
    world: World,
    run: _Due,
    step: int,
    standing: Standing,
    **more: Any,  # noqa: ANN401 - columns of the row
) -> bool:
    arm = arm_for(world.secret, run.one, run.person.home)
    todo = go_on(run.one, step, standing, run.now, arm)
    if todo.end is not None:
        return _end(db, run, todo.end, **more)
    values = {"step": todo.step, "due_at": todo.due_at, "message_id": "", **more}
    if todo.noted is not None:
        values["reason"] = todo.noted.value
    if todo.message is None:
        return _change(db, run, values)
    return _ask(db, run, todo, todo.message, values)


def _ask(db: Session, run: _Due, todo: Move, message: Message, values: dict[str, Any]) -> bool:
    row = run.row
    message_id = f"{row.id}:{message.id[:20]}:{row.messages + 1}"
    values |= {
        "message_id": message_id,
        "messages": row.messages + 1,
        "due_at": run.now + LOOK_AGAIN,
    }
    if not _change(db, run, values):
        return False
    asked = JourneyMessageRow(
        id=message_id,
        run_id=row.id,
        journey=row.journey,
        version=row.version,
        session_id=run.person.home,
        step=run.one.steps[todo.step].id or "",
        channel=message.channel.value,
        requested_at=run.now,
        mark=mark_of(message_id),
    )
    return insert_new(db, JourneyMessageRow, asked.model_dump(), keys=["id"])


def _end(db: Session, run: _Due, why: End, **more: Any) -> bool:  # noqa: ANN401 - columns
    state = "done" if why is End.DONE else "left"
    return _change(db, run, {**more, "state": state, "reason": why.value, "ended_at": run.now})


def _change(db: Session, run: _Due, values: dict[str, Any]) -> bool:
    """Write a move unless a rival was faster."""
    row = run.row
    changed = write(
        db,
        update(JourneyRunRow)
        .where(col(JourneyRunRow.id) == row.id, col(JourneyRunRow.moves) == row.moves)
        .values(**values, moves=row.moves + 1),
    )
    return changed == 1
