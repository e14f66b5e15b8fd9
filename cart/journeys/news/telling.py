"""From news to runs: whoever wants the article begins, some people in a transaction.

They are found by an index over the article. The place in the row is moved with their runs; what
is told twice starts nothing twice.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlmodel import Session, col, delete, select, update

from cart.carts.tables import ShopperSessionRow
from cart.db.guarded import write
from cart.journeys import people, wanting
from cart.journeys.enrolling import LATE_MAX, Start, active, begin
from cart.journeys.model import OF_GOODS, Definition, TriggerKind
from cart.journeys.news.tables import JourneyNewsRow
from cart.journeys.people import Person
from cart.journeys.ports import World
from cart.kernel.clock import from_us

PEOPLE_AT_ONCE_MAX: Final = 100  # sessions in one transaction; each takes some ten selects


def watched(db: Session) -> frozenset[TriggerKind]:
    """Return which triggers of goods a journey that is on waits for."""
    return frozenset({one.trigger.kind for one in active(db)} & OF_GOODS)


def any_news(db: Session) -> bool:
    """Say whether there is something to tell; for whoever asks before beginning to write."""
    return db.exec(select(JourneyNewsRow.id).limit(1)).first() is not None


def tell(db: Session, world: World) -> bool:
    """Tell some people of the oldest news; say whether there was any that no rival tells now."""
    asked = select(JourneyNewsRow).order_by(col(JourneyNewsRow.at_us), col(JourneyNewsRow.id))
    news = db.exec(asked.limit(1).with_for_update(skip_locked=True)).first()
    if news is None:
        return False
    now, at = world.clock.now(), from_us(news.at_us)
    waiting = [
        one
        for one in active(db)
        if one.trigger.kind == news.kind
        and at + timedelta(hours=one.trigger.after_hours) + LATE_MAX >= now
    ]
    since = at - wanting.WANTED_FOR
    sessions = (
        wanting.sessions_that_touched(db, news.gtin, since, news.position, PEOPLE_AT_ONCE_MAX)
        if waiting
        else []
    )
    for home in _customers(db, sessions):
        person = people.person_of(db, home)
        for one in waiting:
            start = _start(db, world, one, person, news)
            if start is not None:
                begin(db, one, start, now)
    here = col(JourneyNewsRow.id) == news.id
    if len(sessions) < PEOPLE_AT_ONCE_MAX:
        write(db, delete(JourneyNewsRow).where(here))
    else:
        write(db, update(JourneyNewsRow).where(here).values(position=sessions[-1]))
    return True


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
    if place != news.location_id or not _so_still(db, world, place, news):
        return None
    due_at = at + timedelta(hours=one.trigger.after_hours)
    return Start(one.name, one.version, person.home, news.id, at, place, news.gtin, due_at)


def _so_still(db: Session, world: World, place: str, news: JourneyNewsRow) -> bool:
    thing = people.article(db, world.shop, news.gtin, place)
    return thing is not None and any(people.pieces_left(db, world.shop, [thing], place).values())
