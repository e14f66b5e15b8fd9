"""A dry run: who would have got what, had this journey been on. Reads only; writes nothing.

Triggers, purchases, carts and times are as they were; consent, account, segments and stock are as
they are now, since nobody kept what they were then. Nothing of other journeys counts against the
cap.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cart.journeys import people
from cart.journeys.enrolling import BUSY, Start, start_of
from cart.journeys.guards import MESSAGES_WITHIN, Facts, Piece, Reason, refusal
from cart.journeys.membership import Membership, asked_by, memberships
from cart.journeys.model import OF_GOODS, OF_ORDERS, Definition, Fact, TriggerKind, held_out
from cart.journeys.moving import Standing, arm_for, entry_refused, go_on
from cart.journeys.people import Person, Thing
from cart.journeys.ports import World
from cart.journeys.tables import JourneyRunRow
from cart.kernel.clock import from_us, to_us
from cart.profile.timeline.model import Channel, Interaction, Kind
from cart.profile.timeline.tables import InteractionRow

DAYS_MAX: Final = 90
INTERACTIONS_MAX: Final = 50_000  # the newest ones: some seconds
RUNS_MAX: Final = 2_000  # people that are looked at: each takes some ten selects
SMALLEST_GROUP: Final = 5  # a smaller number may tell who it is


@dataclass(slots=True)
class Forecast:
    """What would have been. ``cut``: there was more than is looked at.

    ``unknown``: it waits for goods or orders, and nobody kept how those were.

    ``would``: messages by what became of them, ``sent`` or a guard's reason; ``ended``: runs by
    why they ended, ``ahead`` for those that would still be on their way.
    """

    since: datetime
    triggered: int = 0
    entered: int = 0
    cut: bool = False
    unknown: bool = False
    would: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)


def coarse(number: int) -> int | None:
    """Return a number that may be shown: None stands for "fewer than SMALLEST_GROUP"."""
    return None if 0 < number < SMALLEST_GROUP else number


def dry_run(db: Session, world: World, one: Definition, days: int) -> Forecast:
    """Return what this version would have done in the last ``days``, at most DAYS_MAX."""
    now = world.clock.now()
    since = now - timedelta(days=min(days, DAYS_MAX))
    said = Forecast(since)
    if one.trigger.kind in OF_GOODS | OF_ORDERS:
        said.unknown = True
        return said
    starts = list(_starts(db, one, since, said))
    said.triggered = len(starts)
    said.cut = said.cut or len(starts) > RUNS_MAX
    looked_at, asked = starts[:RUNS_MAX], asked_by(one)
    known = memberships(db, world, {start.home: asked for start in looked_at} if asked else {})
    for start in looked_at:
        member = known.get(start.home, Membership())
        _walk(db, world, one, start, said=said, member=member)
    return said


def _starts(db: Session, one: Definition, since: datetime, said: Forecast) -> Iterator[Start]:
    """Yield triggers as enrolling would have taken them, each with the time of its entry."""
    kinds = {kind.value for kind in BUSY | {Kind.LIST_MAILED, Kind.TRIED}}
    rows = db.exec(
        select(InteractionRow)
        .where(InteractionRow.at_us >= to_us(since), col(InteractionRow.kind).in_(kinds))
        .order_by(col(InteractionRow.at_us).desc(), col(InteractionRow.position).desc())
        .limit(INTERACTIONS_MAX)
    ).all()
    said.cut = len(rows) == INTERACTIONS_MAX
    homes = people.homes_of(db, {row.session_id for row in rows})
    last: dict[str, Start] = {}
    for row in reversed(rows):
        home, interaction = homes[row.session_id], _interaction(row)
        before = last.get(home)
        if before is not None and interaction.at < before.due_at:
            if one.trigger.kind is TriggerKind.CART_IDLE and interaction.kind in BUSY:
                due_at = interaction.at + timedelta(hours=one.trigger.after_hours)
                last[home] = replace(
                    before,
                    at=interaction.at,
                    location_id=interaction.location_id or before.location_id,
                    due_at=due_at,
                )
            continue
        start = start_of(one, home, interaction)
        if start is None:
            continue
        if before is not None:
            if start.at - before.due_at < timedelta(days=one.again_after_days):
                continue
            yield before
        last[home] = start
    yield from last.values()


def _walk(
    db: Session,
    world: World,
    one: Definition,
    start: Start,
    *,
    said: Forecast,
    member: Membership,
) -> None:
    now, at, step = world.clock.now(), start.due_at, 0
    if at > now:
        said.ended["ahead"] += 1
        return
    person = people.person_of(db, start.home)
    things, facts, standing = _as_now(db, world, one, start, person)
    standing = replace(standing, inside=member.inside, gone=member.gone)
    gtins = None if one.trigger.kind is TriggerKind.CART_IDLE else [t.gtin for t in things]

    def bought(until: datetime) -> bool:
        return people.has_bought(db, person, start.at, gtins, until)

    refused = entry_refused(one, replace(standing, bought=bought(at)))
    if refused is not None:
        said.ended[refused.value] += 1
        return
    said.entered += 1
    sent: list[datetime] = []
    arm = arm_for(world.secret, one, person.home)
    while at <= now:
        todo = go_on(one, step, replace(standing, bought=bought(at)), at, arm)
        if todo.end is not None:
            said.ended[todo.end.value] += 1
            return
        step, at = todo.step, todo.due_at
        if todo.message is None:
            continue
        lately = sum(at - one_at < MESSAGES_WITHIN for one_at in sent)
        against = refusal(replace(facts, now=at, bought=bought(at), sent_lately=lately))
        if against is not None and against.until is not None:
            said.would[Reason.QUIET_HOURS.value] += 1
            at = against.until
            continue
        said.would["sent" if against is None else against.reason.value] += 1
        if against is None:
            sent.append(at)
        step += 1
    said.ended["ahead"] += 1


def _as_now(
    db: Session, world: World, one: Definition, start: Start, person: Person
) -> tuple[list[Thing], Facts, Standing]:
    """Return what only today knows."""
    row = JourneyRunRow(
        id=start.run_id,
        journey=one.name,
        version=one.version,
        session_id=start.session_id,
        trigger_id=start.trigger_id,
        about=start.about,
        location_id=start.location_id,
        started_at=start.at,
        due_at=start.due_at,
    )
    if one.trigger.kind is TriggerKind.CART_IDLE:
        things = people.cart_at(db, person, start.due_at)
    else:
        things = people.things_of(db, world.shop, one.trigger.kind, row, person)
    place = people.place_of(db, row, person)
    left = people.pieces_left(db, world.shop, things, place)
    allowed = people.consents(db, person)
    address = person.addresses[0] if person.addresses else ""
    facts = Facts(
        now=world.clock.now(),
        active=True,
        held_out=held_out(world.secret, one, person.home),
        bought=False,
        consents=allowed,
        address=address,
        suppressed=world.suppressed(db, address) if address else "",
        pieces=tuple(Piece(thing.gtin, left[thing.gtin]) for thing in things),
        sent_lately=0,
        zone=ZoneInfo(people.zone_of(db, world.shop, place)),
    )
    found = {
        Fact.CUSTOMER: bool(person.customer_id),
        Fact.CONSENTS: allowed,
        Fact.HAS_THINGS: bool(things),
        Fact.IN_STOCK: any(left.values()),
    }
    holding = frozenset(fact for fact, is_so in found.items() if is_so)
    return things, facts, Standing(bought=False, facts=holding)


def _interaction(row: InteractionRow) -> Interaction:
    return Interaction(
        id=row.id,
        session_id=row.session_id,
        kind=Kind(row.kind),
        channel=Channel(row.channel),
        at=from_us(row.at_us),
        gtin=row.gtin,
        location_id=row.location_id,
        ref=row.ref,
    )
