"""One round: what changed on the shelves, what is news of it, and who hears of it. Bounded."""

from typing import Final

from sqlalchemy import Engine

from cart.db import reading, unit_of_work
from cart.journeys.model import TriggerKind
from cart.journeys.news.telling import any_news, tell, watched
from cart.journeys.news.watching import (
    PRICES_AT_ONCE_MAX,
    note_shelves,
    read_prices,
    settle_shelves,
)
from cart.journeys.ports import Goods, World

SHELVES_AT_ONCE_MAX: Final = 1_000
PAGES_MAX: Final = 20  # of shelves, in one round; the next one goes on
BATCHES_MAX: Final = 20  # of people: two thousand in one round


def watch_and_tell(engine: Engine, world: World, goods: Goods) -> None:
    """Read on what changed, and tell whom it concerns; nothing if no journey waits for it."""
    with reading(engine) as db:
        kinds, news = watched(db), any_news(db)
    if TriggerKind.BACK_IN_STOCK in kinds:
        _watch_shelves(engine, world, goods)
    if TriggerKind.PRICE_DROP in kinds:
        _read_prices(engine, world, goods)
    if not kinds and not news:
        return
    for _ in range(BATCHES_MAX):
        with unit_of_work(engine) as db:
            if not tell(db, world):
                return


def _read_prices(engine: Engine, world: World, goods: Goods) -> None:
    for _ in range(PAGES_MAX):
        with unit_of_work(engine) as db:
            if read_prices(db, goods, world.clock.now()) < PRICES_AT_ONCE_MAX:
                return


def _watch_shelves(engine: Engine, world: World, goods: Goods) -> None:
    for _ in range(PAGES_MAX):
        done = False
        try:
            with unit_of_work(engine) as db:
                page = goods.shelves(db, SHELVES_AT_ONCE_MAX)
                note_shelves(db, page)
            done = True
        finally:
            if not done:
                goods.again()
        if len(page) < SHELVES_AT_ONCE_MAX:
            break
    with unit_of_work(engine) as db:
        settle_shelves(db, world.clock.now())
