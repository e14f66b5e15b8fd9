"""From news to runs: whoever wants the article begins, some people in a transaction.

They are found by an index over the article. The place in the row is moved with their runs; what
is told twice starts nothing twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, select, update

from cart.carts.tables import ShopperSessionRow
from cart.db.guarded import write
from cart.journeys import people, wanting
from cart.journeys.enrolling import LATE_MAX, Start, active, begin
from cart.journeys.model import OF_GOODS, Definition, Trigger, TriggerKind
from cart.journeys.news.tables import JourneyNewsRow
from cart.journeys.people import Person
from cart.journeys.ports import World
from cart.journeys.wanting import Want
from cart.kernel.clock import from_us

NEWS_AT_ONCE_MAX: Final = 100  # changes in one transaction, of which most concern nobody
PEOPLE_AT_ONCE_MAX: Final = 100  # sessions in one transaction; each takes some ten selects


def watched(db: Session) -> frozenset[TriggerKind]:
    """Return which triggers of goods a journey that is on waits for."""
    return frozenset({one.trigger.kind for one in active(db)} & OF_GOODS)


def any_news(db: Session) -> bool:
    """Say whether there is something to tell; for whoever asks before beginning to write."""
    return db.exec(select(JourneyNewsRow.id).limit(1)).first() is not None


def tell(db: Session, world: World) -> bool:
    """Tell some people of the oldest news; say whether there is more that no rival tells now."""
    asked = select(JourneyNewsRow).order_by(col(JourneyNewsRow.at_us), col(JourneyNewsRow.id))
    found = db.exec(asked.limit(NEWS_AT_ONCE_MAX).with_for_update(skip_locked=True)).all()
    on, room = active(db), PEOPLE_AT_ONCE_MAX
    for news in found:
        sessions = _tell_one(db, world, on, news, room)
        here = col(JourneyNewsRow.id) == news.id
        if len(sessions) == room:
            write(db, update(JourneyNewsRow).where(here).values(position=sessions[-1]))
            return True
        write(db, delete(JourneyNewsRow).where(here))
        room -= len(sessions)
    return len(found) == NEWS_AT_ONCE_MAX


def _tell_one(
    db: Session, world: World, on: Sequence[Definition], news: JourneyNewsRow, room: int
) -> list[str]:
    """Begin the journeys of whom a change concerns; return the sessions looked at, by id."""
    now, at = world.clock.now(), from_us(news.at_us)
    waiting = [
        one
        for one in on
        if one.trigger.kind == news.kind
        and at + timedelta(hours=one.trigger.after_hours) + LATE_MAX >= now
    ]
    if not waiting:
        return []
    since = at - wanting.WANTED_FOR
    sessions = wanting.sessions_that_touched(db, news.gtin, since, news.position, room)
    for home in _customers(db, sessions):
        person = people.person_of(db, home)
        for one in waiting:
            start = _start(db, world, one, person, news)
            if start is not None:
                begin(db, one, start, now, person.sessions)
    return sessions


def _customers(db: Session, sessions: Sequence[str]) -> list[str]:
    """Return the homes of those who have an account: to a stranger nothing could be sent."""
    homes = sorted(set(people.homes_of(db, sessions).values()))
    asked = select(ShopperSessionRow.id).where(
        col(ShopperSessionRow.id).in_(homes), col(ShopperSessionRow.customer_id).is_not(None)
    )
    return sorted(db.exec(asked).all())


def _start(
    db: Session, world: World, one: Definition, person: Person, news: JourneyNewsRow
) -> Start | None:
    at = from_us(news.at_us)
    want = wanting.wanted(db, person.sessions, person.cart_id, news.gtin, at)
    if want is None or want.since > at:
        return None
    if people.has_bought(db, person, want.since, [news.gtin]):
        return None
    place = want.location_id or wanting.last_place(db, person.sessions)
    if not _concerns(db, world, one.trigger, replace(want, location_id=place), news):
        return None
    due_at = at + timedelta(hours=one.trigger.after_hours)
    said = (news.id, at, place, news.gtin, due_at)
    return Start(one.name, one.version, person.home, person.home, *said)


def _concerns(
    db: Session, world: World, trigger: Trigger, want: Want, news: JourneyNewsRow
) -> bool:
    """Say whether a change is one for her, and still so."""
    if trigger.kind is TriggerKind.PRICE_DROP:
        today = people.price_now(db, world.shop, news.gtin, want.currency)
        return want.kept and trigger.cheap_enough(want.price_minor, today)
    place = want.location_id
    thing = people.article(db, world.shop, news.gtin, place)
    if place != news.location_id or thing is None:
        return False
    return any(people.pieces_left(db, world.shop, [thing], place).values())
